internal import Wire

/// First messages that were seen: by the first 8 bytes of their ephemeral keys, which are random in
/// every message of an honest node.
///
/// What it forgets does no harm: a first message that is replayed leads to a handshake that its
/// replayer can't go on with. It only saves the Diffie–Hellman of trying.
struct ReplayCache: Sendable {
    private var seen = TwoGenerations<UInt64, Void>(
        perGeneration: AdmissionLimits.replaysPerGeneration)
    private var turnedAt: MonotonicInstant?

    var count: Int { seen.count }

    /// Whether a message with this ephemeral key is new; it is not from now on.
    mutating func isNew(_ ephemeral: ArraySlice<UInt8>, at now: MonotonicInstant) -> Bool {
        if now - (turnedAt ?? .origin) >= AdmissionLimits.replayGeneration || turnedAt == nil {
            seen.turn()
            turnedAt = now
        }
        let key = ephemeral.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        guard seen[key] == nil else { return false }
        seen.set((), for: key)
        return true
    }
}
