import Gossip
import Wire

/// When each observer last had more records of the gone than it has room for: of those who had gone
/// by then it may have forgotten any, and what was forgotten may come back for as long as others say
/// so. What an observer holds of those that are there it never forgets.
struct TombstoneOverflows: Sendable {
    let tombstonesMax: Int
    private var overflows: [Int: MonotonicInstant] = [:]

    init(tombstonesMax: Int) { self.tombstonesMax = tombstonesMax }

    /// An observer starts with no records.
    mutating func started(_ observer: Int) { overflows[observer] = nil }

    /// To be called before the world takes in the belief.
    mutating func believed(
        _ observer: Int, _ subject: Int, _ belief: Belief, in world: MembershipWorld,
        at now: MonotonicInstant
    ) {
        guard !belief.state.isThere, world.isTracked(observer),
            tombstonesMax < world.nodes.count
        else { return }
        let others = world.nodes.indices.count {
            $0 != subject && world.belief(observer, $0)?.state.isThere == false
        }
        if others + 1 > tombstonesMax { overflows[observer] = now }
    }

    /// Whether an observer may have forgotten one who has been gone to it since then.
    func mayHaveForgotten(_ observer: Int, since gone: MonotonicInstant) -> Bool {
        overflows[observer].map { gone <= $0 } ?? false
    }
}
