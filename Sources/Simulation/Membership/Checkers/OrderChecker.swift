import Gossip
import Wire

/// Incarnation and generation never go back: not in what a node says of itself, not across its
/// restarts, not in what others believe of it. Of one who was gone, and whose record an observer had
/// no room to keep, it has nothing to compare with.
struct OrderChecker: MembershipChecker {
    static let name = "order"

    private(set) var judged = 0
    private var generations: [UInt64]
    private var incarnations: [UInt32]

    private var overflows: TombstoneOverflows

    init(nodes: Int, tombstonesMax: Int) {
        overflows = TombstoneOverflows(tombstonesMax: tombstonesMax)
        generations = Array(repeating: 0, count: nodes)
        incarnations = Array(repeating: 0, count: nodes)
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, let generation):
            judged += 1
            if generation <= generations[node] {
                findings.report(
                    Self.name, now,
                    "node \(node) started at generation \(generation), after "
                        + "\(generations[node])")
            }
            generations[node] = generation
            incarnations[node] = 0
            overflows.started(node)
        case .claimed(let node, let claim):
            guard world.nodes[node].isHonest else { return }
            judged += 1
            if claim.generation != generations[node] || claim.incarnation < incarnations[node] {
                findings.report(
                    Self.name, now,
                    "node \(node) says it is at \(claim.generation).\(claim.incarnation), after "
                        + "\(generations[node]).\(incarnations[node])")
            }
            incarnations[node] = claim.incarnation
        case .believed(let observer, let subject, let belief, _):
            overflows.believed(observer, subject, belief, in: world, at: now)
            // Who breaks the rules may be forgotten, and come back with any number.
            guard world.isTracked(observer), world.nodes[observer].isHonest,
                world.nodes[subject].isHonest, let old = world.belief(observer, subject),
                old.state.isThere || !overflows.mayHaveForgotten(observer, since: old.since)
            else { return }
            judged += 1
            check(observer, subject, old, belief, at: now, &findings)
        default: return
        }
    }

    private func check(
        _ observer: Int, _ subject: Int, _ old: MembershipWorld.Compact, _ new: Belief,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        let what = "node \(observer)'s belief about node \(subject)"
        guard new.generation == old.generation else {
            if new.generation < old.generation {
                findings.report(
                    Self.name, now, "\(what) went back to generation \(new.generation)")
            }
            return
        }
        if new.state != .left, new.incarnation < old.incarnation {
            findings.report(
                Self.name, now, "\(what) went back to incarnation \(new.incarnation)")
        }
    }
}
