/// The tokenizer of Llama 2, Mistral, Phi-3 and their like: `tokenizer.ggml.model = "llama"`.
///
/// The text's spaces become `▁` (U+2581), a `▁` is put before it, and from single characters the
/// adjacent pair whose join has the highest score is merged, the leftmost of equals first, until no
/// join is a token (Kudo and Richardson, "SentencePiece", 2018, and Sennrich et al., 2016). What is
/// no token in the end is spelled in byte tokens, or as the unknown token.
///
/// Control, byte and unknown tokens are never made by merging: as in SentencePiece itself, plain
/// text that happens to spell `<s>` stays text. User-defined tokens are cut out first, wherever
/// they stand, the leftmost and longest first.
public struct SentencePieceTokenizer: TokenizerProtocol {
    /// The vocabulary this was built from.
    public let vocabulary: Vocabulary
    private let special: SpecialTokens
    /// Pieces that merging may make.
    private let pieces: TokenTable
    /// The token of each byte, or -1.
    private let byteTokens: [Int32]
    /// The bytes each token adds to a text.
    private let texts: TokenTexts

    /// Prepares a vocabulary.
    public init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        let special = try SpecialTokens(vocabulary)
        var pieces = TokenTable(capacity: vocabulary.tokens.count)
        var byteTokens = [Int32](repeating: -1, count: 256)
        var texts = TokenTexts(capacity: vocabulary.tokens.count)
        var scratch: [UInt8] = []
        for (index, token) in vocabulary.tokens.enumerated() {
            let id = Int32(truncatingIfNeeded: index)
            scratch.removeAll(keepingCapacity: true)
            switch special.types[index] {
            case .normal, .unused, .userDefined:
                pieces.insert(token, id: id)
                Vocabulary.unescape(token, into: &scratch)
            case .control, .unknown: break
            case .byte:
                guard let byte = Vocabulary.byte(spelledBy: token) else {
                    throw .invalidToken(id: index, reason: "a byte token is spelled <0x00>")
                }
                byteTokens[Int(byte)] = id
                scratch.append(byte)
            }
            texts.append(scratch)
        }
        guard vocabulary.options.unknown != nil || !byteTokens.contains(-1) else {
            throw .noFallback
        }
        self.vocabulary = vocabulary
        self.special = special
        self.pieces = pieces
        self.byteTokens = byteTokens
        self.texts = texts
    }

    /// How many tokens there are.
    public var vocabularySize: Int { vocabulary.tokens.count }
    /// The token that begins a sequence.
    public var bos: Int32? { vocabulary.options.bos }
    /// The token that ends a sequence.
    public var eos: Int32? { vocabulary.options.eos }

    /// The bytes that `token` adds to a text.
    public func bytes(of token: Int32) -> [UInt8] { texts[token] }

    /// How the vocabulary spells `token`.
    public func spelling(of token: Int32) -> [UInt8] { vocabulary.spelling(of: token) }

    /// Whether `token` ends an answer.
    public func isEndOfGeneration(_ token: Int32) -> Bool { special.isEnd(token) }

    /// The ids of `pieces`.
    public func encode(
        _ pieces: [TextPiece], addSpecial: Bool
    ) throws(TokenizerError) -> [Int32] {
        let (text, segments) = try special.segments(pieces)
        var ids: [Int32] = []
        var merger = SymbolMerger()
        // A text begins as though after a special token, and so does what follows one.
        var followsSpecial = true
        for segment in segments {
            switch segment {
            case .token(let id):
                ids.append(id)
                followsSpecial = true
            case .text(let range):
                let escaped = Vocabulary.escape(
                    text[range],
                    prefixed: followsSpecial && vocabulary.options.addsSpacePrefix)
                escaped.withUnsafeBytes { encode($0, &merger, into: &ids) }
                followsSpecial = false
            }
        }
        return special.enclosing(ids, when: addSpecial)
    }

    /// Encodes a stretch without special tokens.
    private func encode(
        _ bytes: UnsafeRawBufferPointer, _ merger: inout SymbolMerger, into ids: inout [Int32]
    ) {
        let rule = ScoredJoin(bytes: bytes, pieces: pieces, scores: vocabulary.scores)
        merger.removeAll()
        var position = 0
        while position < bytes.count {
            let count = UTF8Text.characterBytes(bytes, at: position)
            merger.append(start: position, count: count, id: rule.id(position, count) ?? -1)
            position += count
        }
        merger.merge(by: rule)
        merger.forEach { symbol in
            let start = Int(symbol.start)
            if symbol.id >= 0 {
                ids.append(symbol.id)
            } else if bytes[start..<start + Int(symbol.count)].allSatisfy({
                byteTokens[Int($0)] >= 0
            }) {
                for byte in bytes[start..<start + Int(symbol.count)] {
                    ids.append(byteTokens[Int(byte)])
                }
            } else if let unknown = vocabulary.options.unknown {
                ids.append(unknown)
            }
        }
    }
}

/// Joins neighbours whose join is a piece, the highest score first.
private struct ScoredJoin: JoinRule {
    let bytes: UnsafeRawBufferPointer
    let pieces: TokenTable
    let scores: [Float]

    func id(_ start: Int, _ count: Int) -> Int32? {
        pieces.id(of: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
    }

    func join(_ left: Symbol, _ right: Symbol) -> (order: UInt32, id: Int32)? {
        guard let id = id(Int(left.start), Int(left.count + right.count)) else { return nil }
        // Adding zero makes one of the two zeros; then the bits of a single, with the sign turned
        // about, stand in the order of their values.
        let bits = (scores[Int(id)] + 0).bitPattern
        let ascending = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
        return (~ascending, id)
    }
}
