public import Wire

/// What a stream is for: the first byte of its OPEN. What follows it there, and on the stream, is
/// the service's own.
public struct LinkService: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt8
    /// The service with this number, known here or not.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Control messages between nodes; on the join lane, the join itself.
    public static let control = LinkService(rawValue: 1)
    /// Requests, tokens and their ends.
    public static let inference = LinkService(rawValue: 2)
    /// Gossip packets, each after its 16-bit length, on a stream that stays.
    public static let gossip = LinkService(rawValue: 3)
    /// Full exchange of membership state: a request, its end; an answer, its end.
    public static let pushPull = LinkService(rawValue: 4)
    /// A certificate chain by the beginning of its digest.
    public static let certificate = LinkService(rawValue: 5)
    /// Revocations, gate keys and renewals: see `TrustExchange`. The only service of the catch-up
    /// lane.
    public static let trust = LinkService(rawValue: 6)
    /// Asks a third node to carry a link on: the first bytes are the id of the node to reach, the
    /// rest of the stream is that link's bytes.
    public static let relay = LinkService(rawValue: 7)
    /// The other half of ``relay``: the first bytes are the id of the node that asked, the rest is
    /// its link's bytes.
    public static let relayed = LinkService(rawValue: 8)
    /// Bytes without meaning, to measure a link by.
    public static let measure = LinkService(rawValue: 16)

    /// In which order a session's streams are served.
    public var priority: LinkPriority {
        switch self {
        case .control, .gossip, .pushPull, .certificate, .trust: .control
        case .inference, .relay, .relayed: .inference
        default: .bulk  // services of later versions say their priority when they come
        }
    }
}

/// Classes of streams: one is served only when those before it have nothing to send.
public enum LinkPriority: Int, CaseIterable, Sendable, Comparable {
    /// What keeps the mesh together.
    case control = 0
    /// Requests and tokens.
    case inference = 1
    /// Everything that can wait.
    case bulk = 2

    /// What is served first comes first.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One frame of a record's plaintext: type u8, stream u32, length u16, payload, big-endian.
///
///     type  name    stream  payload
///     0     PAD     0       bytes of any number and content, not looked at
///     1     OPEN    next    service u8, at most 1024 first bytes
///     2     DATA    any     1 byte or more
///     3     CREDIT  any/0   bytes u32, not 0; stream 0 is the session
///     4     END     any     none
///     5     RESET   any     code u16
///     6     PING    0       number u64
///     7     PONG    0       number u64 of the PING
///     8     CLOSE   0       code u16, at most 256 bytes of UTF-8
///     9     REKEY   0       none; the record's last
///
/// Streams that the initiator opens are 1, 3, 5…, the responder's 2, 4, 6…, each side's in order.
/// See ``Multiplexer`` for what a receiver accepts when.
public enum LinkFrame: Equatable, Sendable {
    /// Bytes without meaning, to hide lengths.
    case pad(count: Int)
    /// A new stream for a service, and its first bytes.
    case open(stream: UInt32, service: LinkService, first: [UInt8])
    /// The next bytes of a stream; never empty.
    case data(stream: UInt32, bytes: ArraySlice<UInt8>)
    /// The receiver has room for as many more bytes on a stream, or in all (stream 0).
    case credit(stream: UInt32, bytes: UInt32)
    /// The sender has no more bytes for the stream.
    case end(stream: UInt32)
    /// The sender gives the stream up, in both directions.
    case reset(stream: UInt32, code: StreamResetCode)
    /// To be answered at once.
    case ping(UInt64)
    /// The answer to the ping with the same number.
    case pong(UInt64)
    /// The last frame of a session: it ends in good order.
    case close(LinkCloseCode, text: String)
    /// The last frame under the sender's present key.
    case rekey

    enum Kind: UInt8 {
        case pad = 0
        case open = 1
        case data = 2
        case credit = 3
        case end = 4
        case reset = 5
        case ping = 6
        case pong = 7
        case close = 8
        case rekey = 9
    }

    /// Appends the frame.
    public func encode(to writer: inout ByteWriter) {
        switch self {
        case .pad(let count):
            Self.writeHeader(.pad, stream: 0, length: count, to: &writer)
            writer.writeBytes([UInt8](repeating: 0, count: count))
        case .open(let stream, let service, let first):
            Self.writeHeader(.open, stream: stream, length: 1 + first.count, to: &writer)
            writer.writeInteger(service.rawValue)
            writer.writeBytes(first)
        case .data(let stream, let bytes):
            Self.writeHeader(.data, stream: stream, length: bytes.count, to: &writer)
            writer.writeBytes(bytes)
        case .credit(let stream, let bytes):
            Self.writeHeader(.credit, stream: stream, length: 4, to: &writer)
            writer.writeInteger(bytes)
        case .end(let stream): Self.writeHeader(.end, stream: stream, length: 0, to: &writer)
        case .reset(let stream, let code):
            Self.writeHeader(.reset, stream: stream, length: 2, to: &writer)
            writer.writeInteger(code.rawValue)
        case .ping(let number):
            Self.writeHeader(.ping, stream: 0, length: 8, to: &writer)
            writer.writeInteger(number)
        case .pong(let number):
            Self.writeHeader(.pong, stream: 0, length: 8, to: &writer)
            writer.writeInteger(number)
        case .close(let code, let text):
            let bytes = Self.closeText(text)
            Self.writeHeader(.close, stream: 0, length: 2 + bytes.count, to: &writer)
            writer.writeInteger(code.rawValue)
            writer.writeBytes(bytes)
        case .rekey: Self.writeHeader(.rekey, stream: 0, length: 0, to: &writer)
        }
    }

