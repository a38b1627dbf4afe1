/// The tokenizer of BERT and the embedding models made from it: `tokenizer.ggml.model = "bert"`.
///
/// Words are cut from the left into the longest parts that the vocabulary has (Wu et al., "Google's
/// Neural Machine Translation System", 2016); a word that can't be is the unknown token. Files
/// spell a part that begins a word with `▁` before it, and one that continues a word plainly; the
/// older spelling, `##` before a part that continues, is read too.
public struct WordPieceTokenizer: TokenizerProtocol {
    /// The vocabulary this was built from.
    public let vocabulary: Vocabulary
    private let special: SpecialTokens
    private let parts: CutTable
    private let texts: TokenTexts
    private let unknown: Int32
    private let splitter: WordSplitter

    /// Prepares a vocabulary.
    public init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        guard let unknown = vocabulary.options.unknown else { throw .noFallback }
        let special = try SpecialTokens(vocabulary)
        let isMarked = vocabulary.tokens.contains { $0.starts(with: Self.mark) }
        var parts = CutTable()
        var texts = TokenTexts(capacity: vocabulary.tokens.count)
        for (index, token) in vocabulary.tokens.enumerated() {
            var text: [UInt8] = []
            switch special.types[index] {
            case .control, .unknown, .byte: break
            case .normal, .unused, .userDefined:
                let continues = !isMarked && token.starts(with: "##".utf8) && token.count > 2
                let part =
                    isMarked ? token : continues ? Array(token.dropFirst(2)) : Self.mark + token
                guard parts.nodeCount <= TokenizerLimits.specialBytesMax else {
                    throw .invalidToken(id: index, reason: "the vocabulary's words are too long")
                }
                parts.insert(part, id: Int32(truncatingIfNeeded: index))
                Vocabulary.unescape(part, into: &text)
            }
            texts.append(text)
        }
        self.vocabulary = vocabulary
        self.special = special
        self.parts = parts
        self.texts = texts
        self.unknown = unknown
        splitter = WordSplitter(
            stripsAccents: vocabulary.options.stripsAccents,
            lowercases: vocabulary.options.lowercases)
    }

    /// How many tokens there are.
    public var vocabularySize: Int { vocabulary.tokens.count }
    /// The token that begins a sequence, `[CLS]`.
    public var bos: Int32? { vocabulary.options.bos }
    /// The token that ends a sequence.
    public var eos: Int32? { vocabulary.options.eos }

    /// The bytes that `token` adds to a text: a word begins with a space.
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
        for segment in segments {
            switch segment {
            case .token(let id): ids.append(id)
            case .text(let range):
                let words = text[range].withUnsafeBytes { splitter.words(of: $0) }
                for word in words { encode(word, into: &ids) }
            }
        }
        return special.enclosing(ids, when: addSpecial)
    }

    private func encode(_ word: [UInt8], into ids: inout [Int32]) {
        let characters = word.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
        guard characters <= TokenizerLimits.wordCharactersMax else {
            ids.append(unknown)
            return
        }
        let marked = Self.mark + word
        let before = ids.count
        var position = 0
        while position < marked.count {
            guard let (id, end) = parts.match(marked, at: position, isAllowed: { _, _ in true })
            else {
                ids.removeSubrange(before...)
                ids.append(unknown)
                return
            }
            ids.append(id)
            position = end
        }
    }

    /// `▁`, U+2581 in UTF-8.
    private static let mark: [UInt8] = [0xE2, 0x96, 0x81]
}
