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

    /// Whether an authentic message that begins with this ephemeral key was seen.
    func contains(_ message: [UInt8]) -> Bool { seen[Self.key(message)] != nil }

    /// An authentic message with this ephemeral key was seen.
    mutating func insert(_ message: [UInt8], at now: MonotonicInstant) {
        if turnedAt.map({ now - $0 >= AdmissionLimits.replayGeneration }) ?? true {
            seen.turn()
            turnedAt = now
        }
        seen.set((), for: Self.key(message))
    }

    private static func key(_ message: [UInt8]) -> UInt64 {
        message.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
