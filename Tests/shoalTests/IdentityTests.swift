import Foundation
import Testing

extension ProcessTests {
    /// One identity, more than one directory.
    @Suite struct IdentityTests {
        private struct Pair {
            let alpha: RunningNode
            let beta: RunningNode
        }

        private func pair(_ place: Place) async throws -> Pair {
            let alpha = try await place.runMesh("alpha")
            let ticket = try await place.ticket(of: alpha)
            #expect(try await place.join(ticket, as: "beta").status == 0)
            let beta = try await place.run("beta")
            try await place.wait(for: "beta", toBe: "alive", at: alpha)
            return Pair(alpha: alpha, beta: beta)
        }

        private func copy(_ place: Place, _ from: String, _ to: String) throws {
            let files = FileManager.default
            if files.fileExists(atPath: place.path(to)) {
                try files.removeItem(atPath: place.path(to))
            }
            try files.copyItem(atPath: place.path(from), toPath: place.path(to))
        }

        @Test func aDirectoryThatWasRestoredFromABackupIsAliveAgain() async throws {
            try await Place.with { place in
                let pair = try await pair(place)
                _ = try await pair.beta.stop()
                try copy(place, "beta", "backup")
                // The mesh hears of starts that the backup knows nothing of.
                for _ in 0..<2 {
                    let beta = try await place.run("beta")
                    try await place.wait(for: "beta", toBe: "alive", at: pair.alpha)
                    _ = try await beta.stop()
                    try await place.wait(for: "beta", toBe: "left", at: pair.alpha)
                }
                try copy(place, "backup", "beta")
                _ = try await place.run("beta")
                try await place.wait(for: "beta", toBe: "alive", at: pair.alpha)
            }
        }

        @Test func aNodeWhoseDirectoryRunsElsewhereTooSaysSo() async throws {
            try await Place.with { place in
                let pair = try await pair(place)
                _ = try await pair.beta.stop()
                try copy(place, "beta", "copy")
                let beta = try await place.run("beta")
                try await place.wait(for: "beta", toBe: "alive", at: pair.alpha)
                _ = try await place.run("copy", ["--peer-port", "0", "--http-port", "0"])
                try await eventually("the first of the two says so\n\(beta.command.errors)") {
                    beta.command.errors.contains("another process has this node's identity")
                }
                let doctor = try await place.shoal("doctor", "--dir", beta.directory)
                #expect(doctor.status == 1)
                #expect(doctor.output.contains("another process runs with this node's identity"))
            }
        }
    }
}
