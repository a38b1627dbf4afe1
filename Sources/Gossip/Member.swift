public import Wire

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

/// A member as others may see it.
public struct MemberView: Sendable, Equatable {
    /// The member.
    public let id: NodeID
    /// What it is believed to be.
    public let state: MemberState
    /// Since when.
    public let stateSince: MonotonicInstant
    /// Its last claim to be here.
    public let alive: AliveClaim
    /// What it offers; nil until it is known.
    public let metadata: MemberMetadata?
    /// What it does; nil until it is known.
    public let activity: MemberActivity?
    /// How busy it was when it last said so.
    public let load: MemberLoad
    /// The lowest round trip of the last ones measured; nil when none was.
    public let roundTrip: Duration?
    /// Whether a link to it is open.
    public let hasLink: Bool
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
}

/// An accusation under way.
struct Suspicion {
    /// Different members that accuse, this one among them or not.
    var accusers: [NodeID: Claim] = [:]
    var began: MonotonicInstant
    /// Without further accusers.
    var longest: Duration
    /// With as many as count.
    var shortest: Duration
    /// How many further accusers count.
    var confirmationsMax: Int
    /// Whether this node has drawn whether to look into it.
    var isConsidered = false
    /// Whether the member was asked a last time.
    var isCalled = false

    /// When there is something to do about it.
    var nextStep: MonotonicInstant { isCalled ? deadline : lastCall }

    /// Half-way to the end.
    var lastCall: MonotonicInstant { began + (deadline - began) / 2 }

    /// Whether one more accuser changes anything: those past the ones that count are not kept, nor
    /// passed on.
    var wantsAccuser: Bool {
        accusers.count < min(confirmationsMax + 1, GossipLimits.accusersMax)
    }

    /// Lifeguard's LHA-Suspicion: from the longest to the shortest with the logarithm of the number
    /// of confirmations (arXiv 1707.00788, section IV.B).
    var deadline: MonotonicInstant {
        guard confirmationsMax > 0 else { return began + longest }
        let confirmations = min(max(accusers.count - 1, 0), confirmationsMax)
        // Logarithms of small integers from a table: a core calls no library whose last bit may
        // differ between machines.
        let share =
            Self.logarithms[confirmations + 1] * 1000 / Self.logarithms[confirmationsMax + 1]
        let span = longest.nanoseconds - shortest.nanoseconds
        return began
            + .nanoseconds(
                max(longest.nanoseconds - span / 1000 * Int64(share), shortest.nanoseconds))
    }

    /// 1000 · ln n.
    private static let logarithms = [0, 0, 693, 1099, 1386, 1609, 1792, 1946, 2079, 2197]
}

/// A member as the core keeps it.
struct Member {
    var alive: AliveClaim
    var aliveClaim: Claim
    var metadata: MetadataClaim?
    var metadataClaim: Claim?
    var activity: ActivityClaim?
    var activityClaim: Claim?
    var leaveClaim: Claim?
    var state = MemberState.alive
    var stateSince: MonotonicInstant
    var suspicion: Suspicion?
    var load = MemberLoad.idle
    var roundTrips: [Duration] = []
    var hasLink = false
    /// Probes in a row that only the link got an answer to.
    var datagramSilences = 0

    var standing: Standing {
        Standing(generation: alive.generation, incarnation: alive.incarnation, state: state)
    }

    /// Whether it takes part: it is probed, gossiped to and counted.
    var isActive: Bool { state == .alive || state == .suspect }

    mutating func measured(_ roundTrip: Duration) {
        roundTrips.append(roundTrip)
        if roundTrips.count > 8 { roundTrips.removeFirst() }
    }

    func view(_ id: NodeID) -> MemberView {
        MemberView(
            id: id, state: state, stateSince: stateSince, alive: alive,
            metadata: metadata?.metadata, activity: activity?.activity, load: load,
            roundTrip: roundTrips.min(),
            hasLink: hasLink)
    }
}
