import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension ProcessTests {
    /// Starting testnets that fail, are interrupted, or start at the same time.
    @Suite struct TestnetStartTests {
        private struct Processes: Decodable {
            struct Node: Decodable {
                var name: String
                var pid: Int32?
                var http: String?
                var addresses: [String]
            }

            var nodes: [Node]

            var ports: [Substring] {
                nodes.flatMap { $0.addresses + [$0.http ?? ""] }
                    .compactMap { $0.split(separator: ":").last }
            }
        }

        @Test func aStartThatFailsLeavesNoProcessAndNoFile() async throws {
            try await Place.with { place in
                let broken = try place.write("not a model", to: "broken.gguf")
                let outcome = try await place.shoal(
                    "testnet", "up", "--nodes", "4", "--dir", place.path("net"), "--model",
                    "node-3:\(broken)")
                #expect(outcome.status == 69, "\(outcome)")
                #expect(outcome.errors.contains("node-3"), "\(outcome)")
                // The log goes with the directory, so the command shows its end.
                #expect(outcome.errors.contains("broken.gguf"), "\(outcome)")
                #expect(!place.exists("net"))
                #expect(place.nodesLeft().isEmpty)
            }
        }

        @Test func aStartThatIsInterruptedLeavesNoProcessAndNoFile() async throws {
            try await Place.with { place in
                let command = try place.start([
                    "testnet", "up", "--nodes", "12", "--dir", place.path("net"), "--model",
                    Package.model,
                ])
                try await eventually("some nodes run\n\(command.errors)") {
                    place.nodesLeft().count >= 3
                }
                command.send(SIGINT)
                let outcome = try await command.outcome()
                #expect(outcome.status == 75, "\(outcome)")
                #expect(!place.exists("net"))
                #expect(place.nodesLeft().isEmpty)
            }
        }

        @Test func testnetsThatStartAtOnceTakeDifferentPorts() async throws {
            try await Place.with { place in
                let commands = try ["a", "b", "c"].map {
                    try place.start([
                        "testnet", "up", "--nodes", "2", "--dir", place.path($0), "--model",
                        Package.model, "--json",
                    ])
                }
                var ports: [Substring] = []
                for command in commands {
                    let outcome = try await command.outcome()
                    ports += try outcome.json(Processes.self).ports
                }
                #expect(ports.count == 12)
                #expect(Set(ports).count == 12)
                for name in ["a", "b", "c"] {
                    try await place.succeed("testnet", "down", "--dir", place.path(name))
                }
            }
        }

        @Test func aDirectoryWithOtherFilesIsLeftAlone() async throws {
            try await Place.with { place in
                try FileManager.default.createDirectory(
                    atPath: place.path("mine"), withIntermediateDirectories: false)
                try place.write("dear diary", to: "mine/diary")
                expectRefusal(
                    try await place.shoal("testnet", "up", "--dir", place.path("mine")),
                    status: 78, saying: "other files", "--dir")
                #expect(place.exists("mine/diary"))
            }
        }

        /// Numbers of processes are used again: a node's old one may belong to anybody.
        @Test func aProcessThatOnlyHasTheNumberOfADeadNodeIsNotKilled() async throws {
            try await Place.with { place in
                let net = place.path("net")
                let up = try await place.succeed(
                    "testnet", "up", "--nodes", "2", "--dir", net, "--model", Package.model,
                    "--json"
                ).json(Processes.self)
                try await place.succeed("testnet", "kill", "node-2", "--dir", net)
                let old = try #require(up.nodes[1].pid)

                // What the node left says that it runs; give it the number of another.
                let bystander = Process()
                bystander.executableURL = URL(fileURLWithPath: "/bin/sleep")
                bystander.arguments = ["600"]
                try bystander.run()
                // It may have begun with other signals blocked, as the threads of tests have.
                defer { kill(bystander.processIdentifier, SIGKILL) }
                let file = place.path("net/node-2/run/node.json")
                let text = try String(contentsOfFile: file, encoding: .utf8)
                try #require(text.contains("\"pid\":\(old)"))
                try text.replacingOccurrences(
                    of: "\"pid\":\(old)", with: "\"pid\":\(bystander.processIdentifier)"
                ).write(toFile: file, atomically: false, encoding: .utf8)

                expectRefusal(
                    try await place.shoal("testnet", "kill", "node-2", "--dir", net), status: 69,
                    saying: "node-2", "not running")
                try await place.succeed("testnet", "down", "--dir", net)
                #expect(bystander.isRunning)
            }
        }
    }
}
