import Gossip
import Wire

/// Every crash is seen by every live member, within f(N, loss): whoever was fit, in a network that
/// stayed as it was, for ``MembershipCheckers/Bounds/detection`` after a crash no longer takes the
/// crashed start for one that is there.
struct DetectionChecker: MembershipChecker {
    static let name = "detection"

    private struct Crash: Sendable {
        var node: Int
        var generation: UInt64
        var at: MonotonicInstant
        var due: MonotonicInstant
    }

    /// For the figures: who has yet to notice.
    private struct Watch: Sendable {
        var node: Int
        var generation: UInt64
        var at: MonotonicInstant
        var missing: Set<Int>
        var isFirst = true
    }

    let bound: Duration
    private(set) var judged = 0
    private var crashes: [Crash] = []
    private var earliest: MonotonicInstant?
    private var watches: [Watch] = []
    private(set) var detections: [Duration] = []
    private(set) var firstDetections: [Duration] = []

    init(bound: Duration) { self.bound = bound }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        judgeDue(in: world, at: now, &findings)
        switch observation {
        case .started(let node, _):
            // A newer start replaces the older one at once.
            crashes.removeAll { $0.node == node }
            for index in watches.indices { watches[index].missing.remove(node) }
            watches.removeAll { $0.node == node || $0.missing.isEmpty }
        case .crashed(let node):
            let generation = world.nodes[node].generation
            crashes.append(Crash(node: node, generation: generation, at: now, due: now + bound))
            earliest = crashes.map(\.due).min()
            for index in watches.indices { watches[index].missing.remove(node) }
            guard world.nodes[node].isHonest else { return }
            let watchers = (0..<world.trackedCount).filter { other in
                other != node && world.isThere(other) && world.nodes[other].isHonest
                    && world.nodes[other].impairments == 0
                    && world.areOnOneSide(other, node)
                    && world.belief(other, node)?.state.isThere == true
            }
            watches.append(
                Watch(node: node, generation: generation, at: now, missing: Set(watchers)))
        case .left(let node), .impaired(let node, _):
            for index in watches.indices { watches[index].missing.remove(node) }
        case .split: watches = []
        case .believed(let observer, let subject, let belief, _):
            guard !belief.state.isThere, !watches.isEmpty else { return }
            for index in watches.indices
            where watches[index].node == subject
                && watches[index].generation == belief.generation
            {
                guard watches[index].missing.remove(observer) != nil else { continue }
                let took = now - watches[index].at
                detections.append(took)
                if watches[index].isFirst { firstDetections.append(took) }
                watches[index].isFirst = false
            }
            watches.removeAll { $0.missing.isEmpty }
        default: return
        }
    }

    mutating func finish(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        judgeDue(in: world, at: now, &findings)
    }

    private mutating func judgeDue(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard let earliest, now > earliest else { return }
        for index in crashes.indices where now > crashes[index].due {
            let crash = crashes[index]
            var late: [Int] = []
            var isOver = true
            let isCalm =
                world.isWithinStatedLoss(for: bound, at: now)
                && (now - world.sidesChangedAt >= bound || world.sidesChangedAt == .origin)
            for observer in 0..<world.trackedCount where observer != crash.node {
                guard let belief = world.belief(observer, crash.node),
                    belief.generation <= crash.generation, belief.state.isThere,
                    world.isThere(observer), world.nodes[observer].isHonest
                else {
                    judged += 1
                    continue
                }
                // It is given its time from when it was fit, and from when it began to believe.
                guard isCalm, world.isFit(observer, for: bound, at: now),
                    now - belief.since > bound || belief.since <= crash.at
                else {
                    isOver = false
                    continue
                }
                judged += 1
                late.append(observer)
            }
            if !late.isEmpty {
                let names = late.prefix(10).map(String.init).joined(separator: ", ")
                findings.report(
                    Self.name, now,
                    "the crash of node \(crash.node) at "
                        + "\(decimal((crash.at - .origin).seconds, places: 3)) s is unknown to "
                        + "node \(names)\(late.count > 10 ? " and more" : "") after \(bound)")
                isOver = true
            }
            crashes[index].due = isOver ? .init(nanoseconds: .max) : now + bound / 2
        }
        crashes.removeAll { $0.due.nanoseconds == .max }
        self.earliest = crashes.map(\.due).min()
    }
}
