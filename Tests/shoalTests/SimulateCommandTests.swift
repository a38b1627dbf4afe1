import ArgumentParser
import Gossip
import Simulation
import Testing
import Wire

@testable import shoal

@Suite struct SimulateCommandTests {
    typealias Configuration = MembershipSimulation.Configuration

    /// What a printed command asks for.
    private func parsed(_ command: String) throws -> Configuration {
        let words = command.split(separator: " ").map(String.init)
        #expect(words.prefix(3) == ["shoal", "simulate", "membership"])
        return try SimulateMembershipCommand.parse(Array(words.dropFirst(3))).simulated()
    }

    private func message(_ arguments: [String]) -> String {
        do {
            _ = try SimulateMembershipCommand.parse(arguments).simulated()
            return ""
        } catch let error as CommandError {
            return error.description
        } catch {
            return SimulateMembershipCommand.message(for: error)
        }
    }

    @Test func `a replay command asks for the same run, whatever was drawn`() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            let drawn = MembershipSwarm.configuration(
                nodes: 2...8, seed: seed, duration: .seconds(200),
                hostile: [nil, nil, .member, .outsider][Int(seed % 4)])
            guard drawn.problem == nil else { continue }
            #expect(drawn.replayCommand.contains("--faults all"))
            #expect(try parsed(drawn.replayCommand) == drawn)
            // The same without the seed's help, as what is left when a failure was made smaller.
            var changed = drawn
            changed.faults = Array(drawn.faults.dropFirst())
            changed.duration -= .nanoseconds(1)
            changed.allowsFalseDeaths = true
            #expect(!changed.replayCommand.contains("--faults all"))
            #expect(try parsed(changed.replayCommand) == changed, "\(changed.replayCommand)")
        }
    }

    @Test func `a replay command has every option`() throws {
        var all = Configuration(nodes: 9, seed: 77, duration: .nanoseconds(100_000_000_001))
        all.network.loss = 0.1
        all.network.duplication = 1e-5
        all.network.reordering = 0.3
        all.network.corruption = 0.01
        all.network.replay = 0.02
        all.network.latency = .microseconds(10) ... .milliseconds(3)
        all.network.span = .milliseconds(40)
        all.network.mtu = 1200
        all.gossip = .plainSWIM
        all.gossip.tombstonesMax = 3
        all.gossip.activityInterval = .seconds(3600)
        all.seeds = 2
        all.isWarm = true
        all.inspectsPackets = true
        all.crashes = 3
        all.partitionAt = .seconds(30)
        all.partitionLength = .milliseconds(20_500)
        all.faults = [MembershipSimulation.Fault(at: .seconds(3), .leave(4))]
        all.outboundOnly = 2
        all.datagramsBlocked = 1
        all.stalled = 2
        all.stallLength = .seconds(1) ... .seconds(3)
        all.stallGap = .seconds(9) ... .seconds(9)
        all.timerLateness = .milliseconds(-5) ... .milliseconds(50)
        all.versions = [1...1, 1...2]
        all.updates = 4
        all.hostile = .member
        all.hostiles = 2
        all.attacks = [.floodPings, .forgeClaims]
        all.sabotage = .generationStuck
        all.countFrom = .seconds(12)
        all.refusesAfterCrash = false
        all.allowsFalseDeaths = true
        all.detectionBound = .seconds(30)
        all.convergenceBound = .seconds(60)
        #expect(try parsed(all.replayCommand) == all, "\(all.replayCommand)")
        // Every word of it says something that is not so by itself.
        let standard = Configuration(nodes: 9, seed: 77, duration: .nanoseconds(100_000_000_001))
        #expect(
            standard.replayCommand
                == "shoal simulate membership --nodes 9 --seed 77 --seconds 100.000000001")
    }

    @Test func `the replayed run is the same, byte for byte`() throws {
        let drawn = MembershipSwarm.configuration(nodes: 4...6, seed: 3, duration: .seconds(60))
        let first = MembershipSimulation.run(drawn)
        #expect(MembershipSimulation.run(try parsed(first.replayCommand)) == first)
    }

    @Test func `as many jobs as there may be give the same swarm`() async throws {
        var digests: Set<String> = []
        for jobs in 1...3 {
            let outcome = try await SimulateSwarmCommand.parse([
                "--seeds", "1-6", "--seconds", "40", "--jobs", "\(jobs)",
            ]).outcome()
            #expect(outcome.runs == 6)
            digests.insert(outcome.digest)
        }
        #expect(digests.count == 1)
    }

    @Test func `errors about options say what is allowed`() {
        #expect(message(["--loss", "2"]).contains("from 0 to 1"))
        #expect(message(["--nodes", "0"]).contains("1 to 10000"))
        #expect(message(["--fault", "30:explode:1"]).contains("30:crash:7"))
        #expect(message(["--fault", "30:crash:99"]).contains("30:crash:99"))
        #expect(message(["--hostile", "nobody"]).contains("member, outsider"))
        #expect(message(["--attacks", "floodPings,x"]).contains("forgeClaims"))
        #expect(message(["--sabotage", "x"]).contains("generationStuck"))
        #expect(message(["--minutes", "ten"]).contains("decimal number"))
        #expect(message(["--minutes", "1", "--hours", "1"]).contains("--hours"))
        #expect(message(["--latency", "5"]).isEmpty)
        #expect(message(["--latency", "5...1"]).contains("FROM...TO"))
        #expect(message(["--versions", "2-1"]).contains("1-1,1-2"))
        #expect(message(["--outbound-only", "30"]).contains("must accept links"))
        #expect(message(["--stalled", "30"]).contains("must not be stalled"))
        #expect(message(["--hours", "1000000"]).contains("1000000 seconds"))
        #expect(message(["--timer-lateness", "-0.01...0.05"]).isEmpty)
    }
}
