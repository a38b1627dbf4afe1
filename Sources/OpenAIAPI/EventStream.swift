/// One server-sent event.
public struct ServerSentEvent: Equatable, Sendable {
    /// Where a client may resume; nil if the event does not say.
    public var id: String?
    /// The content; lines are joined by a line feed.
    public var data: String

    /// The content of the event that ends a stream which is complete.
    public static let done = "[DONE]"

    /// An event.
    public init(id: String?, data: String) {
        self.id = id
        self.data = data
    }

    /// The event's form on the wire.
    public var text: String {
        var text = ""
        if let id { text += "id: \(id)\n" }
        for line in data.split(separator: "\n", omittingEmptySubsequences: false) {
            text += "data: \(line)\n"
        }
        return text + "\n"
    }
}

/// Reads server-sent events from bytes that come in pieces (WHATWG HTML, section 9.2.6; of its
/// fields, `id` and `data`).
public struct EventStreamReader: Sendable {
    /// An event is longer than ``OpenAILimits/eventBytesMax``.
    public struct EventTooLong: Error, CustomStringConvertible {
        /// The form for print.
        public var description: String {
            "the server sent an event of over \(OpenAILimits.eventBytesMax) bytes"
        }
    }

    private var line: [UInt8] = []
    private var afterReturn = false
    private var id: String?
    private var data: [String] = []
    /// Bytes of the event that is being read.
    private var eventBytes = 0

    /// A reader at the beginning of a stream.
    public init() {}

    /// Takes more bytes; returns the events that they complete. An event that the stream's end
    /// cuts short is never returned, as the standard demands.
    public mutating func append(
        _ bytes: some Sequence<UInt8>
    ) throws(EventTooLong) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n") where afterReturn:
                afterReturn = false  // The second half of one line end.
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                afterReturn = byte == UInt8(ascii: "\r")
                if let event = endLine() { events.append(event) }
            default:
                afterReturn = false
                eventBytes += 1
                guard eventBytes <= OpenAILimits.eventBytesMax else { throw EventTooLong() }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else {
            defer {
                data.removeAll()
                eventBytes = 0
            }
            return data.isEmpty
                ? nil : ServerSentEvent(id: id, data: data.joined(separator: "\n"))
        }
        let text = String(decoding: line, as: UTF8.self)
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        var value = text[colon...].dropFirst()
        if value.first == " " { value = value.dropFirst() }
        switch text[..<colon] {
        case "data": data.append(String(value))
        case "id": id = String(value)
        default: break  // A comment (an empty name) or a field this reader has no use for.
        }
        return nil
    }
}
