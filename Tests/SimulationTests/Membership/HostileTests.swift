import Gossip
import Simulation
import Testing
import Wire

/// Hostile members and a hostile outsider.
@Suite struct HostileTests {
    @Test(arguments: [(3, 1), (4, 1), (8, 1), (8, 2), (16, 4)])
    func `hostile members bury nobody, speak for nobody and grow nobody's memory`(
        nodes: Int, hostiles: Int
    ) {
        let configuration = run(nodes: nodes, seconds: 240) {
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
            let configuration = run(nodes: 5, seconds: 120) {
                $0.hostile = .member
                $0.attacks = [attack]
            }
            expectClean(configuration)
        }
    }

    @Test(arguments: [2, 3, 8])
    func `an outsider changes nothing at all`(nodes: Int) {
        func history(_ hostile: MembershipSimulation.Hostility?) -> String {
            let configuration = run(nodes: nodes, seconds: 240) {
                $0.hostile = hostile
                $0.crashes = 2
                $0.network.loss = 0.05
            }
            let report = expectClean(configuration)
            return report.historyDigest
        }
        #expect(history(.outsider) == history(nil))
    }

    @Test func `a crash is seen in spite of hostile members`() {
        let configuration = run(nodes: 8, seconds: 240) {
            $0.hostile = .member
            $0.hostiles = 2
            $0.faults = [Fault(at: .seconds(100), .crash(2))]
        }
        let report = expectClean(configuration)
        #expect(report.detection.count == 5)
    }
}
