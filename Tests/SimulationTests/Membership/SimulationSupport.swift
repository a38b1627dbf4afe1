import Gossip
import Simulation
import Testing
import Wire

typealias Run = MembershipSimulation.Configuration
typealias Fault = MembershipSimulation.Fault

/// A run of so many simulated seconds, changed as the test wants it.
func run(
    nodes: Int, seed: UInt64 = 1, seconds: Int, _ change: (inout Run) -> Void = { _ in }
) -> Run {
    var configuration = Run(nodes: nodes, seed: seed, duration: .seconds(seconds))
    change(&configuration)
    return configuration
}

/// Runs and expects every invariant to hold; a failure prints what replays it.
@discardableResult
func expectClean(
    _ configuration: Run, _ location: SourceLocation = #_sourceLocation,
    onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void = { _, _, _, _ in }
) -> MembershipSimulation.Report {
    let report = MembershipSimulation.run(configuration, onMemberChange: onMemberChange)
    #expect(report.isClean, "\(report.text)", sourceLocation: location)
    return report
}
