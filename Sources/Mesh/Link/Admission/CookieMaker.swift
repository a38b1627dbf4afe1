internal import Secrets
internal import Trust
internal import Wire

/// Makes cookies and makes them again to compare: nothing is kept of one.
///
///     cookie ‖ salt = BLAKE2b-320(key: this period's, "shoal cookie v1" ‖ 0 ‖ source ‖ connection
///                     ‖ preamble ‖ ephemeral key of message 1)
///
/// A period's key is derived from the door's secret and the number of the period, so that a cookie
/// is worthless two periods later, on another connection, from another source, and for another
/// first message. Only this node can tell: another implementation may make them as it likes.
struct CookieMaker: Sendable {
    private let secret: [UInt8]

    init(secret: [UInt8]) {
        precondition(secret.count == 32, "a door's secret has 32 bytes")
        self.secret = secret
    }

    /// Which period an instant is in.
    static func period(_ now: MonotonicInstant) -> Int64 {
        now.nanoseconds / AdmissionLimits.cookieLifetime.nanoseconds
    }

    func make(
        _ asker: WaitingRoom<ChallengedState>.Entry, period: Int64
    ) -> (cookie: [UInt8], salt: [UInt8]) {
        make(
            asker.state.preamble, asker.state.firstMessage, from: asker.source,
            on: asker.connection, period: period)
    }

    func make(
        _ preamble: LinkPreamble, _ firstMessage: [UInt8], from source: AdmissionSource,
        on connection: UInt64, period: Int64
    ) -> (cookie: [UInt8], salt: [UInt8]) {
        var number = ByteWriter(capacity: 8)
        number.writeInteger(UInt64(bitPattern: period))
        let key = Self.digest("shoal cookie period v1", number.bytes, key: secret, length: 32)
        var input = ByteWriter(capacity: 64)
        input.writeBytes(source.bytes)
        input.writeInteger(connection)
        preamble.encode(to: &input)
        input.writeBytes(firstMessage.prefix(32))
        let output = Self.digest(
            "shoal cookie v1", input.bytes, key: key,
            length: LinkLimits.cookieBytes + LinkLimits.cookieSaltBytes)
        return (
            Array(output.prefix(LinkLimits.cookieBytes)),
            Array(output.suffix(LinkLimits.cookieSaltBytes))
        )
    }

    static func digest(
        _ domain: String, _ bytes: [UInt8], key: [UInt8], length: Int
    ) -> [UInt8] {
        blake2b(Array(domain.utf8) + [0] + bytes, key: key, length: length)
    }
}

/// What is kept of a connection that was sent a cookie.
struct ChallengedState: Sendable {
    let preamble: LinkPreamble
    let firstMessage: [UInt8]
    let preSharedKey: [UInt8]
    let seal: CookieSeal
    /// What came of its answer.
    var buffer: [UInt8] = []
}
