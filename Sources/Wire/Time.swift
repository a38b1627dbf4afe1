/// A reading of a clock that never goes back, in nanoseconds since an origin that is the
/// process's own. Cores are handed it; none reads a clock.
public struct MonotonicInstant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the origin.
    public var nanoseconds: Int64

    /// The instant `nanoseconds` after the origin.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The origin.
    public static let origin = MonotonicInstant(nanoseconds: 0)

    /// Earlier comes first.
    @inlinable public static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `duration` later.
    @inlinable public static func + (instant: Self, duration: Duration) -> Self {
        Self(nanoseconds: instant.nanoseconds + duration.nanoseconds)
    }

    /// The instant `duration` earlier.
    @inlinable public static func - (instant: Self, duration: Duration) -> Self {
        Self(nanoseconds: instant.nanoseconds - duration.nanoseconds)
    }

    /// The time from `right` to `left`.
    @inlinable public static func - (left: Self, right: Self) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// The duration in whole nanoseconds, saturating at the range of `Int64` (292 years).
    @inlinable public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    public var seconds: Double { Double(nanoseconds) / 1e9 }

    /// The duration in milliseconds.
    public var milliseconds: Double { Double(nanoseconds) / 1e6 }
}

/// Civil time in whole seconds since 1970-01-01 UTC: for certificates and tickets, which are
/// compared across machines. Never used to measure a duration.
public struct WallTime: Hashable, Comparable, Sendable {
    /// Seconds since 1970-01-01 UTC.
    public var seconds: UInt64

    /// The given number of seconds since 1970-01-01 UTC.
    public init(seconds: UInt64) { self.seconds = seconds }

    /// Earlier comes first.
    public static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }

    /// The time `duration` later, saturating.
    public static func + (time: Self, duration: Duration) -> Self {
        let delta = duration.components.seconds
        if delta < 0 {
            let (value, overflow) = time.seconds.subtractingReportingOverflow(delta.magnitude)
            return Self(seconds: overflow ? 0 : value)
        }
        let (value, overflow) = time.seconds.addingReportingOverflow(UInt64(delta))
        return Self(seconds: overflow ? .max : value)
    }
}

extension WallTime: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) { writer.writeInteger(seconds) }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        seconds = try reader.readInteger()
    }
}
