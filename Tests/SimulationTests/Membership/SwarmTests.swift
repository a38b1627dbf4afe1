import Gossip
import Simulation
import Testing
import Wire

/// Many short runs with every fault, drawn from seeds. The long run is `shoal simulate swarm`.
@Suite struct SwarmTests {
    /// Few, since this is a debug build, a hundred times slower; processors share them.
    @Test(arguments: 0..<8)
    func `no seed breaks an invariant`(part: UInt64) {
        for seed in (part * 5 + 1)...(part * 5 + 5) {
            let configuration = MembershipSwarm.configuration(
                nodes: 2...8, seed: seed, duration: .seconds(200))
            let report = MembershipSimulation.run(configuration)
            #expect(report.isClean, "\(report.text)")
        }
    }

    @Test func `the same seed draws the same run, and replays byte for byte`() {
        for seed in 1...3 as ClosedRange<UInt64> {
            let configuration = MembershipSwarm.configuration(
                nodes: 2...8, seed: seed, duration: .seconds(200))
            #expect(
                MembershipSwarm.configuration(nodes: 2...8, seed: seed, duration: .seconds(200))
                    == configuration)
            #expect(
                MembershipSimulation.run(configuration) == MembershipSimulation.run(configuration))
        }
    }

    @Test func `a drawn run is one that can be run, whatever its size and length`() {
        for seed in 1...300 as ClosedRange<UInt64> {
            for nodes in [1, 2, 3, 8, 128] {
                for seconds in [10, 300, 36_000] {
                    let configuration = Run(
                        nodes: nodes, seed: seed, duration: .seconds(seconds)
                    ).drawingFaults()
                    #expect(configuration.problem == nil, "seed \(seed), \(nodes) nodes")
                    #expect(configuration.nodes == nodes)
                }
            }
        }
    }

    @Test func `every kind of fault is drawn, and none by every seed`() {
        var counts: [String: Int] = [:]
        let seeds = 200
        for seed in 1...UInt64(seeds) {
            let configuration = MembershipSwarm.configuration(
                nodes: 2...8, seed: seed, duration: .seconds(300))
            // Before the network is healed for good.
            let faults = configuration.faults.filter { $0.at < .seconds(180) }
            for name in Set(faults.map { Self.name($0.kind) }) { counts[name, default: 0] += 1 }
        }
        let kinds = [
            "crash", "lose", "restart", "restartElsewhere", "restartAll", "leave", "pause",
            "suspend", "slow", "stepClock", "rotateKey", "partition", "split", "cut", "clog",
            "shrink", "block", "heal", "update",
        ]
        for kind in kinds {
            #expect((3..<seeds).contains(counts[kind] ?? 0), "\(kind): \(counts[kind] ?? 0)")
        }
    }

    private static func name(_ kind: Fault.Kind) -> String {
        String("\(kind)".prefix { $0 != "(" })
    }

    @Test func `shrinking keeps what breaks and drops the rest`() {
        var configuration = Run(nodes: 4, seed: 1, duration: .seconds(100))
        configuration.network.loss = 0.2
        configuration.network.reordering = 0.2
        configuration.outboundOnly = 1
        configuration.faults = (0..<20).map { Fault(at: .seconds($0 + 1), .rotateKey($0 % 4)) }
        configuration.faults[7].kind = .crash(1)
        configuration.faults[13].kind = .crash(2)
        var asked = 0
        let shrunk = MembershipSwarm.shrunk(configuration) { candidate in
            asked += 1
            return candidate.faults.contains { $0.kind == .crash(1) }
                && candidate.faults.contains { $0.kind == .crash(2) }
                && candidate.network.reordering > 0
        }
        #expect(shrunk.faults.map(\.kind) == [.crash(1), .crash(2)])
        #expect(shrunk.network.loss == 0)
        #expect(shrunk.network.reordering == 0.2)
        #expect(shrunk.outboundOnly == 0)
        #expect(asked <= 200)
        asked = 0
        _ = MembershipSwarm.shrunk(configuration, runsMax: 5) { _ in
            asked += 1
            return false
        }
        #expect(asked == 5)
    }
}
