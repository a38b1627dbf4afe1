import Gossip
import Simulation
import Testing
import Wire

/// Runs with a defect built in on purpose: the checkers find each, and nothing without it.
@Suite struct SabotageTests {
    /// The same run with and without the defect; what the checkers find with it.
    private func found(
        _ sabotage: Sabotage, _ configuration: Run, _ location: SourceLocation = #_sourceLocation
    ) -> Set<String> {
        expectClean(configuration, location)
        var broken = configuration
        broken.sabotage = sabotage
        return Set(MembershipSimulation.run(broken).violations.map(\.checker))
    }

    @Test func `timers that fire before sockets are read bury the living`() {
        let configuration = run(nodes: 4, seconds: 150) {
            // Without what else saves them.
            $0.gossip = .plainSWIM
            $0.allowsFalseDeaths = true
            for at in [30, 60, 90] {
                // One is suspected, and refutes it while another sleeps.
                $0.faults.append(Fault(at: .seconds(at), .pause(1, .seconds(5))))
                $0.faults.append(Fault(at: .milliseconds(at * 1000 + 4500), .pause(2, .seconds(9))))
            }
        }
        #expect(found(.timersBeforeSockets, configuration).contains("queued refutation"))
    }

    @Test func `a generation that does not grow is found`() {
        let configuration = run(nodes: 4, seconds: 150) {
            $0.faults = [Fault(at: .seconds(30), .crash(1)), Fault(at: .seconds(40), .restart(1))]
        }
        #expect(found(.generationStuck, configuration).contains("order"))
    }

    @Test func `suspicions that leave no time to refute bury the living`() {
        let configuration = run(nodes: 6, seconds: 150) { $0.network.loss = 0.2 }
        expectClean(configuration)
        var hasty = configuration
        hasty.gossip = .plainSWIM
        hasty.gossip.suspicionMultiplier = 0
        let found = Set(MembershipSimulation.run(hasty).violations.map(\.checker))
        #expect(found.contains("false death"))
    }

    @Test func `a crash that nobody looks for is found`() {
        let configuration = run(nodes: 5, seconds: 150) {
            $0.faults = [Fault(at: .seconds(40), .lose(1))]
        }
        expectClean(configuration)
        var blind = configuration
        blind.gossip.probeInterval = .seconds(100)
        let found = Set(MembershipSimulation.run(blind).violations.map(\.checker))
        #expect(found.contains("detection"))
    }

    @Test func `datagrams over the limit are found`() {
        let configuration = run(nodes: 12, seconds: 60)
        #expect(found(.oversizedDatagrams, configuration).contains("datagram size"))
    }

    @Test func `a map over its bound is found`() {
        #expect(found(.unboundedMap, run(nodes: 3, seconds: 60)).contains("bounds"))
    }

    @Test func `a receive loop that ends is found`() {
        let configuration = run(nodes: 4, seconds: 240) {
            $0.network.corruption = 0.05
            $0.faults = [Fault(at: .seconds(100), .crash(1))]
        }
        #expect(found(.deafAfterGarbage, configuration).contains("timers"))
    }
}
