/// What a text is made of once special tokens are cut out of it.
enum TextSegment {
    /// A stretch of plain text.
    case text(Range<Int>)
    /// A special token that stood there.
    case token(Int32)
}

/// The tokens that are marks and not text: which are cut out of a text, which end an answer, and
/// what is added before and after a prompt. All kinds of tokenizer share it.
struct SpecialTokens: Sendable {
    /// The type of each token as it is treated, see ``kind(of:declared:)``.
    let types: [TokenType]
    private let ends: Set<Int32>
    private let cuts: CutTable
    private let options: Vocabulary.Options

    /// Tokens that end an answer whatever else the file says, and that no plain text makes whatever
    /// type the file gives them: the ends of turns of common chat models.
    static let endSpellings: Set<String> = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>",
        "<|end_of_text|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
        "<end_of_utterance>", "<turn|>", "<｜end▁of▁sentence｜>", "<|tool_response>",
    ]

    /// Further ones, which in some vocabularies are text: they count only as control tokens.
    static let controlEndSpellings: Set<String> = [
        "</s>", "<eos>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    ]

    /// Sorts the tokens of a vocabulary.
    init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        var types = vocabulary.types
        var ends = Set(vocabulary.options.otherEnds)
        if let eos = vocabulary.options.eos { ends.insert(eos) }
        var spellings: [String: Int32] = [:]
        var declared: [String: Int32] = [:]
        for (index, token) in vocabulary.tokens.enumerated() {
            guard let first = token.first, first == 0x3C || first == 0x5B || first == 0x5F else {
                continue
            }
            let spelling = String(decoding: token, as: UTF8.self)
            if spelling == "<s>" || spelling == "</s>" {
                declared[spelling] = Int32(truncatingIfNeeded: index)
            }
            types[index] = Self.kind(of: spelling, declared: types[index])
            guard types[index] == .control,
                Self.endSpellings.contains(spelling) || Self.controlEndSpellings.contains(spelling)
            else { continue }
            ends.insert(Int32(truncatingIfNeeded: index))
            spellings[spelling] = Int32(truncatingIfNeeded: index)
        }
        // A file may call only one of the two user-defined; where both are, they are a text's tags.
        if let close = declared["</s>"], let open = declared["<s>"],
            types[Int(open)] == .control, types[Int(close)] == .userDefined
        {
            types[Int(close)] = .control
            ends.insert(close)
        }
        // In these vocabularies a message ends with <|end|> where the answer may go on with another.
        if let end = spellings["<|end|>"], end != vocabulary.options.eos,
            spellings["<|call|>"] != nil && spellings["<|return|>"] != nil
                || spellings["<|calls|>"] != nil && spellings["<|flush|>"] != nil
        {
            ends.remove(end)
        }
        var cuts = CutTable()
        for (index, type) in types.enumerated() {
            switch type {
            case .control, .userDefined, .unknown:
                let token = vocabulary.tokens[index]
                guard token.count <= TokenizerLimits.specialTokenBytesMax,
                    cuts.nodeCount <= TokenizerLimits.specialBytesMax
                else {
                    throw .invalidToken(id: index, reason: "special tokens are too long")
                }
                cuts.insert(token, id: Int32(truncatingIfNeeded: index))
            case .normal, .unused, .byte: break
            }
        }
        self.types = types
        self.ends = ends
        self.cuts = cuts
        options = vocabulary.options
    }

    /// How a token is treated. Converters have written marks as pieces of text and as user-defined
    /// tokens, which would let a user's text forge them: what ends a turn, and what is spelled
    /// `<|…|>`, is a mark.
    private static func kind(of spelling: String, declared: TokenType) -> TokenType {
        switch declared {
        case .control, .unknown, .unused, .byte: return declared
        case .normal: return endSpellings.contains(spelling) ? .control : .normal
        case .userDefined:
            let looksSpecial =
                spelling.hasPrefix("<|") && spelling.hasSuffix("|>")
                || spelling.hasPrefix("<｜") && spelling.hasSuffix("｜>")
            return looksSpecial || endSpellings.contains(spelling) ? .control : .userDefined
        }
    }

    /// Whether `token` ends an answer.
    func isEnd(_ token: Int32) -> Bool { ends.contains(token) }

    /// Cuts special tokens out of `pieces` joined to one text, the leftmost first and the longest
    /// of those. User-defined tokens are cut anywhere; the others only where the whole spelling
    /// lies in trusted text.
    func segments(_ pieces: [TextPiece]) throws(TokenizerError) -> (
        text: [UInt8], segments: [TextSegment]
    ) {
        let total = pieces.reduce(0) { $0.addingReportingOverflow($1.text.count).partialValue }
        guard total <= TokenizerLimits.textBytesMax else {
            throw .textTooLong(bytes: total, limit: TokenizerLimits.textBytesMax)
        }
        var text: [UInt8] = []
        text.reserveCapacity(total)
        var trusted: [Range<Int>] = []
        for piece in pieces where !piece.text.isEmpty {
            let start = text.count
            text.append(contentsOf: piece.text)
            guard piece.isTrusted else { continue }
            if let last = trusted.last, last.upperBound == start {
                trusted[trusted.count - 1] = last.lowerBound..<text.count
            } else {
                trusted.append(start..<text.count)
            }
        }
        return (text, cut(text, trusted))
    }

    private func cut(_ text: [UInt8], _ trusted: [Range<Int>]) -> [TextSegment] {
        var segments: [TextSegment] = []
        var plainStart = 0
        var position = cuts.isEmpty ? text.count : 0
        var range = trusted.startIndex
        while position < text.count {
            while range < trusted.endIndex, trusted[range].upperBound <= position { range += 1 }
            // Where a mark that begins here must end.
            let trustedEnd =
                range < trusted.endIndex && trusted[range].contains(position)
                ? trusted[range].upperBound : position
            let match = cuts.match(text, at: position) { id, end in
                end <= trustedEnd || types[Int(id)] == .userDefined
            }
            guard let (id, end) = match else {
                position += 1
                continue
            }
            var plainEnd = position
            if options.stripsSpaceBefore.contains(id) {
                while plainEnd > plainStart, Self.isSpace(text[plainEnd - 1]) { plainEnd -= 1 }
            }
            if plainEnd > plainStart { segments.append(.text(plainStart..<plainEnd)) }
            segments.append(.token(id))
            position = end
            if options.stripsSpaceAfter.contains(id) {
                while position < text.count, Self.isSpace(text[position]) { position += 1 }
            }
            plainStart = position
        }
        if plainStart < text.count { segments.append(.text(plainStart..<text.count)) }
        return segments
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    /// Puts the beginning and the end of a sequence around `ids` where the vocabulary wants them.
    func enclosing(_ ids: [Int32], when addSpecial: Bool) -> [Int32] {
        guard addSpecial else { return ids }
        var result: [Int32] = []
        result.reserveCapacity(ids.count + 2)
        if options.addsBOS, let bos = options.bos { result.append(bos) }
        result.append(contentsOf: ids)
        if options.addsEOS, let eos = options.eos { result.append(eos) }
        if options.addsSeparator, let separator = options.separator { result.append(separator) }
        return result
    }
}
