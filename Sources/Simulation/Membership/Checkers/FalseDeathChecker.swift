import Gossip
import Wire

/// No two healthy, connected members bury each other below the stated loss, and a stalled node
/// harms no third party: nobody takes for dead a member that was fit, and connected to it, for
/// ``MembershipCheckers/Bounds/settling``, in a network within the stated loss. That holds for
/// observers that are fit, newly started, or were stalled or suspended: who slept drops its own
/// doubts. Only of one whose receive loop is too slow nothing is promised about its own verdicts.
struct FalseDeathChecker: MembershipChecker {
    static let name = "false death"

    let settling: Duration
    let isAllowed: Bool
    private(set) var judged = 0
    /// Times that a fit, connected member was dead to another fit one.
    private(set) var deaths = 0
    /// Times that one was dead to a node that was stalled, suspended or slow.
    private(set) var deathsToImpaired = 0
    /// Times that one was suspected by another.
    private(set) var suspicions = 0
    /// Verdicts judged while some third node was impaired.
    private(set) var judgedBesideImpaired = 0

    init(settling: Duration, isAllowed: Bool) {
        self.settling = settling
        self.isAllowed = isAllowed
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard case .believed(let observer, let subject, let belief, _) = observation,
            belief.state == .dead || belief.state == .suspect, world.nodes[observer].isHonest,
            world.nodes[subject].isHonest
        else { return }
        if world.isTracked(observer), world.belief(observer, subject)?.state == belief.state {
            return
        }
        judged += 1
        if world.impairedCount > 0 { judgedBesideImpaired += 1 }
        guard world.isThere(subject), world.isThere(observer),
            world.nodes[subject].generation == belief.generation,
            world.areOnOneSide(observer, subject), world.nodes[subject].impairments == 0
        else { return }
        if belief.state == .suspect {
            suspicions += 1
            return
        }
        guard world.isFit(subject, for: settling, at: now),
            world.areConnected(observer, subject, for: settling, at: now),
            world.isWithinStatedLoss(for: settling, at: now)
        else { return }
        let node = world.nodes[observer]
        let isLate = node.impairments != 0 || now - node.fitSince < settling
        let impairments = isLate ? node.lateImpairments : 0
        if impairments == 0 { deaths += 1 } else { deathsToImpaired += 1 }
        let isSlow = impairments & (1 << Impairment.slow.rawValue) != 0
        let isOut = impairments & (1 << Impairment.unreachable.rawValue) != 0
        guard !isAllowed, !isSlow, !isOut else { return }
        let how = impairments == 0 ? "" : ", which had slept"
        let beside = world.impairedCount > 0 ? ", while others were impaired" : ""
        findings.report(
            Self.name, now,
            "node \(subject) is healthy and connected, but dead to node \(observer)\(how)\(beside)")
    }
}
