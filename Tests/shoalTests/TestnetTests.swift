import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension ProcessTests {
    @Suite struct TestnetTests {
        private struct Processes: Decodable {
            struct Node: Decodable {
                var name: String
                var running: Bool
                var pid: Int32?
                var http: String?
            }

            var nodes: [Node]
        }

        private static let prompt = "Once upon a time"

        private func query(_ place: Place, at node: String) async throws -> QueryReport {
            try await place.succeed(
                "query", Self.prompt, "--dir", place.path("net"), "--node", node, "--model",
                Package.modelName, "--max-tokens", "32", "--json"
            ).json(QueryReport.self)
        }

        @Test func aNodeIsKilledAndTheOthersGoOnAnswering() async throws {
            try await Place.with { place in
                let net = place.path("net")
                let up = try await place.succeed(
                    "testnet", "up", "--nodes", "5", "--dir", net, "--json"
                ).json(Processes.self)
                #expect(up.nodes.map(\.name) == (1...5).map { "node-\($0)" })
                #expect(up.nodes.allSatisfy { $0.running })
                #expect(Set(place.nodesLeft()) == Set(up.nodes.compactMap(\.pid)))

                // Asked at node-1, which has no model, so answered elsewhere.
                let first = try await query(place, at: "node-1")
                #expect(first.shoal.node != "node-1")
                #expect(first.usage.completion_tokens == 32)
                #expect(first.finish_reason == "length")
                #expect(!first.text.isEmpty)

                // The likeliest answer does not depend on who gives it.
                for number in 2...5 {
                    let other = try await query(place, at: "node-\(number)")
                    #expect(other.shoal.node == "node-\(number)")
                    #expect(other.text == first.text)
                }

                let http = try #require(up.nodes.first?.http)
                try await streamsTheSame(text: first.text, at: http)

                // Killed, then seen dead.
                _ = try await place.succeed("testnet", "kill", "node-3", "--dir", net, "--json")
                    .object()
                try await eventually("node-3 is seen dead") {
                    try await place.succeed(
                        "status", "--dir", net, "--node", "node-1", "--json"
                    ).json(StatusReport.self).state(of: "node-3") == "dead"
                }
                let table = try await place.succeed("status", "--dir", net, "--node", "node-2")
                #expect(table.output.contains("node-3"))
                let after = try await query(place, at: "node-1")
                #expect(after.text == first.text)
                #expect(!["node-1", "node-3"].contains(after.shoal.node))
                expectRefusal(
                    try await place.shoal("status", "--dir", net, "--node", "node-3"), status: 69,
                    saying: "node-3", "not running")

                // The node that would answer next goes; nobody has noticed yet.
                let victim = after.shoal.node
                try await place.succeed("testnet", "kill", victim, "--dir", net)
                let retried = try await query(place, at: "node-1")
                #expect(retried.text == first.text)
                #expect(!["node-1", "node-3", victim].contains(retried.shoal.node))

                let processes = try await place.succeed(
                    "testnet", "status", "--dir", net, "--json"
                ).json(Processes.self)
                #expect(
                    Set(processes.nodes.filter { !$0.running }.map(\.name)) == ["node-3", victim])
                _ = try await place.succeed("testnet", "logs", "node-1", "--dir", net, "--json")
                    .object()

                _ = try await place.succeed("testnet", "down", "--dir", net, "--json").object()
                #expect(!place.exists("net"))
                #expect(place.nodesLeft().isEmpty)
            }
        }

        /// The same answer as server-sent events, in several pieces.
        private func streamsTheSame(text: String, at http: String) async throws {
            struct Chunk: Decodable {
                struct Choice: Decodable {
                    struct Delta: Decodable { var content: String? }
                    var delta: Delta
                }
                var choices: [Choice]
            }
            let answer = try await HTTPAnswer.of(
                http, "/v1/chat/completions",
                body: """
                    {"model": "\(Package.modelName)", "max_tokens": 32, "temperature": 0, \
                    "stream": true, "messages": [{"role": "user", "content": "\(Self.prompt)"}]}
                    """)
            #expect(answer.status == 200)
            #expect(answer.events.last == "[DONE]")
            let pieces = try answer.events.dropLast().flatMap { event in
                try JSONDecoder().decode(Chunk.self, from: Data(event.utf8)).choices
                    .compactMap(\.delta.content).filter { !$0.isEmpty }
            }
            #expect(pieces.count > 1)
            #expect(pieces.joined() == text)
        }

        @Test func aSecondTestnetInTheSamePlaceIsRefusedAndTheFirstGoesOn() async throws {
            try await Place.with { place in
                let net = place.path("net")
                expectRefusal(
                    try await place.shoal("testnet", "down", "--dir", net), status: 78,
                    saying: "no testnet", "testnet up")
                try await place.succeed("testnet", "up", "--nodes", "2", "--dir", net)
                expectRefusal(
                    try await place.shoal("testnet", "up", "--nodes", "2", "--dir", net),
                    status: 78, saying: "already", "2 of 2", "testnet down")
                expectRefusal(
                    try await place.shoal("testnet", "kill", "node-9", "--dir", net), status: 64,
                    saying: "node-9", "node-1, node-2")
                #expect(try await query(place, at: "node-1").shoal.node == "node-2")
                try await place.succeed("testnet", "down", "--dir", net)
                #expect(place.nodesLeft().isEmpty)
            }
        }
    }
}
