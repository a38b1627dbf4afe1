public import Trust
public import Wire

/// Why an exchange of the trust service came to nothing. Nothing of it was taken over.
public enum TrustExchangeError: Error, Equatable, Sendable {
    /// What came is not what the exchange is about.
    case malformed(WireError)
    /// More came than any message of this kind has.
    case tooLong(limit: Int)
    /// The peer said something when it had nothing to say.
    case outOfTurn
}

extension TrustExchangeError: CustomStringConvertible {
    /// What is wrong.
    public var description: String {
        switch self {
        case .malformed(let error): "\(error)"
        case .tooLong(let limit): "the message is longer than \(limit) bytes"
        case .outOfTurn: "the peer spoke out of turn"
        }
    }
}

/// The side that opens a stream of ``LinkService/trust``.
///
/// On the wire, inside one stream of its own:
///
/// - The OPEN's first bytes are a `TrustQuery`: 0 and a digest of 32 bytes, or 1 and a
///   `RenewalRequest`. A renewal's asker ends its direction at once.
/// - The answer, whole, then END: a `TrustAnswer` (0: both know the same; 1 and a `TrustBulletin`),
///   or a `RenewalResponse`.
/// - After a bulletin the asker sends its own, what it was told merged into it, and ends; after "the
///   same" it ends. Messages have no length before them: the stream's end is theirs.
///
/// On the catch-up lane a member whose certificate is over is told no gate key; it renews first.
///
/// A pure state machine: bytes of the stream go in, what they mean comes out.
public struct TrustAsker: Sendable {
    /// What the answer says.
    public enum Reply: Sendable {
        /// Both know the same. End the stream.
        case same
        /// What the other knows: merge it, send one's own ``TrustBulletin`` and end the stream.
        case bulletin(TrustBulletin)
        /// The answer to a renewal.
        case renewal(RenewalResponse)
    }

    private let query: TrustQuery
    private var collector: MessageCollector

    /// A question.
    public init(_ query: TrustQuery) {
        self.query = query
        let limit =
            switch query {
            case .exchange: 1 + TrustLimits.bulletinBytesMax
            case .renewal: LinkLimits.renewalResponseBytesMax
            }
        collector = MessageCollector(limit: limit)
    }

    /// The first bytes of the stream.
    public var first: [UInt8] { query.encoded }

    /// Whether this side has no more to say once the stream is open.
    public var endsAtOnce: Bool {
        if case .renewal = query { true } else { false }
    }

    /// Takes in bytes of the stream.
    public mutating func receive(_ bytes: [UInt8]) throws(TrustExchangeError) {
        try collector.append(bytes)
    }

    /// The peer's direction has ended: what it said.
    public mutating func receiveEnd() throws(TrustExchangeError) -> Reply {
        switch query {
        case .renewal: return .renewal(try collector.finish(as: RenewalResponse.self))
        case .exchange:
            switch try collector.finish(as: TrustAnswer.self) {
            case .same: return .same
            case .bulletin(let bulletin): return .bulletin(bulletin)
            }
        }
    }
}

/// The side that a stream of ``LinkService/trust`` was opened to: see ``TrustAsker``.
public struct TrustAnswerer: Sendable {
    /// What was asked.
    public let query: TrustQuery
    private var collector = MessageCollector(limit: 0)

    /// The answerer of a stream.
    ///
    /// - Parameter first: The first bytes that came with its opening.
    public init(first: [UInt8]) throws(TrustExchangeError) {
        do { query = try TrustQuery(decoding: first) } catch { throw .malformed(error) }
    }

    /// The answer to ``TrustQuery/exchange(digest:)``, to be sent whole and ended.
    ///
    /// - Parameters:
    ///   - own: What this node knows. Its gate key is left out when `peer`'s certificate is over.
    ///   - digest: The digest of what this node knows: `TrustBulletin.digest(state:gateKey:)`.
    public mutating func answer(
        _ own: TrustBulletin, digest: [UInt8], to peer: VerifiedMember
    ) -> [UInt8] {
        guard case .exchange(let asked) = query, asked != digest else {
            return TrustAnswer.same.encoded
        }
        collector = MessageCollector(limit: TrustLimits.bulletinBytesMax)
        return TrustAnswer.bulletin(own.told(to: peer)).encoded
    }

    /// Takes in bytes of the stream.
    public mutating func receive(_ bytes: [UInt8]) throws(TrustExchangeError) {
        try collector.append(bytes)
    }

    /// The peer's direction has ended: what it told, or nil when it had nothing to tell.
    public mutating func receiveEnd() throws(TrustExchangeError) -> TrustBulletin? {
        guard collector.limit > 0 else { return nil }
        return try collector.finish(as: TrustBulletin.self)
    }
}

extension TrustBulletin {
    /// The bulletin as `peer` may have it: without the gate key when its certificate is over.
    public func told(to peer: VerifiedMember) -> TrustBulletin {
        peer.isExpired ? TrustBulletin(state: state, gateKey: nil, seeds: seeds) : self
    }
}

/// Bytes up to the end of a stream that are one message.
private struct MessageCollector: Sendable {
    let limit: Int
    private var buffer: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    mutating func append(_ bytes: [UInt8]) throws(TrustExchangeError) {
        guard limit > 0 || bytes.isEmpty else { throw .outOfTurn }
        guard buffer.count + bytes.count <= limit else {
            buffer = []
            throw .tooLong(limit: limit)
        }
        buffer += bytes
    }

    mutating func finish<Message: WireCodable>(
        as type: Message.Type
    ) throws(TrustExchangeError) -> Message {
        defer { buffer = [] }
        do { return try Message(decoding: buffer) } catch { throw .malformed(error) }
    }
}
