import Gossip
import Wire

/// Malformed, forged or replayed input changes nothing, gives nobody an amplifier, and never stops
/// the loop (for which see ``TimerChecker``).
struct ResistanceChecker: MembershipChecker {
    static let name = "resistance"

    private(set) var judged = 0

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard case .resisted(let node, let changes, let amplified) = observation else { return }
        judged += 1
        if changes > 0 {
            findings.report(
                Self.name, now, "input that is nobody's changed \(changes) things at node \(node)")
        }
        if amplified > 0 {
            findings.report(
                Self.name, now,
                "node \(node) answered a stranger with \(amplified) bytes more than it got")
        }
    }
}

/// Late, early and reordered timers are safe: a node that did what was due wants to be called again
/// within a bound, and not in a busy loop; and no fit node stops wanting it.
struct TimerChecker: MembershipChecker {
    static let name = "timers"

    /// A node that waits longer has stopped.
    let idleMax: Duration
    /// In one second.
    let ticksMax: Int
    private(set) var judged = 0
    private var seconds: [Int64]
    private var ticks: [Int]
    private var lasts: [MonotonicInstant]
    /// How often in a row each wanted to be called again at once.
    private var streaks: [Int]
    private static let streakMax = 3

    init(nodes: Int, idleMax: Duration, ticksMax: Int) {
        self.idleMax = idleMax
        self.ticksMax = ticksMax
        seconds = Array(repeating: 0, count: nodes)
        ticks = Array(repeating: 0, count: nodes)
        lasts = Array(repeating: .origin, count: nodes)
        streaks = Array(repeating: 0, count: nodes)
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, _), .recovered(let node, _): lasts[node] = now
        case .ticked(let node, let next):
            guard world.nodes[node].isHonest else { return }
            judged += 1
            lasts[node] = now
            // What one step finds out may be due at once, but a loop of such steps never ends.
            streaks[node] = next <= now ? streaks[node] + 1 : 0
            if streaks[node] == Self.streakMax {
                findings.report(
                    Self.name, now, "node \(node) wants to be called again at once, again and again"
                )
            } else if next - now > idleMax {
                findings.report(
                    Self.name, now, "node \(node) wants to be called only in \(next - now)")
            }
            let second = now.nanoseconds / 1_000_000_000
            if seconds[node] != second {
                seconds[node] = second
                ticks[node] = 0
            }
            ticks[node] += 1
            if ticks[node] == ticksMax + 1 {
                findings.report(
                    Self.name, now, "node \(node) was called more than \(ticksMax) times a second")
            }
        default: return
        }
    }

    mutating func finish(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard judged > 0 else { return }
        for node in world.nodes.indices
        where world.isFit(node, for: idleMax * 2, at: now) && world.nodes[node].isHonest
            && now - lasts[node] > idleMax * 2
        {
            findings.report(Self.name, now, "node \(node) has stopped doing anything")
        }
    }
}

/// A queued refutation beats an expired timer: nobody buries a member whose datagrams lie unread in
/// its socket. Of a node whose receive loop is too slow, where some always do, it is not asked.
struct QueuedRefutationChecker: MembershipChecker {
    static let name = "queued refutation"

    private(set) var judged = 0

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard case .believed(let observer, let subject, let belief, let unread) = observation,
            belief.state == .dead, world.nodes[observer].isHonest,
            !world.isTracked(observer) || world.belief(observer, subject)?.state != .dead,
            world.nodes[observer].impairments & (1 << Impairment.slow.rawValue) == 0
        else { return }
        judged += 1
        guard unread > 0 else { return }
        findings.report(
            Self.name, now,
            "node \(observer) buried node \(subject) with \(unread) of its datagrams unread")
    }
}
