internal import Trust

/// Every bound of a link: what its handshake, its records and its streams may take. The comments
/// say where a number comes from when it is not ours.
public enum LinkLimits {
    // MARK: Handshake

    /// The version of the handshake itself. Frozen: what may change travels inside, in the range
    /// of protocol versions.
    public static let handshakeVersion: UInt8 = 1
    /// Bytes of the preamble: handshake version, lane, key id.
    public static let preambleBytes = 10
    /// Bytes of the key id in a preamble.
    public static let keyIDBytes = 8
    /// Exact size of the first handshake message: an ephemeral key and the tag of an empty payload.
    public static let firstMessageBytes = 48
    /// The shortest second message: ephemeral, sealed static key, tag of the payload.
    public static let secondMessageBytesMin = 96
    /// The shortest third message: sealed static key, tag of the payload.
    public static let thirdMessageBytesMin = 64
    /// Bytes of an older connection's handshake hash by which a renewal names it.
    public static let renewedHashBytes = 16
    /// Bytes of a cookie: a keyed digest.
    public static let cookieBytes = 32
    /// Bytes of the salt before a sealed cookie.
    public static let cookieSaltBytes = 8
    /// Exact size of a cookie challenge, shorter than any second message: salt, sealed cookie.
    public static let challengeBytes = cookieSaltBytes + cookieBytes + recordTagBytes
    /// The longest handshake message, in bytes.
    public static let handshakeMessageBytesMax = 2048
    /// The time in which a handshake must be over, as a whole: a peer that sends a byte now and
    /// then gains nothing.
    public static let handshakeDeadline: Duration = .seconds(5)
    /// The most accepted connections whose handshake is not over.
    public static let halfOpenMax = 64
    /// The most of those from one IPv4 address or one IPv6 /56.
    public static let halfOpenPerAddressMax = 4

    // MARK: Records

    /// The longest plaintext of a record, in bytes: 131 µs of a 1 Gb/s wire.
    public static let recordPlaintextBytesMax = 16_384
    /// Bytes of a record's authentication tag.
    public static let recordTagBytes = 16
    /// The longest record without its length, in bytes.
    public static let recordBytesMax = recordPlaintextBytesMax + recordTagBytes
    /// The most memory that a record takes on its way out: its length and itself.
    public static let recordSpaceBytes = 2 + recordBytesMax
    /// The shortest record: one frame without payload.
    public static let recordBytesMin = frameHeaderBytes + recordTagBytes
    /// A sender renews its key after this many records…
    public static let rekeyRecords: UInt64 = 1 << 16
    /// …or this many bytes of plaintext…
    public static let rekeyBytes: UInt64 = 1 << 30
    /// …or this long, if it has something to send.
    public static let rekeyInterval: Duration = .seconds(120)
    /// A receiver ends a link whose sender exceeds any of these by this factor without renewing its
    /// key: what was under way meanwhile is no fault of the sender's.
    public static let rekeyTolerance = 2
    /// The most records that one direction of a link carries.
    public static let recordsMax: UInt64 = 1 << 40
    /// At this age the initiator makes a new connection and moves to it.
    public static let renewalAge: Duration = .seconds(3600)
    /// A link ends at this age whatever happens.
    public static let linkAgeMax: Duration = .seconds(3 * 3600)
    /// So does one of the catch-up lane, whose member's certificate may be over: it is for a few
    /// exchanges.
    public static let catchUpAgeMax: Duration = .seconds(300)
    /// How long the last record of a link whose time is over may be on its way.
    public static let closeGrace: Duration = .seconds(30)
    /// The plaintext of records that carry frames of inference streams is padded to a multiple of
    /// this, in bytes.
    ///
    /// A message of one token takes 45 bytes and the token's own, 3.4 to 3.8 on average in English
    /// text (vocabularies of GPT-2, Llama 3 and Qwen 2): at 64 every 250th token would still show by
    /// its length, at 128 the longer ones of three tokens that travel together. At 256 any token
    /// looks like any other, so do up to five together, and one with the five likeliest in its place.
    /// At 100 tokens a second this costs 21 kB a second.
    public static let paddingBytes = 256

