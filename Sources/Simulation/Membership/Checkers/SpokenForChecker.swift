import Gossip
import Wire

/// Nobody is spoken for: what an honest node believes that an honest one said, it said.
struct SpokenForChecker: MembershipChecker {
    static let name = "spoken for"

    /// How many of a node's claims are remembered; older ones are not judged.
    private static let claimsMax = 64

    private(set) var judged = 0
    private var claims: [[AliveClaim]]

    init(nodes: Int) { claims = Array(repeating: [], count: nodes) }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .claimed(let node, let claim):
            claims[node].append(claim)
            if claims[node].count > Self.claimsMax { claims[node].removeFirst() }
        case .believed(let observer, let subject, let belief, _):
            // Leaving ends a generation whose first claim may not have come.
            guard world.nodes[observer].isHonest, world.nodes[subject].isHonest,
                belief.state != .left, let oldest = claims[subject].first
            else { return }
            guard
                (belief.generation, belief.incarnation)
                    >= (oldest.generation, oldest.incarnation)
            else { return }
            judged += 1
            let said = claims[subject].last {
                $0.generation == belief.generation && $0.incarnation == belief.incarnation
            }
            guard let said, belief.claim == nil || belief.claim == said else {
                findings.report(
                    Self.name, now,
                    "node \(observer) believes a claim \(belief.generation)."
                        + "\(belief.incarnation) of node \(subject) that it never made")
                return
            }
        default: return
        }
    }
}
