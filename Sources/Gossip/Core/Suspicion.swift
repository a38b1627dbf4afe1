import Wire

/// An accusation under way.
struct Suspicion: Sendable {
    /// A member's signed word that it could not reach the accused.
    struct Accusation: Sendable {
        var accuser: NodeID
        var claim: Claim
    }

    /// One for each accuser, in order of their ids: this node among them or not.
    private(set) var accusations: [Accusation] = []
    var began: MonotonicInstant
    /// Without further accusers.
    var longest: Duration
    /// With as many as count.
    var shortest: Duration
    /// How many further accusers count.
    var confirmationsMax: Int
    /// A link could not be made either: the second opinion agrees with the first.
    var isRefused = false
    /// Whether this node has drawn whether to look into it.
    var isConsidered = false
    /// Whether this node has drawn whether to ask early.
    var wasCalled = false
    /// Whether a link was tried.
    var wasDialled = false
    /// Whether the accused was asked once more for a datagram that may have been a recording.
    var wasSpared = false
    /// The number of the last question of this node's own.
    var askedNumber: UInt32?
    /// The last question went out on all ways, and is answered by then if at all.
    var answerDue: MonotonicInstant?
    /// Others that were asked what they know, all with one number, and how often.
    var opinionNumber: UInt32?
    var opinionRounds = 0
    /// Whether one of them answered.
    var hasOpinion = false
    /// Answers to questions with lower numbers are older than the suspicion.
    var floor: UInt32?

    /// Whether one more accuser changes anything: those past the ones that count are not kept, nor
    /// passed on.
    var wantsAccuser: Bool {
        accusations.count < min(confirmationsMax + 1, GossipLimits.accusersMax)
    }

    func isAccused(by accuser: NodeID) -> Bool {
        accusations.contains { $0.accuser == accuser }
    }

    mutating func add(_ claim: Claim, by accuser: NodeID) {
        let place = accusations.firstIndex { $0.accuser > accuser } ?? accusations.count
        accusations.insert(Accusation(accuser: accuser, claim: claim), at: place)
    }

    /// Takes back what `accuser` said.
    mutating func withdraw(_ accuser: NodeID) {
        accusations.removeAll { $0.accuser == accuser }
    }

    /// This node stood still for so long.
    mutating func postpone(by lateness: Duration, at now: MonotonicInstant) {
        began = min(now, began + lateness)
        // What was asked before may have been answered into nowhere.
        forgetLastCall()
    }

    /// The accused was heard: everybody has the whole time again.
    mutating func restart(at now: MonotonicInstant) {
        began = now
        wasCalled = false
        wasDialled = false
        isRefused = false
        forgetLastCall()
    }

    private mutating func forgetLastCall() {
        answerDue = nil
        opinionNumber = nil
        opinionRounds = 0
        hasOpinion = false
    }

    /// Lifeguard's LHA-Suspicion: from the longest to the shortest with the logarithm of the number
    /// of confirmations (arXiv 1707.00788, section IV.B).
    var length: Duration {
        guard !isRefused else { return shortest }
        guard confirmationsMax > 0 else { return longest }
        let confirmations = min(max(accusations.count - 1, 0), confirmationsMax)
        // Logarithms of small integers from a table: a core calls no library whose last bit may
        // differ between machines.
        let share =
            Self.logarithms[confirmations + 1] * 1000 / Self.logarithms[confirmationsMax + 1]
        let span = longest.nanoseconds - shortest.nanoseconds
        return .nanoseconds(
            max(longest.nanoseconds - span / 1000 * Int64(share), shortest.nanoseconds))
    }

    /// Bounds that depend on the size of the mesh.
    ///
    /// Where one or two others could confirm, the fuse is long unless a link is refused as well:
    /// their word alone is too little. Above 16 members it grows by half with each doubling, as the
    /// time that an accusation and its refutation need to get about.
    init(
        at now: MonotonicInstant, members: Int, configuration: GossipConfiguration
    ) {
        began = now
        guard configuration.features.contains(.dynamicSuspicion) else {
            longest =
                configuration.probeInterval * configuration.suspicionMultiplier
                * Self.decades(members) / 1000
            shortest = longest
            confirmationsMax = 0
            return
        }
        shortest = configuration.suspicionShortest * Self.doublings(members) / 1000
        longest =
            members <= 3
            ? max(configuration.suspicionSmallMesh, shortest)
            : shortest * configuration.suspicionSpan
        confirmationsMax = members <= 3 ? 2 : min(members - 2, 3)
    }

    /// In thousandths: 1 up to 16 members, and half for each doubling.
    static func doublings(_ members: Int) -> Int {
        var scale = 1000
        var bound = 16
        while bound < members {
            scale += 500 * (min(members, bound * 2) - bound) / bound
            bound *= 2
        }
        return scale
    }

    /// log10 of the size in thousandths, at least 1, in even steps between the powers of ten.
    static func decades(_ members: Int) -> Int {
        var scale = 1000
        var bound = 10
        while bound < members {
            scale += 1000 * (min(members, bound * 10) - bound) / (bound * 9)
            bound *= 10
        }
        return scale
    }

    /// 1000 · ln n.
    private static let logarithms = [0, 0, 693, 1099, 1386, 1609, 1792, 1946, 2079, 2197]
}
