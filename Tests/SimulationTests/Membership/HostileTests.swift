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
    /// else take part in the draws for their other datagrams. And without restarts or heals: there a
    /// recording can have a member say hello a round trip sooner than it would have.
    @Test(arguments: [2, 3, 6])
    func `an outsider changes nothing at all`(nodes: Int) {
        func report(_ hostile: MembershipSimulation.Hostility?) -> MembershipSimulation.Report {
            expectClean(
                run(nodes: nodes, seconds: 130) {
                    $0.hostile = hostile
                    $0.network.latency = .milliseconds(7) ... .milliseconds(7)
                    $0.faults = [Fault(at: .seconds(40), .lose(1))]
                    if nodes > 3 { $0.faults.append(Fault(at: .seconds(70), .crash(4))) }
                })
        }
        let disturbed = report(.outsider)
        #expect(disturbed.historyDigest == report(nil).historyDigest)
        #expect(disturbed.checkers.first { $0.checker == "resistance" }?.judged ?? 0 > 1000)
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
