import Gossip
import Wire

/// Left never becomes alive without a newer generation, nobody is taken to have left who did not
/// say so, and records of the gone are kept until provably prunable: those of the departed for
/// ``MembershipCheckers/Bounds/tombstoneLifetime``, those of the dead for as long as there is room.
struct DepartureChecker: MembershipChecker {
    static let name = "departure"

    let lifetime: Duration
    private(set) var judged = 0
    /// The generations that each node ended by leaving.
    private var departures: [Int: Set<UInt64>] = [:]
    /// By observer: of whom it knew that a generation left, and since when. Kept across what the
    /// observer forgets, not across its restarts.
    private var known: [Int: [Int: (generation: UInt64, at: MonotonicInstant)]] = [:]
    private var overflows: TombstoneOverflows

    init(lifetime: Duration, tombstonesMax: Int) {
        self.lifetime = lifetime
        overflows = TombstoneOverflows(tombstonesMax: tombstonesMax)
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, _):
            known[node] = nil
            overflows.started(node)
        case .left(let node):
            departures[node, default: []].insert(world.nodes[node].generation)
        case .believed(let observer, let subject, let belief, _):
            guard world.nodes[observer].isHonest else { return }
            overflows.believed(observer, subject, belief, in: world, at: now)
            if belief.state == .left {
                judged += 1
                // A departure ends all generations before its own, the one that is known too.
                let ends = departures[subject]?.filter { $0 >= belief.generation }.max()
                if ends == nil, world.nodes[subject].isHonest {
                    findings.report(
                        Self.name, now,
                        "node \(subject) never left, but did for node \(observer)")
                }
                known[observer, default: [:]][subject] = (ends ?? belief.generation, now)
            } else if let end = known[observer]?[subject] {
                judged += 1
                // What there was no room to remember may come back for as long as others say so.
                let isForgotten = overflows.mayHaveForgotten(observer, since: end.at)
                guard belief.generation <= end.generation, !isForgotten else {
                    known[observer]?[subject] = nil
                    return
                }
                findings.report(
                    Self.name, now,
                    "node \(subject) left at generation \(end.generation), and is \(belief.state) "
                        + "at \(belief.generation) to node \(observer)")
            }
        case .remembers(let observer, let records):
            checkRecords(observer, records, in: world, at: now, &findings)
        default: return
        }
    }

    private mutating func checkRecords(
        _ observer: Int, _ records: [RememberedMember], in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard world.isTracked(observer), world.nodes[observer].isHonest else { return }
        var byNode: [Int: Belief] = [:]
        for record in records {
            byNode[record.subject] = record.belief
            judged += 1
            let last = world.belief(observer, record.subject)
            if last?.state != record.belief.state || last?.generation != record.belief.generation {
                findings.report(
                    Self.name, now,
                    "node \(observer) holds node \(record.subject) for \(record.belief.state), "
                        + "and last said \(last.map { "\($0.state)" } ?? "nothing")")
            }
        }
        let gone = world.nodes.indices.filter {
            $0 != observer && world.belief(observer, $0)?.state.isThere == false
        }
        for subject in gone where byNode[subject] == nil {
            judged += 1
            if let belief = world.belief(observer, subject),
                overflows.mayHaveForgotten(observer, since: belief.since)
            {
                continue
            }
            if let end = known[observer]?[subject], now - end.at >= lifetime { continue }
            findings.report(
                Self.name, now, "node \(observer) has forgotten that node \(subject) is gone")
        }
    }
}
