import Gossip
import Wire

/// Convergence after any start, crash, departure or heal: once nothing disturbed two nodes and what
/// is between them for ``MembershipCheckers/Bounds/convergence``, each knows the other's present
/// start as there, or its last one as gone. It is judged that long after each disturbance and at
/// the end.
struct ConvergenceChecker: MembershipChecker {
    static let name = "convergence"

    let bound: Duration
    private(set) var judged = 0
    private var due: MonotonicInstant?

    init(bound: Duration) { self.bound = bound }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        if let due, now >= due {
            self.due = world.disturbedAt + bound > now ? world.disturbedAt + bound : nil
            judge(in: world, at: now, &findings)
        }
        switch observation {
        case .started, .crashed, .left, .stopped, .recovered, .healed, .split, .mended,
            .conditions:
            if due == nil { due = now + bound }
        default: return
        }
    }

    mutating func finish(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        judge(in: world, at: now, &findings)
    }

    private mutating func judge(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard world.isWithinStatedLoss(for: bound, at: now) else { return }
        for observer in 0..<world.trackedCount
        where world.isFit(observer, for: bound, at: now) && world.nodes[observer].isHonest {
            for subject in world.nodes.indices
            where subject != observer && world.nodes[subject].isHonest
                && world.isSettled(subject, for: bound, at: now)
                && world.nodes[subject].generation > 0
            {
                judge(observer, subject, in: world, at: now, &findings)
            }
        }
    }

    private mutating func judge(
        _ observer: Int, _ subject: Int, in world: MembershipWorld, at now: MonotonicInstant,
        _ findings: inout Findings
    ) {
        let known = world.belief(observer, subject)
        let generation = world.nodes[subject].generation
        guard world.isThere(subject) else {
            judged += 1
            // Whoever learned of it late has the time that a crash takes to be seen.
            if let known, known.state.isThere, now - known.since >= bound {
                findings.report(
                    Self.name, now,
                    "node \(subject) is gone, but \(known.state) to node \(observer)")
            }
            return
        }
        guard world.areConnected(observer, subject, for: bound, at: now) else { return }
        judged += 1
        // A passing suspicion is no disagreement: the member is used meanwhile.
        guard known?.state.isThere != true || known?.generation != generation else { return }
        let state = known.map { "\($0.state), generation \($0.generation)," } ?? "unknown"
        findings.report(
            Self.name, now,
            "node \(subject) is up at generation \(generation), but \(state) to node \(observer)")
    }
}
