internal import Wire

/// How often something may happen: so many in a second, and so many saved up.
struct RateLimit: Sendable {
    let perSecond: Int
    let burst: Int

    fileprivate var interval: Int64 { 1_000_000_000 / Int64(perSecond) }
}

/// What one caller has used of a ``RateLimit``: the generic cell rate algorithm (ITU-T I.371, annex
/// A), which needs no more than one instant: the one at which all that was taken is earned back.
struct RateUse: Sendable {
    private var earnedAt = Int64.min

    /// Whether `count` may be taken now.
    func allows(_ count: Int, of limit: RateLimit, at now: MonotonicInstant) -> Bool {
        next(count, limit, now) - now.nanoseconds <= Int64(limit.burst) * limit.interval
    }

    /// Takes `count`, if they may be taken.
    mutating func take(_ count: Int, of limit: RateLimit, at now: MonotonicInstant) -> Bool {
        guard allows(count, of: limit, at: now) else { return false }
        earnedAt = next(count, limit, now)
        return true
    }

    private func next(_ count: Int, _ limit: RateLimit, _ now: MonotonicInstant) -> Int64 {
        max(earnedAt, now.nanoseconds) + Int64(count) * limit.interval
    }
}

/// A table that forgets: two generations, of which the older goes when the newer is full. What is
/// used moves to the newer one.
struct TwoGenerations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var newer: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    private let perGeneration: Int

    init(perGeneration: Int) { self.perGeneration = perGeneration }

    var count: Int { newer.count + older.count }

    subscript(key: Key) -> Value? { newer[key] ?? older[key] }

    mutating func set(_ value: Value, for key: Key) {
        if newer[key] == nil, newer.count >= perGeneration { turn() }
        newer[key] = value
    }

    /// The newer generation becomes the older, which is forgotten.
    mutating func turn() {
        older = newer
        newer = [:]
    }
}

/// Uses of one limit by many callers.
struct RateTable<Key: Hashable & Sendable>: Sendable {
    let limit: RateLimit
    private var uses = TwoGenerations<Key, RateUse>(
        perGeneration: AdmissionLimits.ratesPerGeneration)

    init(perSecond: Int, burst: Int) { limit = RateLimit(perSecond: perSecond, burst: burst) }

    func allows(_ count: Int = 1, by key: Key, at now: MonotonicInstant) -> Bool {
        (uses[key] ?? RateUse()).allows(count, of: limit, at: now)
    }

    mutating func take(_ count: Int = 1, by key: Key, at now: MonotonicInstant) -> Bool {
        var use = uses[key] ?? RateUse()
        guard use.take(count, of: limit, at: now) else { return false }
        uses.set(use, for: key)
        return true
    }
}
