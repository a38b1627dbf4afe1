import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension ProcessTests {
    /// Members that can't be reached by all means are members all the same. Real processes, real
    /// sockets; verdicts are on states that last, never on how long something took.
    @Suite struct ReachabilityTests {
        /// Longer than it takes to bury a member of a small mesh that does not answer.
        private static let lasting: Duration = .seconds(22)

        /// A node of the mesh, and how it is started.
        private struct Kind {
            var name: String
            var options: [String]
        }

        /// A mesh of `first`, which all others join, each started its own way.
        private func mesh(_ place: Place, _ kinds: [Kind]) async throws -> [RunningNode] {
            var nodes: [RunningNode] = []
            for kind in kinds {
                if let first = nodes.first {
                    let ticket = try await place.ticket(of: first)
                    let outcome = try await place.join(ticket, as: kind.name)
                    guard outcome.status == 0 else { throw Problem("it failed: \(outcome)") }
                } else {
                    try await place.makeMesh(kind.name)
                }
                nodes.append(try await place.run(kind.name, kind.options))
            }
            return nodes
        }

        /// Who does not see whom alive, of those that can be asked.
        private func missing(
            _ place: Place, _ nodes: [RunningNode], of others: [RunningNode]
        ) async throws -> [String] {
            var missing: [String] = []
            for node in nodes {
                let status = try await place.status(node)
                for other in others where status.state(of: other.name) != "alive" {
                    missing.append(
                        "\(node.name) sees \(other.name) "
                            + (status.state(of: other.name) ?? "not at all"))
                }
            }
            return missing
        }

        private func waitUntilAllSeeAll(_ place: Place, _ nodes: [RunningNode]) async throws {
            var left: [String] = []
            try await eventually("all see all alive: \(left)", withinSeconds: 120) {
                left = try await missing(place, nodes, of: nodes)
                return left.isEmpty
            }
        }

        /// Looks again and again whether anybody takes anybody for anything but alive, for as long
        /// as it would take to bury somebody.
        private func staysSo(_ place: Place, _ nodes: [RunningNode]) async throws {
            let end = ContinuousClock.now + Self.lasting
            while ContinuousClock.now < end {
                for node in nodes {
                    let status = try await place.status(node)
                    for other in nodes {
                        // Suspected, and cleared again, is what may happen on a busy machine.
                        let state = status.state(of: other.name)
                        #expect(
                            state == "alive" || state == "suspect",
                            "\(node.name) sees \(other.name) \(state ?? "not at all")")
                    }
                }
                try await Task.sleep(for: .seconds(1))
            }
            try await waitUntilAllSeeAll(place, nodes)
        }

        private func waitUntilDead(
            _ place: Place, _ victim: RunningNode, to nodes: [RunningNode]
        ) async throws {
            for node in nodes where node.name != victim.name {
                try await eventually("\(node.name) sees \(victim.name) dead", withinSeconds: 120) {
                    try await place.status(node).state(of: victim.name) == "dead"
                }
            }
        }

        @Test func membersBehindFirewallsAndTranslatorsAreAliveToAll() async throws {
            try await Place.with { place in
                let nodes = try await mesh(
                    place,
                    [
                        Kind(name: "open", options: []), Kind(name: "other", options: []),
                        Kind(name: "walled", options: ["--fault", "drop-datagrams"]),
                        Kind(name: "hidden", options: ["--dial-out-only"]),
                    ])
                try await waitUntilAllSeeAll(place, nodes)
                #expect(nodes[2].command.errors.contains("FAULT ON PURPOSE"))
                try await staysSo(place, nodes)
                let status = try await place.status(nodes[0])
                let hidden = try #require(status.members.first { $0.name == "hidden" })
                #expect(hidden.reachability == "outbound only" && hidden.path == "link")
                let counters = try await place.status(nodes[2]).counters
                #expect((counters["gossip_datagrams_dropped_on_purpose"] ?? 0) > 0)
                #expect(counters["gossip_datagrams_sent"] == 0)

                // Its death is a death like any other.
                try await nodes[3].kill()
                try await waitUntilDead(place, nodes[3], to: nodes.dropLast())
                try await nodes[2].kill()
                try await waitUntilDead(place, nodes[2], to: Array(nodes.prefix(2)))
            }
        }

        @Test func membersThatCannotDialEachOtherAreAliveToEachOther() async throws {
            try await Place.with { place in
                let nodes = try await mesh(
                    place,
                    [
                        Kind(name: "open", options: []), Kind(name: "other", options: []),
                        Kind(name: "hidden", options: ["--dial-out-only"]),
                        Kind(
                            name: "hidden-too",
                            options: ["--dial-out-only", "--fault", "drop-datagrams"]),
                    ])
                try await waitUntilAllSeeAll(place, nodes)
                try await staysSo(place, nodes)
                // The relay that they may have used goes.
                try await nodes[1].kill()
                let left = [nodes[0], nodes[2], nodes[3]]
                try await waitUntilDead(place, nodes[1], to: left)
                try await waitUntilAllSeeAll(place, left)
                try await nodes[2].kill()
                try await waitUntilDead(place, nodes[2], to: [nodes[0], nodes[3]])
            }
        }

        @Test func aMeshOfMembersWithoutDatagramsHoldsTogether() async throws {
            try await Place.with { place in
                let nodes = try await mesh(
                    place,
                    (1...3).map {
                        Kind(name: "node-\($0)", options: ["--fault", "drop-datagrams"])
                    })
                try await waitUntilAllSeeAll(place, nodes)
                try await staysSo(place, nodes)
                try await nodes[1].kill()
                try await waitUntilDead(place, nodes[1], to: nodes)
            }
        }

        @Test func aMemberThatWasStoppedComesBackByItself() async throws {
            try await Place.with { place in
                let nodes = try await mesh(
                    place, ["first", "second", "third"].map { Kind(name: $0, options: []) })
                try await waitUntilAllSeeAll(place, nodes)
                let before = try await place.status(nodes[0])
                let stopped = nodes[2]
                // So long that it is buried: nobody can tell it from one that is gone.
                stopped.command.send(SIGSTOP)
                try await waitUntilDead(place, stopped, to: Array(nodes.prefix(2)))
                stopped.command.send(SIGCONT)
                try await waitUntilAllSeeAll(place, nodes)
                let after = try await place.status(nodes[0])
                // The same start of it, which refuted what was said.
                let (old, new) = (before.member("third"), after.member("third"))
                #expect(new?.generation == old?.generation)
                #expect((new?.incarnation ?? 0) > (old?.incarnation ?? 0))
                // And it has nothing against those who buried it.
                let own = try await place.status(stopped)
                #expect(own.state(of: "first") == "alive" && own.state(of: "second") == "alive")
            }
        }

        @Test func anUnknownFaultIsRefused() async throws {
            try await Place.with { place in
                try await place.makeMesh("node")
                let outcome = try await place.shoal(
                    "node", "run", "--dir", place.path("node"), "--fault", "drop-everything")
                expectRefusal(outcome, status: 64, saying: "drop-everything", "drop-datagrams")
            }
        }

        @Test func aTestnetHasNodesThatAreHardToReach() async throws {
            try await Place.with { place in
                struct Nodes: Decodable {
                    struct Node: Decodable {
                        var name: String
                        var dial_out_only: Bool
                        var faults: [String]
                    }
                    var nodes: [Node]
                }
                let net = place.path("net")
                let up = try await place.succeed(
                    "testnet", "up", "--nodes", "4", "--dir", net, "--dial-out-only", "1",
                    "--drop-datagrams", "1", "--json"
                ).json(Nodes.self)
                #expect(up.nodes.map(\.dial_out_only) == [false, false, false, true])
                #expect(up.nodes.map(\.faults) == [[], [], ["drop-datagrams"], []])
                let table = try await place.succeed("status", "--dir", net, "--node", "node-3")
                #expect(table.output.contains("FAULT ON PURPOSE: drop-datagrams"))
                let outcome = try await place.shoal(
                    "testnet", "up", "--nodes", "2", "--dir", place.path("other"),
                    "--dial-out-only", "2")
                #expect(outcome.status == 64 && outcome.errors.contains("--dial-out-only"))
                try await place.succeed("testnet", "down", "--dir", net)
            }
        }
    }
}
