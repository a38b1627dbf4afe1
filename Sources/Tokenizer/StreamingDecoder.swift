/// Turns tokens' bytes into text as they come, never giving half a character.
///
/// However the bytes are cut, the texts joined equal the whole decoded at once: bytes that can
/// still become a character wait for the next call; bytes that cannot become U+FFFD, as the Unicode
/// standard recommends (chapter 3, "maximal subparts").
public struct StreamingDecoder: Sendable {
    private var pending: [UInt8] = []

    /// A decoder at the beginning of a text.
    public init() {}

    /// Takes the next token's bytes and gives the text that is now certain.
    public mutating func append(_ bytes: [UInt8]) -> String {
        pending.append(contentsOf: bytes)
        let complete = pending.count - Self.unfinishedSuffix(pending)
        guard complete > 0 else { return "" }
        defer { pending.removeFirst(complete) }
        return String(decoding: pending[..<complete], as: UTF8.self)
    }

    /// Takes the next token and gives the text that is now certain.
    public mutating func append(_ token: Int32, using tokenizer: some TokenizerProtocol) -> String {
        append(tokenizer.bytes(of: token))
    }

    /// The end of the text: what waited for more bytes becomes U+FFFD.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// How many bytes at the end are the proper beginning of a character (RFC 3629, section 4).
    static func unfinishedSuffix(_ bytes: [UInt8]) -> Int {
        for count in 1...3 where count <= bytes.count {
            let lead = bytes[bytes.count - count]
            guard lead & 0xC0 != 0x80 else { continue }
            let length =
                switch lead {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                case 0xF0...0xF4: 4
                default: 1
                }
            guard count < length else { return 0 }
            guard count > 1 else { return 1 }
            // Some first bytes narrow the second: no overlong forms, surrogates or beyond U+10FFFF.
            let second = bytes[bytes.count - count + 1]
            let allowed: ClosedRange<UInt8> =
                switch lead {
                case 0xE0: 0xA0...0xBF
                case 0xED: 0x80...0x9F
                case 0xF0: 0x90...0xBF
                case 0xF4: 0x80...0x8F
                default: 0x80...0xBF
                }
            return allowed.contains(second) ? count : 0
        }
        return 0
    }
}
