/// Cuts a text into pieces by the rule of a model's vocabulary.
struct PreTokenizer: Sendable {
    /// The rule.
    let rule: PreTokenizerRule
    private let programs: [PatternProgram]

    /// The pre-tokenizer that a model file calls `name`.
    init(named name: String) throws(TokenizerError) {
        guard let rule = PreTokenizerRule.named(name) else {
            throw .unknownPreTokenizer(name, known: PreTokenizerRule.knownNames)
        }
        self.init(rule)
    }

    /// The pre-tokenizer of a rule.
    init(_ rule: PreTokenizerRule) {
        self.rule = rule
        programs = rule.patterns.map { pattern in
            do throws(PatternError) {
                return try PatternProgram(pattern)
            } catch {
                // The patterns are part of this program, and a test compiles each.
                preconditionFailure(error.reason)
            }
        }
    }

    /// The ends of the pieces of `text` as byte offsets, ascending.
    func pieceEnds(of text: UnsafeRawBufferPointer) -> [Int] {
        guard !text.isEmpty else { return [] }
        let decoded = ScalarText(text)
        var ends = [decoded.scalars.count]
        for program in programs { ends = program.cut(decoded.scalars, ends: ends) }
        return ends.map { Int(decoded.offsets[$0]) }
    }
}

/// A text as scalars, with the byte where each begins.
struct ScalarText {
    /// Scalars, and ``UnicodeCategory/invalidBase`` plus the byte for a byte that is no UTF-8.
    private(set) var scalars: [UInt32] = []
    /// Where each scalar begins in the text, and the text's length.
    private(set) var offsets: [Int32] = []

    init(_ bytes: UnsafeRawBufferPointer) {
        scalars.reserveCapacity(bytes.count)
        offsets.reserveCapacity(bytes.count + 1)
        var position = 0
        while position < bytes.count {
            offsets.append(Int32(truncatingIfNeeded: position))
            let first = bytes[position]
            if first < 0x80 {
                scalars.append(UInt32(first))
                position += 1
                continue
            }
            let length = UTF8Text.characterBytes(bytes, at: position)
            switch length {
            case 2:
                scalars.append(UInt32(first & 0x1F) << 6 | UInt32(bytes[position + 1] & 0x3F))
            case 3:
                scalars.append(
                    UInt32(first & 0x0F) << 12 | UInt32(bytes[position + 1] & 0x3F) << 6
                        | UInt32(bytes[position + 2] & 0x3F))
            case 4:
                scalars.append(
                    UInt32(first & 0x07) << 18 | UInt32(bytes[position + 1] & 0x3F) << 12
                        | UInt32(bytes[position + 2] & 0x3F) << 6
                        | UInt32(bytes[position + 3] & 0x3F))
            default:
                scalars.append(UnicodeCategory.invalidBase + UInt32(first))
            }
            position += length
        }
        offsets.append(Int32(truncatingIfNeeded: bytes.count))
    }
}
