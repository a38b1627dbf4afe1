import Gossip
import Simulation
import Testing
import Wire

@Suite struct MembershipSimulationTests {
    typealias Configuration = MembershipSimulation.Configuration
    typealias Fault = MembershipSimulation.Fault

    /// Runs and expects every invariant to hold; a failure prints what replays it.
    @discardableResult
    private func clean(
        _ configuration: Configuration, _ location: SourceLocation = #_sourceLocation
    ) -> MembershipSimulation.Report {
        let report = MembershipSimulation.run(configuration)
        #expect(report.isClean, "\(report.text)", sourceLocation: location)
        return report
    }

    @Test func theSameSeedReplaysByteForByte() {
        var configuration = Configuration(nodes: 8, seed: 42, duration: .seconds(90))
        configuration.loss = 0.1
        configuration.network.duplication = 0.1
        configuration.network.reordering = 0.1
        configuration.crashes = 2
        let first = MembershipSimulation.run(configuration)
        #expect(MembershipSimulation.run(configuration) == first)
        configuration.seed = 43
        #expect(MembershipSimulation.run(configuration).traceDigest != first.traceDigest)
    }

    @Test func aQuietMeshStaysQuiet() {
        let report = clean(Configuration(nodes: 10, seed: 1, duration: .seconds(120)))
        #expect(report.falseSuspicions == 0)
        #expect(report.refutations == 0)
        #expect(report.packetsPerMemberPerPeriod < 3)
        #expect(report.signaturesPerMemberPerSecond < 1)
    }

    @Test func crashesAreSeenByAllAtEverySmallSize() {
        for nodes in 2...8 {
            for seed in 1...2 as ClosedRange<UInt64> {
                var configuration = Configuration(
                    nodes: nodes, seed: seed, duration: .seconds(150))
                configuration.loss = 0.05
                configuration.crashes = 2
                configuration.refusesAfterCrash = seed == 1
                let report = clean(configuration)
                #expect(report.crashes > 0)
            }
        }
    }

    @Test func crashesAreSeenByAllInAMeshOfThirty() {
        var configuration = Configuration(nodes: 30, seed: 5, duration: .seconds(100))
        configuration.loss = 0.05
        configuration.faults = [
            Fault(at: .seconds(30), .crash(7)), Fault(at: .seconds(45), .crash(19)),
        ]
        configuration.refusesAfterCrash = false
        let report = clean(configuration)
        #expect(report.detection.count == 29 + 28)
        #expect(report.detection.median < 10)
    }

    @Test func aQuarterOfDatagramsLostKillsNobody() {
        var configuration = Configuration(nodes: 10, seed: 11, duration: .seconds(200))
        configuration.loss = 0.25
        configuration.crashes = 1
        let report = clean(configuration)
        #expect(report.falseSuspicions > 0, "the run was not vacuous")
        #expect(report.refutations > 0)
    }

    @Test func aPartitionHealsByItself() {
        for seed in 1...3 as ClosedRange<UInt64> {
            var configuration = Configuration(nodes: 9, seed: seed, duration: .seconds(260))
            configuration.partitionAt = .seconds(40)
            configuration.partitionLength = .seconds(120)
            var buried = 0
            var back = 0
            let report = MembershipSimulation.run(configuration) { _, _, _, view in
                if view.state == .dead { buried += 1 }
                if view.state == .alive, view.alive.incarnation > 0 { back += 1 }
            }
            #expect(report.isClean, "\(report.text)")
            #expect(buried >= 2 * 4 * 5, "each side buried the other")
            #expect(back >= 2 * 4 * 5, "and took it back")
        }
    }

    @Test func aRestartReplacesTheOlderSelfAtOnce() {
        var configuration = Configuration(nodes: 6, seed: 3, duration: .seconds(60))
        configuration.faults = [
            Fault(at: .seconds(30), .crash(3)), Fault(at: .milliseconds(30_500), .restart(3)),
        ]
        var seen: [Int: Duration] = [:]
        let report = MembershipSimulation.run(configuration) { now, observer, subject, view in
            if subject == 3, view.alive.generation == 2, seen[observer] == nil {
                seen[observer] = now - .origin
            }
        }
        #expect(report.isClean, "\(report.text)")
        #expect(seen.count == 5)
        #expect(seen.values.allSatisfy { $0 < .seconds(34) })
        #expect(report.falseDeaths == 0)
    }

    @Test func allRestartingAtOnceFindEachOther() {
        var configuration = Configuration(nodes: 7, seed: 4, duration: .seconds(200))
        configuration.faults = (0..<7).flatMap { node in
            [Fault(at: .seconds(30), .crash(node)), Fault(at: .seconds(35), .restart(node))]
        }
        let report = clean(configuration)
        #expect(report.crashes == 7)
    }

    @Test func whoLeavesIsGoneWithoutSuspicion() {
        var configuration = Configuration(nodes: 8, seed: 6, duration: .seconds(150))
        configuration.loss = 0.05
        configuration.faults = [Fault(at: .seconds(40), .leave(5))]
        var verdicts: [Int: MemberState] = [:]
        let report = MembershipSimulation.run(configuration) { _, observer, subject, view in
            if subject == 5 { verdicts[observer] = view.state }
        }
        #expect(report.isClean, "\(report.text)")
        for observer in 0..<8 where observer != 5 { #expect(verdicts[observer] == .left) }
    }

    @Test func aMachineThatSleepsHarmsNoThirdParty() {
        var configuration = Configuration(nodes: 8, seed: 8, duration: .seconds(150))
        configuration.faults = [Fault(at: .seconds(40), .pause(4, .seconds(30)))]
        configuration.allowsFalseDeaths = true
        var wronged: Set<Int> = []
        let report = MembershipSimulation.run(configuration) { _, _, subject, view in
            if view.state == .dead { wronged.insert(subject) }
        }
        #expect(report.isClean, "\(report.text)")
        #expect(wronged.isSubset(of: [4]), "only the sleeper was taken for dead")
    }

    @Test func thoseWhoOnlyDialOutOrHaveNoDatagramsStayAlive() {
        for (outbound, blocked) in [(3, 0), (0, 3), (2, 2)] {
            var configuration = Configuration(nodes: 8, seed: 9, duration: .seconds(200))
            configuration.outboundOnly = outbound
            configuration.datagramsBlocked = blocked
            configuration.crashes = 1
            let report = clean(configuration)
            #expect(report.falseDeaths == 0)
        }
    }

    @Test func aBrokenPromiseIsReportedNotHidden() {
        var configuration = Configuration(nodes: 6, seed: 2, duration: .seconds(120))
        configuration.loss = 0.1
        configuration.refusesAfterCrash = false
        configuration.detectionBound = .milliseconds(1)
        configuration.faults = [Fault(at: .seconds(60), .crash(1))]
        let report = MembershipSimulation.run(configuration)
        #expect(!report.isClean)
        #expect(report.text.contains("BROKEN"))
        #expect(report.violations.contains { $0.checker == "detection" })
    }

    @Test func theReplayCommandNamesWhatTheRunDependsOn() {
        var configuration = Configuration(nodes: 30, seed: 7, duration: .seconds(600))
        configuration.loss = 0.05
        configuration.crashes = 3
        #expect(
            configuration.replayCommand
                == "shoal simulate membership --nodes 30 --seed 7 --minutes 10 --loss 0.05 "
                + "--crashes 3")
        #expect(configuration.problem == nil)
        configuration.loss = 1.5
        #expect(configuration.problem != nil)
        configuration.loss = 0
        configuration.nodes = 0
        #expect(configuration.problem != nil)
    }
}
