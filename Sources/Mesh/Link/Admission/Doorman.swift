public import Trust
public import Wire

/// Judges connections before anything expensive is done for them.
public struct Doorman: Sendable {
    /// What came so far.
    public private(set) var counters = AdmissionCounters()

    /// A door that nobody has come to.
    ///
    /// - Parameter secret: 32 random bytes, never told to anyone: what cookies are made with.
    public init(genesis: Genesis, keys: LaneKeys, secret: [UInt8]) {
    }

    /// Keys have changed. Who waits is judged by the new ones.
    public mutating func update(keys: LaneKeys) {
    }

    /// A connection was accepted. Its number is the caller's and is never used again.
    ///
    /// - Returns: Whom to close so that there is place for it.
    public mutating func arrived(
        _ connection: UInt64, from source: AdmissionSource, at now: MonotonicInstant
    ) -> [AdmissionEffect] {
        []
    }

    /// Bytes came on a connection that waits at the door.
    public mutating func receive(
        _ bytes: [UInt8], on connection: UInt64, at now: MonotonicInstant, wall: WallTime
    ) -> [AdmissionEffect] {
        []
    }

    /// A connection is gone: it was closed by its peer while it waited, or its handshake is over,
    /// whatever its outcome.
    public mutating func released(_ connection: UInt64) {
    }

    /// Closes those whose time is over.
    public mutating func tick(at now: MonotonicInstant) -> [AdmissionEffect] {
        []
    }
}
