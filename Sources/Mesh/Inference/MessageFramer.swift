public import Wire

/// Cuts the bytes of a stream into messages: each is preceded by its 32-bit length.
///
/// Holds at most one message and what arrived after it. A length above
/// ``MeshLimits/messageBytesMax`` is refused before anything is kept for it.
public struct MessageFramer: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    /// A framer at the start of a stream.
    public init() {}

    /// A message with its length before it.
    public static func frame(_ message: InferenceMessage) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeBytes32(message.encoded)
        return writer.bytes
    }

    /// Takes in bytes as they come from the stream.
    public mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// The next whole message, or nil until more bytes come.
    public mutating func next() throws(WireError) -> InferenceMessage? {
        var reader = ByteReader(buffer[start...])
        guard reader.remaining >= 4 else { return nil }
        let length = Int(try reader.readInteger(as: UInt32.self))
        guard length <= MeshLimits.messageBytesMax else {
            throw .tooLarge(field: "message", value: length, limit: MeshLimits.messageBytesMax)
        }
        guard reader.remaining >= length else { return nil }
        let message = try InferenceMessage(decoding: try reader.readBytes(length))
        start += 4 + length
        return message
    }

    /// Whether the stream may end here: no message is half read.
    public var isAtBoundary: Bool { start == buffer.count }
}
