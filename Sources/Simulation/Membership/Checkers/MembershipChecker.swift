import Wire

/// One invariant. It is shown every observation that concerns it, in order of time, with the world
/// as it is then; beliefs in the world are those before the observation.
protocol MembershipChecker: Sendable {
    /// What it is called in reports.
    static var name: String { get }
    /// How often it judged something: a run in which it judged nothing proves nothing.
    var judged: Int { get }
    /// Takes in what happened.
    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings)
    /// The run is over.
    mutating func finish(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings)
}

extension MembershipChecker {
    mutating func finish(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {}
}

/// What the checkers found.
struct Findings: Sendable {
    private(set) var violations: [Violation] = []
    private(set) var counts: [String: Int] = [:]
    private(set) var count = 0

    mutating func report(_ checker: String, _ now: MonotonicInstant, _ message: String) {
        count += 1
        counts[checker, default: 0] += 1
        guard violations.count < SimulationLimits.violationsMax else { return }
        violations.append(
            Violation(
                checker: checker, seconds: (now - MonotonicInstant.origin).seconds,
                message: message))
    }
}

/// How much a checker had to do.
public struct CheckerTally: Sendable, Equatable, Encodable {
    /// The checker.
    public let checker: String
    /// How often it judged something.
    public let judged: Int
    /// How often it found the invariant broken.
    public let broken: Int
}