    /// Bytes that the frame takes.
    public var byteCount: Int {
        let payload =
            switch self {
            case .pad(let count): count
            case .open(_, _, let first): 1 + first.count
            case .data(_, let bytes): bytes.count
            case .credit: 4
            case .end, .rekey: 0
            case .reset: 2
            case .ping, .pong: 8
            case .close(_, let text): 2 + Self.closeText(text).count
            }
        return LinkFrame.headerBytes + payload
    }

    private static let headerBytes = LinkLimits.frameHeaderBytes

    /// As much of `text` as a CLOSE may carry, cut between characters.
    private static func closeText(_ text: String) -> [UInt8] {
        var kept: [UInt8] = []
        for character in text {
            let bytes = Array(character.utf8)
            guard kept.count + bytes.count <= LinkLimits.closeTextBytesMax else { break }
            kept += bytes
        }
        return kept
    }

    private static func writeHeader(
        _ kind: Kind, stream: UInt32, length: Int, to writer: inout ByteWriter
    ) {
        writer.writeInteger(kind.rawValue)
        writer.writeInteger(stream)
        writer.writeInteger(UInt16(length))
    }

    /// What a frame's first 7 bytes say.
    struct Header {
        let kind: Kind
        let stream: UInt32
        let length: Int

        /// Refuses what no frame begins with: an unknown type, a stream where there is none or none
        /// where there is one, a length that the type does not have.
        init(type: UInt8, stream: UInt32, length: Int) throws(LinkViolation) {
            guard let kind = Kind(rawValue: type) else { throw .unknownFrame(type) }
            let takesStream =
                switch kind {
                case .open, .data, .end, .reset: stream != 0
                case .pad, .ping, .pong, .close, .rekey: stream == 0
                case .credit: true
                }
            guard takesStream else { throw .misplacedStream(type: type, stream: stream) }
            let lengths =
                switch kind {
                case .pad: 0...Int(UInt16.max)
                case .open: 1...1 + LinkLimits.openBytesMax
                case .data: 1...Int(UInt16.max)
                case .credit: 4...4
                case .end, .rekey: 0...0
                case .reset: 2...2
                case .ping, .pong: 8...8
                case .close: 2...2 + LinkLimits.closeTextBytesMax
                }
            guard lengths.contains(length) else {
                throw .payloadLength(type: type, length: length)
            }
            self.kind = kind
            self.stream = stream
            self.length = length
        }
    }

    /// Reads the next frame of a record.
    public init(from reader: inout ByteReader) throws(LinkViolation) {
        let type: UInt8
        let stream: UInt32
        let payload: ArraySlice<UInt8>
        do {
            type = try reader.readUInt8()
            stream = try reader.readInteger()
            let length: UInt16 = try reader.readInteger()
            payload = try reader.readBytes(Int(length))
        } catch { throw .malformed(error) }
        self = try Self(
            try Header(type: type, stream: stream, length: payload.count), payload: payload)
    }

    /// The frame of a header and its payload.
    init(_ header: Header, payload: ArraySlice<UInt8>) throws(LinkViolation) {
        do {
            self = try Self.decode(header.kind, stream: header.stream, payload: payload)
        } catch { throw .malformed(error) }
    }

    private static func decode(
        _ kind: Kind, stream: UInt32, payload: ArraySlice<UInt8>
    ) throws(WireError) -> LinkFrame {
        var reader = ByteReader(payload)
        switch kind {
        case .pad: return .pad(count: payload.count)
        case .open:
            let service = LinkService(rawValue: try reader.readUInt8())
            return .open(stream: stream, service: service, first: Array(reader.readRest()))
        case .data: return .data(stream: stream, bytes: payload)
        case .credit:
            let bytes: UInt32 = try reader.readInteger()
            guard bytes > 0 else { throw .invalid(field: "credit") }
            return .credit(stream: stream, bytes: bytes)
        case .end: return .end(stream: stream)
        case .reset:
            return .reset(stream: stream, code: StreamResetCode(rawValue: try reader.readInteger()))
        case .ping: return .ping(try reader.readInteger())
        case .pong: return .pong(try reader.readInteger())
        case .close:
            let code = LinkCloseCode(rawValue: try reader.readInteger())
            guard let text = String(validating: reader.readRest(), as: UTF8.self) else {
                throw .invalid(field: "text of a close")
            }
            return .close(code, text: text)
        case .rekey: return .rekey
        }
    }
}
