/// What a token is for. The raw values are those of SentencePiece and of GGUF.
public enum TokenType: Int32, Sendable, Hashable, CaseIterable {
    /// A piece of text.
    case normal = 1
    /// Stands for text that has no token.
    case unknown = 2
    /// A mark such as the beginning of a sequence; never made from plain text.
    case control = 3
    /// A piece that is always cut out of the text whole.
    case userDefined = 4
    /// A piece that training left unused.
    case unused = 5
    /// One byte, written `<0x0A>`.
    case byte = 6
}

/// A vocabulary, checked: equal lengths, known types, ids in range.
public struct Vocabulary: Sendable {
    /// The special tokens and habits of a vocabulary.
    public struct Options: Sendable {
        /// The token that begins a sequence.
        public var bos: Int32?
        /// The token that ends a sequence.
        public var eos: Int32?
        /// The token that stands for text without a token.
        public var unknown: Int32?
        /// Further tokens that end an answer (end of turn, end of message).
        public var otherEnds: [Int32] = []
        /// Whether an encoded prompt begins with `bos`.
        public var addsBOS = true
        /// Whether an encoded prompt ends with `eos`.
        public var addsEOS = false
        /// Whether a text is encoded as though a space stood before it.
        public var addsSpacePrefix = true

        /// The habits of SentencePiece, with no special tokens.
        public init() {}
    }

    /// The bytes of every token, by id, as the vocabulary spells them (`▁` for a space).
    public let tokens: [[UInt8]]
    /// The score of every token, by id: the higher merges first.
    public let scores: [Float]
    /// The type of every token, by id.
    public let types: [TokenType]
    /// The special tokens and habits.
    public let options: Options

    /// Checks and takes a vocabulary. `scores` may be empty (all 0), and `types` too (all normal).
    public init(
        tokens: [[UInt8]], scores: [Float], types: [Int32], options: Options
    ) throws(TokenizerError) {
        guard (1...TokenizerLimits.tokensMax).contains(tokens.count) else {
            throw .vocabularySize(count: tokens.count, limit: TokenizerLimits.tokensMax)
        }
        guard scores.isEmpty || scores.count == tokens.count else {
            throw .lengthMismatch(what: "scores", expected: tokens.count, found: scores.count)
        }
        guard types.isEmpty || types.count == tokens.count else {
            throw .lengthMismatch(what: "types", expected: tokens.count, found: types.count)
        }
        for (id, token) in tokens.enumerated() where token.count > TokenizerLimits.tokenBytesMax {
            throw .invalidToken(id: id, reason: "it is \(token.count) bytes long")
        }
        // A score that is not a number would leave the order of merges undefined.
        if let id = scores.firstIndex(where: \.isNaN) {
            throw .invalidToken(id: id, reason: "its score is not a number")
        }
        var checked: [TokenType] = []
        checked.reserveCapacity(tokens.count)
        for (id, raw) in types.enumerated() {
            // 0 is "undefined" in GGUF; such a token is a piece of text like any other.
            guard let type = raw == 0 ? .normal : TokenType(rawValue: raw) else {
                throw .invalidToken(id: id, reason: "its type \(raw) is unknown")
            }
            checked.append(type)
        }
        let special =
            [
                ("beginning-of-sequence", options.bos), ("end-of-sequence", options.eos),
                ("unknown", options.unknown),
            ] + options.otherEnds.map { ("end-of-turn", Optional($0)) }
        for case (let name, let id?) in special where !tokens.indices.contains(Int(id)) {
            throw .specialTokenOutOfRange(name: name, id: Int(id))
        }
        self.tokens = tokens
        self.scores = scores.isEmpty ? [Float](repeating: 0, count: tokens.count) : scores
        self.types =
            types.isEmpty ? [TokenType](repeating: .normal, count: tokens.count) : checked
        self.options = options
    }
}
