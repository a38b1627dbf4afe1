internal import Secrets
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
    private let secret: SecretBytes

    init(secret: SecretBytes) { self.secret = secret }

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
        let key = secret.derived("shoal cookie period v1", number.bytes, in: .pooled)
        var input = ByteWriter(capacity: 64)
        input.writeBytes(source.bytes)
        input.writeInteger(connection)
        preamble.encode(to: &input)
        input.writeBytes(firstMessage.prefix(32))
        let output = key.derive(
            "shoal cookie v1", input.bytes,
            length: LinkLimits.cookieBytes + LinkLimits.cookieSaltBytes)
        return (
            Array(output.prefix(LinkLimits.cookieBytes)),
            Array(output.suffix(LinkLimits.cookieSaltBytes))
        )
    }
}

/// What is kept of a connection that was sent a cookie.
struct ChallengedState: Sendable {
    let preamble: LinkPreamble
    let firstMessage: [UInt8]
    let preSharedKey: SecretBytes
    let seal: CookieSeal
    /// What came of its answer.
    var buffer: [UInt8] = []
}