    // MARK: Frames and streams

    /// Bytes of a frame's type, stream and length.
    public static let frameHeaderBytes = 7
    /// The longest first bytes that travel in an OPEN. They are outside the windows: their number
    /// is bounded by that of streams.
    public static let openBytesMax = 1024
    /// The longest text of a CLOSE, in bytes.
    public static let closeTextBytesMax = 256
    /// The most streams at once that one side opened; 256 in both directions together.
    public static let streamsPerSideMax = 128
    /// The most streams that were reset here and whose last frames may still be on their way.
    public static let drainingStreamsMax = 256
    /// What a sender may have under way on a stream at its start, in bytes.
    public static let streamWindowBytes = 256 << 10
    /// What a sender may have under way on all streams together at the start, in bytes.
    public static let sessionWindowBytes = 1 << 20
    /// The same on a connection of purpose ``LinkPurpose/bulk``, once its receiver gave credit.
    public static let bulkStreamWindowBytes = 4 << 20
    /// The same for all streams of such a connection together.
    public static let bulkSessionWindowBytes = 8 << 20
    /// The most credit that a sender lets a receiver heap up, on a stream or for the session.
    public static let creditBytesMax = 64 << 20
    /// What inference leaves of the session's credit to control, in bytes.
    public static let controlReserveBytes = 128 << 10
    /// What bulk leaves of the session's credit to the others, in bytes.
    public static let foregroundReserveBytes = 256 << 10
    /// A receiver gives the session credit again once so many bytes were consumed. Less than any
    /// class has for itself: else who had used up its share, with all of it read, would wait for
    /// credit that others' reading must bring.
    public static let sessionCreditStepBytes = 64 << 10
    /// Bytes that a stream holds for sending before its writer has to wait.
    public static let sendBufferBytesMax = 256 << 10
    /// The longest piece that is handed to a stream at once, in bytes.
    public static let sendPieceBytesMax = 64 << 10
    /// The most tasks that wait to write to one stream.
    public static let waitingWritersMax = 64
    /// The most resets that a peer may send in a second (the answer to CVE-2023-44487, HTTP/2's
    /// rapid reset).
    public static let resetsPerSecondMax = 256
    /// The most pings of a peer that wait for their answer.
    public static let pongsQueuedMax = 16

    // MARK: Time

    /// A link on which nothing came for this long is asked whether it lives.
    public static let keepaliveIdle: Duration = .seconds(10)
    /// The round trip is measured again after this long, on a busy link too.
    public static let roundTripInterval: Duration = .seconds(30)
    /// A link on which nothing came for this long is dead.
    public static let silenceMax: Duration = .seconds(30)

    // MARK: Dialling and joining

    /// The time for one address to accept a connection.
    public static let connectTimeout: Duration = .seconds(3)
    /// The most addresses tried in one dial.
    public static let dialAddressesMax = 16
    /// Two links between the same nodes that are younger than this are a simultaneous dial, and
    /// the one from the lower node id survives; otherwise the newer one does, because a node that
    /// dials has lost the older.
    public static let simultaneousDial: Duration = .seconds(5)
    /// How long the streams of the link that lost a simultaneous dial may go on.
    public static let retirement: Duration = .seconds(5)
    /// The time in which a join must be over once its handshake is.
    public static let joinDeadline: Duration = .seconds(20)
    /// The longest join request, in bytes.
    public static let joinRequestBytesMax = 4096
    /// The longest answer to it, in bytes.
    public static let joinResponseBytesMax = TrustLimits.joinResponseBytesMax
    /// The longest answer to a request for a new certificate, in bytes: two certificates.
    public static let renewalResponseBytesMax = 4096
    /// How long a closing link may take to send its last record.
    public static let closeFlush: Duration = .seconds(1)
    /// Events of links that an observer who doesn't read keeps; the oldest go first.
    public static let eventsBufferedMax = 1024
}
