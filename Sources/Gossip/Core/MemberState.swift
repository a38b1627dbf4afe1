/// What a member is believed to be. Comparable: of two beliefs about one start of a member, the
/// greater stands (see ``Standing``).
public enum MemberState: UInt8, Sendable, CaseIterable, Comparable {
    /// Answers.
    case alive = 0
    /// Was not reached by somebody; has a while to refute it.
    case suspect = 1
    /// Did not refute it.
    case dead = 2
    /// Said that it leaves.
    case left = 3

    /// By finality.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A belief about a member, with what it is founded on. One order holds the whole merge rule:
/// a newer start of the member beats everything; leaving ends a start for good; a newer incarnation
/// beats an accusation of an older one; within an incarnation the worse news stands.
struct Standing: Comparable {
    var generation: UInt64
    var incarnation: UInt32
    var state: MemberState

    static func < (a: Self, b: Self) -> Bool {
        if a.generation != b.generation { return a.generation < b.generation }
        if (a.state == .left) != (b.state == .left) { return b.state == .left }
        if a.incarnation != b.incarnation { return a.incarnation < b.incarnation }
        return a.state < b.state
    }
}

/// What changed about a member.
public enum MemberEvent: Sendable, Equatable {
    /// Seen for the first time, or back as a new start.
    case joined
    /// Accused.
    case suspected
    /// It refuted the accusation, or was reached again.
    case recovered
    /// It did not.
    case died
    /// It said goodbye.
    case left
    /// Its claim or metadata is new.
    case updated
    /// Of this node itself: a claim under its own key is of a newer start than this one. Another
    /// process has its identity; what this one says nobody hears.
    case displaced
}
