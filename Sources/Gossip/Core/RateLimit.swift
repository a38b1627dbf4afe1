import Wire

/// A token bucket in eight bytes: the time at which it would be full again (the generic cell rate
/// algorithm, ITU-T I.371, annex A).
struct RateLimit: Sendable, Equatable {
    private var full = MonotonicInstant(nanoseconds: .min)

    /// Takes `count` tokens of a bucket that holds `burst` and gains one each `period`; false, and
    /// nothing taken, when there are not as many.
    mutating func take(
        _ count: Int = 1, at now: MonotonicInstant, period: Duration, burst: Int
    ) -> Bool {
        let filled = max(full, now) + .nanoseconds(period.nanoseconds * Int64(count))
        guard filled - now <= .nanoseconds(period.nanoseconds * Int64(burst)) else { return false }
        full = filled
        return true
    }

    /// Whether there are `count` tokens to take.
    func has(_ count: Int = 1, at now: MonotonicInstant, period: Duration, burst: Int) -> Bool {
        var copy = self
        return copy.take(count, at: now, period: period, burst: burst)
    }

    /// Takes `count` tokens, were there as many or not, up to an empty bucket.
    mutating func charge(
        _ count: Int, at now: MonotonicInstant, period: Duration, burst: Int
    ) {
        let filled = max(full, now) + .nanoseconds(period.nanoseconds * Int64(count))
        full = min(filled, now + .nanoseconds(period.nanoseconds * Int64(burst)))
    }
}
