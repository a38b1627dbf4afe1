import Gossip
import Simulation
import Testing
import Wire

/// Hostile members and a hostile outsider.
@Suite struct HostileTests {
    @Test(arguments: [(3, 1), (4, 1), (8, 2)])
    func `hostile members bury nobody, speak for nobody and grow nobody's memory`(
        nodes: Int, hostiles: Int
    ) {
        let configuration = run(nodes: nodes, seconds: 90) {
            $0.hostile = .member
            $0.hostiles = hostiles
            $0.network.loss = 0.05
        }
        let report = expectClean(configuration)
        #expect(report.falseDeaths == 0)
        #expect(report.refutations > 0, "somebody was accused: \(report.text)")
    }

    @Test func `each attack alone comes to nothing`() {
        for attack in Attack.allCases {
            let configuration = run(nodes: 4, seconds: 40) {
                $0.hostile = .member
                $0.attacks = [attack]
            }
            expectClean(configuration)
        }
    }

    /// In a network that leaves nothing to chance: what honest members answer to an outsider would
    /// else take part in the draws for their other datagrams. What the network lost it does not send
    /// again, since that would be the delivery: a network may be as late.
    private func historyDigest(
        _ hostile: MembershipSimulation.Hostility?, nodes: Int, seed: UInt64 = 1, seconds: Int,
        _ faults: [Fault]
    ) -> String {
        let report = expectClean(
            run(nodes: nodes, seed: seed, seconds: seconds) {
                $0.hostile = hostile
                $0.outsiderRevives = false
                $0.network.latency = .milliseconds(7) ... .milliseconds(7)
                $0.faults = faults
            })
        if hostile != nil {
            #expect(report.checkers.first { $0.checker == "resistance" }?.judged ?? 0 > 1000)
        }
        return report.historyDigest
    }

    @Test(arguments: [2, 3, 6])
    func `an outsider changes nothing at all`(nodes: Int) {
        var faults = [Fault(at: .seconds(40), .lose(1))]
        if nodes > 3 { faults.append(Fault(at: .seconds(70), .crash(4))) }
        #expect(
            historyDigest(.outsider, nodes: nodes, seconds: 130, faults)
                == historyDigest(nil, nodes: nodes, seconds: 130, faults))
    }

    @Test(arguments: [(2, 1), (3, 2), (6, 3), (6, 4)] as [(Int, UInt64)])
    func `nor where nodes restart, and the mesh is cut in two and healed`(
        nodes: Int, seed: UInt64
    ) {
        let faults = [
            Fault(at: .seconds(20), .crash(1)), Fault(at: .seconds(22), .restart(1)),
            Fault(at: .seconds(35), .lose(nodes - 1)), Fault(at: .seconds(55), .restart(nodes - 1)),
            Fault(at: .seconds(70), .partition(Array(0..<nodes / 2))),
            Fault(at: .seconds(90), .heal),
            Fault(at: .milliseconds(120_300), .crash(0)), Fault(at: .seconds(121), .restart(0)),
        ]
        #expect(
            historyDigest(.outsider, nodes: nodes, seed: seed, seconds: 150, faults)
                == historyDigest(nil, nodes: nodes, seed: seed, seconds: 150, faults))
    }

    /// Its copies come first, from addresses that nobody has; there is loss, and nodes restart.
    @Test(arguments: [2, 3, 6])
    func `an outsider faster than the network harms nobody`(nodes: Int) {
        let configuration = run(nodes: nodes, seconds: 90) {
            $0.hostile = .outsider
            $0.outsiderOvertakes = true
            $0.network.loss = 0.05
            $0.crashes = 2
        }
        let report = expectClean(configuration)
        #expect(report.falseDeaths == 0)
        #expect(report.crashes > 0)
    }

    @Test func `a crash is seen in spite of hostile members`() {
        let configuration = run(nodes: 8, seconds: 100) {
            $0.hostile = .member
            $0.hostiles = 2
            $0.faults = [Fault(at: .seconds(40), .crash(2))]
        }
        let report = expectClean(configuration)
        #expect(report.detection.count == 5)
    }
}
