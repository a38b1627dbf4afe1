/// The tokenizer of GPT-2, Llama 3, Qwen, DeepSeek and most others:
/// `tokenizer.ggml.model = "gpt2"`, and `"gemma4"`.
///
/// A text is cut into pieces by the rule that the file names; within a piece, from single bytes,
/// the adjacent pair whose merge stands first in the list is joined until none joins (Sennrich et
/// al., "Neural Machine Translation of Rare Words with Subword Units", 2016). Control tokens are
/// never made by merging; user-defined tokens are cut out first.
///
/// Text is given back byte for byte wherever all 256 bytes have a token. A byte without one becomes
/// the unknown token, and is left out where the vocabulary has none.
public struct BytePairTokenizer: TokenizerProtocol {
    /// The vocabulary this was built from, without its merges.
    public let vocabulary: Vocabulary
    private let special: SpecialTokens
    private let preTokenizer: PreTokenizer
    private let pairs: BytePairVocabulary

    /// The names of `tokenizer.ggml.pre` that are known, sorted.
    public static var knownPreTokenizers: [String] { PreTokenizerRule.knownNames }

    /// Whether prompts of a vocabulary with this pre-tokenizer begin with the beginning-of-sequence
    /// token where the file doesn't say; false for a name that isn't known.
    public static func addsBOS(preTokenizer name: String) -> Bool {
        PreTokenizerRule.named(name)?.addsBOS ?? false
    }

    /// Prepares a vocabulary.
    public init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        preTokenizer = try PreTokenizer(named: vocabulary.preTokenizer)
        special = try SpecialTokens(vocabulary)
        pairs = try BytePairVocabulary(
            vocabulary, types: special.types,
            usesCharacters: preTokenizer.rule.usesCharacters)
        var kept = vocabulary
        kept.merges = []
        self.vocabulary = kept
    }

    /// How many tokens there are.
    public var vocabularySize: Int { vocabulary.tokens.count }
    /// The token that begins a sequence.
    public var bos: Int32? { vocabulary.options.bos }
    /// The token that ends a sequence.
    public var eos: Int32? { vocabulary.options.eos }

    /// The bytes that `token` adds to a text.
    public func bytes(of token: Int32) -> [UInt8] { pairs.texts[token] }

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
        ids.reserveCapacity(text.count / 3)
        var merger = SymbolMerger()
        for segment in segments {
            switch segment {
            case .token(let id): ids.append(id)
            case .text(let range):
                if preTokenizer.rule.usesCharacters {
                    let escaped = Vocabulary.escape(text[range])
                    escaped.withUnsafeBytes { encode($0, &merger, into: &ids) }
                } else {
                    text[range].withUnsafeBytes { encode($0, &merger, into: &ids) }
                }
            }
        }
        return special.enclosing(ids, when: addSpecial)
    }

    private func encode(
        _ text: UnsafeRawBufferPointer, _ merger: inout SymbolMerger, into ids: inout [Int32]
    ) {
        var start = 0
        for end in preTokenizer.pieceEnds(of: text) {
            let piece = UnsafeRawBufferPointer(rebasing: text[start..<end])
            start = end
            if isTakenWhole(piece), let id = token(of: piece) {
                ids.append(id)
                continue
            }
            merger.removeAll()
            var position = 0
            while position < piece.count {
                let count =
                    preTokenizer.rule.usesCharacters
                    ? UTF8Text.characterBytes(piece, at: position) : 1
                let id =
                    preTokenizer.rule.usesCharacters
                    ? pairs.symbols.id(of: slice(piece, position, count)) ?? -1
                    : pairs.byteTokens[Int(piece[position])]
                merger.append(start: position, count: count, id: id)
                position += count
            }
            merger.merge(by: RankedJoin(merges: pairs.merges))
            merger.forEach { symbol in
                if symbol.id >= 0, symbol.id < pairs.tokenCount {
                    ids.append(symbol.id)
                } else {
                    spell(slice(piece, Int(symbol.start), Int(symbol.count)), into: &ids)
                }
            }
        }
    }

    /// Whether a piece that is a token is that token whatever the merges say: so the rule may
    /// want it, and so are runs of line feeds where pieces are whole lines.
    private func isTakenWhole(_ piece: UnsafeRawBufferPointer) -> Bool {
        preTokenizer.rule.ignoresMerges
            || preTokenizer.rule.usesCharacters && piece.allSatisfy { $0 == 0x0A }
    }

    private func token(of bytes: UnsafeRawBufferPointer) -> Int32? {
        guard let id = pairs.symbols.id(of: bytes), id < pairs.tokenCount else { return nil }
        return id
    }

    /// Spells what is no token byte by byte.
    private func spell(_ bytes: UnsafeRawBufferPointer, into ids: inout [Int32]) {
        for byte in bytes {
            if pairs.byteTokens[Int(byte)] >= 0 {
                ids.append(pairs.byteTokens[Int(byte)])
            } else if let unknown = vocabulary.options.unknown {
                ids.append(unknown)
            }
        }
    }

    private func slice(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }
}

/// Joins neighbours by the list of merges, the first of the list first.
private struct RankedJoin: JoinRule {
    let merges: MergeTable

    func join(_ left: Symbol, _ right: Symbol) -> (order: UInt32, id: Int32)? {
        merges.merge(left.id, right.id)
    }
}
