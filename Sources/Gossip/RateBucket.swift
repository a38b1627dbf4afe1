public import Wire

/// A token bucket in one word (the generic cell rate algorithm of ITU-T I.371): the time at which it
/// would be full again.
public struct RateBucket: Sendable, Equatable {
    /// How fast a bucket fills and how much it holds.
    public struct Rate: Sendable, Equatable {
        /// Nanoseconds that one token takes.
        let interval: Int64
        /// Nanoseconds that a whole bucket takes.
        let depth: Int64

        /// One token each `interval`, and so many at once.
        public init(every interval: Duration, burst: Int64) {
            self.interval = interval.nanoseconds
            depth = interval.nanoseconds * burst
        }

        /// How many at once.
        public var burst: Int { Int(depth / interval) }

        /// The time that one token takes.
        public var period: Duration { .nanoseconds(interval) }

        /// So many tokens each second, and so many at once.
        public init(perSecond: Int64, burst: Int64) {
            interval = 1_000_000_000 / perSecond
            depth = interval * burst
        }
    }

    private var fullAt = Int64.min

    /// A full bucket.
    public init() {}

    /// Takes `count` tokens, or all there are.
    mutating func charge(_ rate: Rate, _ count: Int, at now: MonotonicInstant) {
        let after = max(fullAt, now.nanoseconds) + rate.interval * Int64(count)
        fullAt = min(after, now.nanoseconds + rate.depth)
    }

    /// Whether there is a token.
    public func hasRoom(_ rate: Rate, at now: MonotonicInstant) -> Bool {
        max(fullAt, now.nanoseconds) - now.nanoseconds + rate.interval <= rate.depth
    }

    /// Takes `count` tokens, if there are as many; else none.
    public mutating func take(
        _ rate: Rate, _ count: Int = 1, at now: MonotonicInstant
    ) -> Bool {
        let after = max(fullAt, now.nanoseconds) + rate.interval * Int64(count)
        guard after - now.nanoseconds <= rate.depth else { return false }
        fullAt = after
        return true
    }

    /// Puts in `count` tokens, as far as there is room.
    mutating func put(_ rate: Rate, _ count: Int, at now: MonotonicInstant) {
        guard fullAt > now.nanoseconds else { return }
        fullAt = max(fullAt - rate.interval * Int64(count), now.nanoseconds)
    }
}
