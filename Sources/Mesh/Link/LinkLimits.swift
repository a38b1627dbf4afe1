/// Bounds on links, in one place. Those of the Noise framework itself are in `NoiseLimits`.
public enum LinkLimits {
    /// The whole handshake, from the connection to the last message.
    public static let handshakeDeadline: Duration = .seconds(5)
    /// The longest handshake frame, in bytes.
    public static let handshakeFrameBytesMax = 2048
    /// Connections that have not finished their handshake, over all peers.
    public static let halfOpenMax = 64
    /// The same, per remote address. Loopback is exempt: a testnet is many nodes of one address.
    public static let halfOpenPerAddressMax = 4
    /// The longest plaintext of a record, in bytes (131 µs of a 1 Gb/s wire).
    public static let recordBytesMax = 16_384
    /// The most streams open at once, both directions together.
    public static let streamsMax = 256
    /// Bytes that may be under way on a stream before the receiver has taken them.
    public static let streamWindowBytes = 256 << 10
    /// Bytes that may be under way on all streams of a link together.
    public static let sessionWindowBytes = 1 << 20
    /// Bytes that a stream buffers for sending before its sender has to wait.
    public static let sendBufferBytesMax = 256 << 10
    /// The most streams that a peer may open in one second, refused ones included.
    public static let opensPerSecondMax = 512
    /// The most control frames (credits, pings, resets) waiting to be sent.
    public static let controlFramesMax = 4096
    /// Silence after which a ping is sent, and the period of round-trip measurement.
    public static let keepaliveInterval: Duration = .seconds(10)
    /// Silence after which a link is dead.
    public static let silenceMax: Duration = .seconds(30)
    /// Records after which a direction's key is replaced.
    public static let rekeyRecords: UInt64 = 1 << 16
    /// Bytes after which a direction's key is replaced.
    public static let rekeyBytes: UInt64 = 1 << 30
    /// Time after which a direction's key is replaced, when anything is sent.
    public static let rekeyInterval: Duration = .seconds(120)
    /// Records after which a link must end.
    public static let recordsMax: UInt64 = 1 << 40
    /// The longest text of a close, in bytes.
    public static let closeTextBytesMax = 256
    /// One attempt to connect to one address.
    public static let connectTimeout: Duration = .seconds(3)
}
