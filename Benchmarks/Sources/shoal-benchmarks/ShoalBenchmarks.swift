// shoal-benchmarks: how fast the links and the kernels are, beside what they cannot exceed, and how
// soon and how surely members know of each other.
//
// A figure and its peer are measured by turns, round after round, and their ratio is taken within
// each round: a machine that is busy for a while slows both. Every figure is the median of the
// rounds.

import ArgumentParser

/// The command line.
@main
struct ShoalBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shoal-benchmarks",
        abstract: "Measures Shoal's links, kernels and membership beside what they cannot exceed.",
        subcommands: [
            LinkCommand.self, LinksCommand.self, LinksPeerCommand.self, KernelsCommand.self,
            MembershipCommand.self,
        ])
}

/// What a benchmark stops with.
enum BenchmarkError: Error, CustomStringConvertible {
    /// What was measured did not do what it should have done; its speed means nothing.
    case wrongResult(String)

    var description: String {
        switch self {
        case .wrongResult(let what): "what was measured went wrong: \(what)"
        }
    }
}
