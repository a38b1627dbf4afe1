import ArgumentParser
import Foundation
import MembershipFigures

/// `membership`: the gossip cores in the simulator.
struct MembershipCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "membership",
        abstract: "Detection, dissemination, false positives and traffic of the membership.",
        discussion: """
            Runs the simulator over sizes of the mesh and shares of datagrams lost. The figures are
            the same on every machine. The exit status is 0 also when a goal is missed: the report
            says which, and by how much.
            """)

    @Flag(help: "Fewer sizes and samples.")
    var quick = false

    @Option(help: "Runs at once; one per processor unless given.")
    var jobs: Int?

    @Option(help: "All runs are drawn from this.")
    var seed: UInt64 = 1

    @Option(help: "Sizes of the mesh, instead of those of the plan, as 2,3,8.")
    var sizes: String?

    @Option(help: ArgumentHelp("Write the report there as well.", valueName: "file"))
    var text: String?

    @Option(help: ArgumentHelp("Write the curves there, as SVG.", valueName: "file"))
    var svg: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard 1...1024 ~= jobs ?? 1 else { throw ValidationError("--jobs is from 1 to 1024.") }
        _ = try plan()
    }

    private func plan() throws -> MembershipPlan {
        var plan = quick ? MembershipPlan.quick : .full
        plan.seed = seed
        if let sizes {
            let numbers = sizes.split(separator: ",").compactMap { Int($0) }
            guard !numbers.isEmpty, numbers.allSatisfy({ 2...10_000 ~= $0 }) else {
                throw ValidationError("--sizes are numbers from 2 to 10000, as 2,3,8.")
            }
            plan.sizes = Set(numbers).sorted()
        }
        return plan
    }

    func run() throws {
        let start = Clock.wall()
        let figures = MembershipFigures.measure(
            try plan(), threads: jobs ?? ProcessInfo.processInfo.activeProcessorCount
        ) { done, all in
            let seconds = Int(Clock.wall() - start)
            FileHandle.standardError.write(
                Data("\(done) of \(all) runs, \(seconds / 60) min \(seconds % 60) s\n".utf8))
        }
        let caption = "Made by: \(command)"
        let report = caption + "\n\n" + figures.text
        if let text { try report.write(toFile: text, atomically: true, encoding: .utf8) }
        if let svg {
            try figures.svg(caption: caption).write(toFile: svg, atomically: true, encoding: .utf8)
        }
        if json { try Output.json(figures) } else { print(report, terminator: "") }
    }

    /// What makes these figures again: no file names, no number of threads.
    private var command: String {
        var words = ["shoal-benchmarks membership"]
        if quick { words.append("--quick") }
        if let sizes { words.append("--sizes \(sizes)") }
        if seed != 1 { words.append("--seed \(seed)") }
        return words.joined(separator: " ")
    }
}
