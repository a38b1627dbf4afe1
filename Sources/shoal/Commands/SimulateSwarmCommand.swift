import ArgumentParser
import Foundation
import Simulation
import Wire

struct SimulateSwarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swarm",
        abstract: "Many runs of the membership simulation, each with faults drawn from its seed.",
        discussion: """
            Each seed leaves out some kinds of fault, so that the others get room. Seeds that break \
            an invariant are listed with the commands that replay them, and the first is made \
            smaller; the exit status is then 70.
            """)

    @Option(
        help: "How many nodes: FROM-TO, or one number; 2-8 unless given.",
        transform: SimulateArguments.span)
    var nodes: ClosedRange<UInt64> = 2...8
    @Option(
        help: "Which seeds: FROM-TO, or one number; 1-100 unless given.",
        transform: SimulateArguments.span)
    var seeds: ClosedRange<UInt64> = 1...100
    @OptionGroup var length: SimulatedLength
    @Option(help: "Who means harm: member or outsider.", transform: SimulateArguments.named)
    var hostile: MembershipSimulation.Hostility?
    @Option(help: "How many runs go on at once; as many as there are cores unless given.")
    var jobs = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "How many runs may be spent on making the first failing one smaller.")
    var shrink = 200
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs is from 1 to 256.") }
        guard shrink >= 0 else { throw ValidationError("--shrink cannot be negative.") }
        guard nodes.lowerBound >= 1,
            nodes.upperBound <= UInt64(SimulationLimits.nodesMax)
        else { throw ValidationError("--nodes is from 1 to \(SimulationLimits.nodesMax).") }
    }

    /// The run of a seed.
    func simulated(seed: UInt64) throws -> MembershipSimulation.Configuration {
        let sizes = Int(nodes.lowerBound)...Int(nodes.upperBound)
        let configuration = MembershipSwarm.configuration(
            nodes: sizes, seed: seed, duration: try length.duration(unless: .seconds(300)),
            hostile: hostile)
        if let problem = configuration.problem { throw CommandError(.usage, problem) }
        return configuration
    }

    /// Runs them all.
    func outcome() async throws -> SwarmOutcome {
        var outcome = SwarmOutcome()
        var next: UInt64? = seeds.lowerBound
        try await withThrowingTaskGroup(of: MembershipSimulation.Report.self) { group in
            var running = 0
            while next != nil || running > 0 {
                while running < jobs, let seed = next {
                    let configuration = try simulated(seed: seed)
                    group.addTask { MembershipSimulation.run(configuration) }
                    running += 1
                    next = seed < seeds.upperBound ? seed + 1 : nil
                }
                guard let report = try await group.next() else { break }
                running -= 1
                outcome.add(report)
                if outcome.runs.isMultiple(of: 50) {
                    Output.note("\(outcome.runs) runs, \(outcome.failures.count) failed")
                }
            }
        }
        outcome.sort()
        return outcome
    }

    func run() async throws {
        var outcome = try await outcome()
        if shrink > 0, let first = outcome.failures.first {
            Output.note("making seed \(first.seed) smaller")
            let small = MembershipSwarm.shrunk(try simulated(seed: first.seed), runsMax: shrink) {
                !MembershipSimulation.run($0).isClean
            }
            outcome.smallest = small.replayCommand
        }
        if json { try Output.json(outcome) } else { Output.write(outcome.text) }
        guard outcome.failures.isEmpty else {
            throw CommandError(
                .software, "\(outcome.failures.count) of \(outcome.runs) runs broke an invariant")
        }
    }
}

/// What came of all runs.
struct SwarmOutcome: Encodable {
    struct Failure: Encodable {
        var seed: UInt64
        var violation: String
        var replay: String
    }

    var runs = 0
    var simulatedSeconds = 0.0
    var events = 0
    var failures: [Failure] = []
    /// The first failing run, made smaller.
    var smallest: String?
    /// How often each thing happened in all runs, and in how many of them.
    var happenings: [String: Int] = [:]
    /// What each checker judged in all runs.
    var judged: [String: Int] = [:]
    /// A digest of the digests, in order of the seeds: equal for equal swarms.
    var digest = ""
    private var digests: [(seed: UInt64, digest: String)] = []

    private enum CodingKeys: CodingKey {
        case runs, simulatedSeconds, events, failures, smallest, happenings, judged, digest
    }

    mutating func add(_ report: MembershipSimulation.Report) {
        runs += 1
        simulatedSeconds += report.seconds
        events += report.events
        digests.append((report.seed, report.traceDigest))
        for happening in report.happenings {
            happenings[happening.what, default: 0] += happening.count
        }
        for tally in report.checkers { judged[tally.checker, default: 0] += tally.judged }
        guard !report.isClean else { return }
        let violation = report.violations.first.map { "\($0.checker): \($0.message)" }
        failures.append(
            Failure(
                seed: report.seed, violation: violation ?? "", replay: report.replayCommand))
    }

    /// Puts everything in order of the seeds, whatever order runs ended in.
    mutating func sort() {
        failures.sort { $0.seed < $1.seed }
        digests.sort { $0.seed < $1.seed }
        var all = TraceDigest()
        for (_, digest) in digests { all.add(Array(digest.utf8)) }
        digest = String(all.value, radix: 16)
    }

    var text: String {
        let hours = String(format: "%.1f", simulatedSeconds / 3600)
        var lines = [
            "runs       \(runs), \(hours) simulated hours, \(events) events",
            "happened   " + list(happenings), "judged     " + list(judged),
            "digest     \(digest)",
            "invariants " + (failures.isEmpty ? "all held" : "broken by \(failures.count) runs"),
        ]
        for failure in failures {
            lines += ["  seed \(failure.seed)  \(failure.violation)", "    \(failure.replay)"]
        }
        if let smallest { lines += ["smallest", "    \(smallest)"] }
        return lines.joined(separator: "\n") + "\n"
    }

    private func list(_ counts: [String: Int]) -> String {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}
