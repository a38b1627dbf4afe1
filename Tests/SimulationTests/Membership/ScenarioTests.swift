import Gossip
import Simulation
import Testing
import Wire

/// What a mesh must live through by itself.
@Suite struct ScenarioTests {
    // MARK: Partitions

    @Test(arguments: [2, 5])
    func `a partition of an hour heals by itself`(nodes: Int) {
        let configuration = run(nodes: nodes, seconds: 3900) {
            $0.partitionAt = .seconds(60)
            $0.partitionLength = .seconds(3600)
        }
        var buried = 0
        let report = expectClean(configuration) { _, _, _, view in
            if view.state == .dead { buried += 1 }
        }
        let half = nodes / 2
        #expect(buried >= 2 * half * (nodes - half), "each side buried the other: \(report.text)")
    }

    @Test func `a partition that outlasts all memory of the dead heals too`() {
        let configuration = run(nodes: 8, seconds: 900) {
            // Fewer records than there are dead on the other side.
            $0.gossip.tombstonesMax = 1
            $0.faults = [
                Fault(at: .seconds(60), .partition([4, 5, 6, 7])), Fault(at: .seconds(660), .heal),
            ]
        }
        expectClean(configuration)
    }

    @Test func `a mesh in three parts becomes one again`() {
        let configuration = run(nodes: 9, seconds: 500) {
            $0.faults = [
                Fault(at: .seconds(60), .split([[0, 1, 2], [3, 4, 5]])),
                Fault(at: .seconds(300), .heal),
            ]
        }
        expectClean(configuration)
    }

    @Test func `keys replaced during a partition are known after it`() {
        let configuration = run(nodes: 6, seconds: 500) {
            $0.faults = [Fault(at: .seconds(40), .partition([0, 1, 2]))]
            $0.faults += (0..<6).map { Fault(at: .seconds(100 + $0), .rotateKey($0)) }
            $0.faults.append(Fault(at: .seconds(250), .heal))
        }
        expectClean(configuration)
    }

    // MARK: Restarts and seeds

    @Test(arguments: [2, 3, 8, 16])
    func `all restarting at once find each other`(nodes: Int) {
        let configuration = run(nodes: nodes, seconds: 300) {
            $0.faults = [Fault(at: .seconds(60), .restartAll(after: .seconds(5)))]
        }
        let report = expectClean(configuration)
        #expect(report.crashes == nodes)
    }

    @Test(arguments: [8, 16])
    func `the loss of every seed ends nothing, and a restarted node finds back`(nodes: Int) {
        var seen: Set<Int> = []
        let configuration = run(nodes: nodes, seconds: 500) {
            $0.seeds = 2
            $0.faults = [
                Fault(at: .seconds(60), .loseSeeds), Fault(at: .seconds(150), .crash(5)),
                Fault(at: .seconds(200), .restart(5)),
            ]
        }
        expectClean(configuration) { _, observer, subject, view in
            if subject == 5, view.alive.generation == 2, view.state == .alive {
                seen.insert(observer)
            }
        }
        #expect(seen == Set(2..<nodes).subtracting([5]))
    }

    // MARK: Reachability

    /// How many nodes; how many of them can only dial out; how many have no datagrams.
    @Test(arguments: [(3, 2, 0), (3, 0, 3), (3, 1, 1), (8, 3, 0), (8, 0, 8), (8, 3, 3)])
    func `those whom datagrams don't reach stay alive to everyone`(
        nodes: Int, outbound: Int, blocked: Int
    ) {
        let configuration = run(nodes: nodes, seconds: 300) {
            $0.outboundOnly = outbound
            $0.datagramsBlocked = blocked
        }
        let report = expectClean(configuration)
        #expect(report.falseDeaths == 0)
        #expect(report.falseSuspicions == 0, "\(report.text)")
    }

    @Test(arguments: [(16, 14, 0), (20, 16, 2)])
    func `where nearly all can only dial out, all hear of all and nobody is buried`(
        nodes: Int, outbound: Int, blocked: Int
    ) {
        let configuration = run(nodes: nodes, seconds: 150) {
            $0.outboundOnly = outbound
            $0.datagramsBlocked = blocked
            $0.inspectsPackets = true
        }
        var known: Set<[Int]> = []
        let report = expectClean(configuration) { _, observer, subject, view in
            if view.state == .alive { known.insert([observer, subject]) }
        }
        #expect(report.falseDeaths == 0)
        #expect(known.count == nodes * (nodes - 1), "everybody knows everybody")
    }

    // MARK: Overload

    @Test func `blocked members take a hundredth of the healthy with them that plain SWIM does`() {
        var configuration = run(nodes: 16, seconds: 120) {
            $0.isWarm = true
            $0.faults = Fault.blockades(
                of: 2, among: 16, from: .seconds(50), length: .seconds(16), gap: .seconds(8),
                until: .seconds(120))
        }
        let report = expectClean(configuration)
        #expect(report.falseDeaths == 0)
        #expect(report.falseSuspicions > 0, "they did accuse")
        configuration.gossip = .plainSWIM
        configuration.allowsFalseDeaths = true
        let plain = MembershipSimulation.run(configuration)
        #expect(plain.falseDeaths >= 100, "\(plain.text)")
    }

    @Test func `the death of one whom only relays reach is seen by all`() {
        let configuration = run(nodes: 8, seconds: 300) {
            $0.outboundOnly = 4
            $0.datagramsBlocked = 2
            $0.faults = [Fault(at: .seconds(100), .lose(6)), Fault(at: .seconds(120), .crash(7))]
        }
        let report = expectClean(configuration)
        #expect(report.detection.count == 7 + 6)
    }

    // MARK: Versions

    @Test func `neighbouring versions of the protocol interoperate`() {
        let newest = GossipVersion.supported.upperBound
        let configuration = run(nodes: 6, seconds: 300) {
            $0.versions = [
                GossipVersion.supported, newest...(newest + 1),
                GossipVersion.supported.lowerBound...(newest + 1),
            ]
            $0.crashes = 2
            $0.network.loss = 0.05
        }
        let report = expectClean(configuration)
        #expect(report.detection.count > 0)
    }
}
