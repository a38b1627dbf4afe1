import Wire

/// How well this node itself does: Lifeguard's local health multiplier (arXiv 1707.00788, section
/// IV.A), and how late its timers are.
///
/// A node that is slow, or cut off, misses answers and would blame others for it. So it asks less
/// often and waits longer the more of its own probes fail, and tells others to have patience with it.
struct LocalHealth: Sendable {
    /// 0: well, to ``GossipLimits/localHealthMax``.
    private(set) var score = 0
    /// The greatest lateness of late, and when it was seen; it halves each ``halfLife``.
    private var lateness = Duration.zero
    private var latenessSeen = MonotonicInstant.origin
    private var raisedForLateness: MonotonicInstant?

    /// A lateness counts half after this.
    private static let halfLife = Duration.seconds(8)
    /// Patience begins at this lateness and grows by one with each doubling.
    private static let grain = Duration.milliseconds(50)

    /// In sixteenths of a thousandth; see ``missedShare``.
    private var missed = 0

    /// The share of this node's last questions that nothing answered in time, in thousandths.
    var missedShare: Int { missed / 16 }

    /// A question was answered in time, or not; the last sixteen or so count.
    mutating func asked(isMissed: Bool) {
        missed += ((isMissed ? 16_000 : 0) - missed) / 16
    }

    mutating func raise(by count: Int = 1) {
        score = min(score + count, GossipLimits.localHealthMax)
    }

    mutating func lower() { score = max(score - 1, 0) }

    /// A duration of this node's own, given how it does.
    func stretched(_ duration: Duration) -> Duration {
        score == 0 ? duration : duration * (score + 1)
    }

    /// A timer fired so much after it was due.
    mutating func fired(
        late: Duration, at now: MonotonicInstant, every interval: Duration, raises: Bool
    ) {
        guard late >= Self.grain else { return }
        lateness = max(late, lateness(at: now))
        latenessSeen = now
        // A quarter of a second late, an answer may be too: once in an interval.
        guard raises, late >= .milliseconds(250) else { return }
        if let raisedForLateness, now - raisedForLateness < interval { return }
        raisedForLateness = now
        raise()
    }

    /// The lateness to reckon with.
    func lateness(at now: MonotonicInstant) -> Duration {
        let halvings = (now - latenessSeen).nanoseconds / Self.halfLife.nanoseconds
        return halvings >= 32
            ? .zero : .nanoseconds(lateness.nanoseconds >> max(0, halvings))
    }

    /// The patience that this node asks of others, 0 to ``GossipLimits/patienceMax``: 1 from 50 ms
    /// of lateness, 2 from 100 ms, 7 from 3.2 s.
    func patience(at now: MonotonicInstant) -> UInt8 {
        guard lateness > .zero else { return 0 }
        var rest = lateness(at: now).nanoseconds / Self.grain.nanoseconds
        var level: UInt8 = 0
        while rest > 0, level < GossipLimits.patienceMax {
            level += 1
            rest >>= 1
        }
        return level
    }
}
