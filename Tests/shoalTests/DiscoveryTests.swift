import Foundation
import Testing

extension ProcessTests {
    /// Nodes that look for their mesh.
    @Suite struct DiscoveryTests {
        /// Lets `name` join at `alpha`, and makes it forget where it did.
        private func joinAndForget(_ name: String, at alpha: RunningNode, _ place: Place)
            async throws
        {
            let ticket = try await place.ticket(of: alpha)
            let joined = try await place.join(ticket, as: name)
            #expect(joined.status == 0, "\(joined)")
            for file in ["known", "ticket"] {
                try FileManager.default.removeItem(atPath: place.path("\(name)/peers/\(file)"))
            }
        }

        @Test func aNodeWithNothingButASeedsNameFindsTheMesh() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let port = try #require(alpha.peerPort)
                try await joinAndForget("beta", at: alpha, place)
                // Without it, nobody is found, and it says so.
                let lonely = try await place.run("beta")
                let status = try await place.succeed("status", "--dir", lonely.directory)
                #expect(status.output.contains("Alone: no address of another member is known"))
                #expect(try await place.status(lonely).discovery?.alone == true)
                _ = try await lonely.stop()

                let beta = try await place.run(
                    "beta", ["--seed", "127.0.0.1:1", "--seed", "localhost:\(port)"])
                try await place.wait(for: "alpha", toBe: "alive", at: beta)
                try await place.wait(for: "beta", toBe: "alive", at: alpha)
                #expect(try await place.status(beta).discovery?.alone == false)
                try await eventually("the status says by which seed") {
                    try await place.status(beta).discovery?.places.contains {
                        $0.address == "localhost:\(port)" && $0.outcome == "member"
                            && $0.reason == "alpha"
                    } == true
                }
            }
        }

        @Test func whatASeedThatDoesNotAnswerSaysIsInTheStatusAndOnceInTheLog() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh(
                    "alpha", ["--seed", "127.0.0.1:1", "--seed", "shoal.invalid:7433"])
                try await eventually("it gives up for now\n\(alpha.command.errors)") {
                    alpha.command.errors.contains("no member of the mesh answers")
                }
                let status = try await place.succeed("status", "--dir", alpha.directory)
                #expect(status.output.contains("Alone: no other member answers. Tried:"))
                #expect(status.output.contains("127.0.0.1:1 (seed): connection refused"))
                #expect(status.output.contains("the name shoal.invalid does not resolve"))
                try await Task.sleep(for: .seconds(4))
                // Tried again several times by now, and told once each: the name, the dead end.
                let lines = alpha.command.errors.split(separator: "\n")
                #expect(lines.count { $0.contains("no member of the mesh answers") } == 1)
                #expect(
                    lines.count { $0.contains("shoal.invalid") && !$0.contains("Tried") } == 1)
            }
        }

        @Test func whenAllStopAndTheFirstStaysAwayTheOthersMeet() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                var nodes: [RunningNode] = [alpha]
                for name in ["beta", "gamma"] {
                    let ticket = try await place.ticket(of: alpha)
                    #expect(try await place.join(ticket, as: name).status == 0)
                    nodes.append(try await place.run(name))
                }
                let (beta, gamma) = (nodes[1], nodes[2])
                try await place.wait(for: "gamma", toBe: "alive", at: beta)
                try await place.wait(for: "beta", toBe: "alive", at: gamma)
                // Each leaves in order: to the last, all others have left.
                for node in nodes { #expect(try await node.stop().status == 0) }

                let ports = try nodes.map { try #require($0.peerPort) }
                let again = [
                    try await place.run("beta", ["--peer-port", "\(ports[1])"]),
                    try await place.run("gamma", ["--peer-port", "\(ports[2])"]),
                ]
                try await place.wait(for: "gamma", toBe: "alive", at: again[0])
                try await place.wait(for: "beta", toBe: "alive", at: again[1])
            }
        }

        @Test func aSeedThatCannotBeIsRefused() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                expectRefusal(
                    try await place.shoal(
                        "node", "run", "--dir", place.path("alpha"), "--seed", "nowhere"),
                    status: 64, saying: "'nowhere'", "HOST:PORT")
                let outcome = try await place.shoal(
                    "mesh", "init", "--dir", place.path("beta"), "--seed", "nowhere")
                #expect(outcome.status == 64, "\(outcome)")
                #expect(!place.exists("beta"))
            }
        }
    }
}
