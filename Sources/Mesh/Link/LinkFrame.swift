import Wire

/// What a stream is for. Its number on the wire, and its place in line, are fixed here.
public enum LinkService: UInt8, Sendable, CaseIterable {
    /// Questions between nodes.
    case control = 1
    /// A request and its tokens.
    case inference = 2
    /// Gossip packets for a member whose datagrams do not pass. Lives as long as the link.
    case gossip = 3
    /// An exchange of full membership state.
    case pushPull = 4
    /// A certificate chain, by digest.
    case certificate = 5
    /// A node that joins: the only service of the join lane.
    case join = 6

    /// Lower goes first whenever both have something to send.
    var priority: Int {
        switch self {
        case .control, .gossip, .certificate, .join: 0
        case .pushPull: 1
        case .inference: 2
        }
    }

    static let priorities = 3
}

/// A stream's number on its link: odd for streams opened by the link's initiator, even otherwise.
public typealias StreamID = UInt32

/// One frame inside a record: type, stream, length, payload.
enum LinkFrame: Equatable {
    /// Means nothing; makes records longer.
    case pad(count: Int)
    case open(StreamID, service: UInt8)
    case data(StreamID, [UInt8])
    /// The receiver took in bytes: the stream's, or with stream 0 the session's.
    case credit(StreamID, UInt32)
    case end(StreamID)
    case reset(StreamID, code: UInt16)
    case ping(UInt64)
    case pong(UInt64)
    case close(code: UInt16, text: String)
    /// The next record of this sender uses the next key.
    case rekey

    /// Bytes before the payload.
    static let headerBytes = 7

    private var type: UInt8 {
        switch self {
        case .pad: 0
        case .open: 1
        case .data: 2
        case .credit: 3
        case .end: 4
        case .reset: 5
        case .ping: 6
        case .pong: 7
        case .close: 8
        case .rekey: 9
        }
    }

    func encode(to writer: inout ByteWriter) {
        writer.writeInteger(type)
        switch self {
        case .pad(let count):
            writer.writeInteger(UInt32(0))
            writer.writeBytes16([UInt8](repeating: 0, count: count))
        case .open(let stream, let service):
            writer.writeInteger(stream)
            writer.writeBytes16([service])
        case .data(let stream, let bytes):
            writer.writeInteger(stream)
            writer.writeBytes16(bytes)
        case .credit(let stream, let count):
            writer.writeInteger(stream)
            writer.writeInteger(UInt16(4))
            writer.writeInteger(count)
        case .end(let stream):
            writer.writeInteger(stream)
            writer.writeInteger(UInt16(0))
        case .reset(let stream, let code):
            writer.writeInteger(stream)
            writer.writeInteger(UInt16(2))
            writer.writeInteger(code)
        case .ping(let value), .pong(let value):
            writer.writeInteger(UInt32(0))
            writer.writeInteger(UInt16(8))
            writer.writeInteger(value)
        case .close(let code, let text):
            writer.writeInteger(UInt32(0))
            let text = text.truncated(toBytes: LinkLimits.closeTextBytesMax)
            writer.writeInteger(UInt16(2 + text.utf8.count))
            writer.writeInteger(code)
            writer.writeBytes(text.utf8)
        case .rekey:
            writer.writeInteger(UInt32(0))
            writer.writeInteger(UInt16(0))
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let type = try reader.readUInt8()
        let stream: StreamID = try reader.readInteger()
        let payload = try reader.readBytes16(field: "frame", limit: LinkLimits.recordBytesMax)
        var body = ByteReader(payload)
        func ofLink() throws(WireError) {
            guard stream == 0 else { throw .invalid(field: "stream of a link's frame") }
        }
        func ofStream() throws(WireError) {
            guard stream != 0 else { throw .invalid(field: "stream") }
        }
        switch type {
        case 0:
            try ofLink()
            self = .pad(count: body.readRest().count)
        case 1:
            try ofStream()
            self = .open(stream, service: try body.readUInt8())
        case 2:
            try ofStream()
            self = .data(stream, Array(body.readRest()))
        case 3: self = .credit(stream, try body.readInteger())
        case 4:
            try ofStream()
            self = .end(stream)
        case 5:
            try ofStream()
            self = .reset(stream, code: try body.readInteger())
        case 6:
            try ofLink()
            self = .ping(try body.readInteger())
        case 7:
            try ofLink()
            self = .pong(try body.readInteger())
        case 8:
            try ofLink()
            let code: UInt16 = try body.readInteger()
            let text = body.readRest()
            guard text.count <= LinkLimits.closeTextBytesMax,
                let text = String(validating: text, as: UTF8.self)
            else { throw .invalid(field: "close text") }
            self = .close(code: code, text: text)
        case 9:
            try ofLink()
            self = .rekey
        default: throw .invalid(field: "frame type")
        }
        try body.expectEnd()
    }
}
