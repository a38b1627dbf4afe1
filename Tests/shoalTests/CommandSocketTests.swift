import Foundation
import Testing

extension ProcessTests {
    /// Commands and their node speak over a Unix socket.
    @Suite struct CommandSocketTests {
        private struct Told: Codable {
            var pid: Int32
            var processStart: UInt64?
            var name: String
            var id: String
            var http: String
            var socket: String?
            var addresses: [String]
        }

        private func told(by node: RunningNode) throws -> Told {
            let data = try Data(
                contentsOf: URL(fileURLWithPath: node.directory + "/run/node.json"))
            return try JSONDecoder().decode(Told.self, from: data)
        }

        /// From now on, what the node told of its port leads nowhere.
        private func hidePort(of node: RunningNode) throws {
            var told = try told(by: node)
            told.http = "http://127.0.0.1:1"
            try JSONEncoder().encode(told).write(
                to: URL(fileURLWithPath: node.directory + "/run/node.json"))
        }

        private func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }

        @Test func commandsAskTheirNodeOverASocketThatOnlyItsUserReaches() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha", ["--model", Package.model])
                let socket = try #require(try told(by: alpha).socket)
                #expect(socket == alpha.directory + "/run/http.sock")
                #expect(try mode(socket) == 0o600)
                #expect(try mode(alpha.directory + "/run") == 0o700)

                try hidePort(of: alpha)
                let status = try await place.succeed("status", "--dir", alpha.directory, "--json")
                #expect(try status.json(StatusReport.self).member("alpha")?.state == "alive")
                let answer = try await place.succeed(
                    "query", "Once upon a time", "--dir", alpha.directory, "--max-tokens", "4",
                    "--json"
                ).json(QueryReport.self)
                #expect(!answer.text.isEmpty)
                let doctor = try await place.shoal("doctor", "--dir", alpha.directory, "--json")
                #expect(doctor.output.contains("it runs, process"), "\(doctor)")

                // A URL is asked as it says, over the network.
                expectRefusal(
                    try await place.shoal("status", "--url", "http://127.0.0.1:1"), status: 69,
                    saying: "does not answer")
                try await place.succeed("status", "--url", alpha.http)

                _ = try await alpha.stop()
                #expect(!place.exists("alpha/run/http.sock"))
            }
        }

        @Test func aNodeThatWasKilledMakesItsSocketAnew() async throws {
            try await Place.with { place in
                let first = try await place.runMesh("alpha")
                try await first.kill()
                #expect(place.exists("alpha/run/http.sock"))
                let second = try await place.run("alpha")
                try hidePort(of: second)
                try await place.succeed("status", "--dir", second.directory)
            }
        }

        @Test func aDirectoryWithALongPathHasItsSocketInAPrivateDirectoryElsewhere() async throws {
            try await Place.with { place in
                let name = String(repeating: "long-", count: 24) + "name"
                let made = try await place.start(
                    ["mesh", "init", "--dir", place.path(name), "--node-name", "alpha"]
                        + ["--peer-host", "127.0.0.1", "--peer-port", "0", "--http-port", "0"]
                ).outcome()
                #expect(made.status == 0, "\(made)")
                let first = try await place.run(name)
                let earlier = try #require(try told(by: first).socket)
                #expect(earlier.utf8.count < 104)
                #expect(try mode(earlier) == 0o600)
                let folder = (earlier as NSString).deletingLastPathComponent
                #expect(try mode(folder) == 0o700)
                try hidePort(of: first)
                try await place.succeed("status", "--dir", first.directory)

                // What a crash left is removed by the next start, and what that made when it stops.
                try await first.kill()
                let second = try await place.run(name)
                #expect(!FileManager.default.fileExists(atPath: folder))
                let later = try #require(try told(by: second).socket)
                _ = try await second.stop()
                #expect(
                    !FileManager.default.fileExists(
                        atPath: (later as NSString).deletingLastPathComponent))
            }
        }
    }
}
