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
        /// The token after the text of an encoder, such as `[SEP]`.
        public var separator: Int32?
        /// The token that stands for text without a token.
        public var unknown: Int32?
        /// Further tokens that end an answer (end of turn, end of message).
        public var otherEnds: [Int32] = []
        /// Whether an encoded prompt begins with `bos`.
        public var addsBOS = true
        /// Whether an encoded prompt ends with `eos`.
        public var addsEOS = false
        /// Whether an encoded prompt ends with `separator`.
        public var addsSeparator = false
        /// Whether a text is encoded as though a space stood before it.
        public var addsSpacePrefix = true
        /// Special tokens that swallow the white space before them.
        public var stripsSpaceBefore: Set<Int32> = []
        /// Special tokens that swallow the white space after them.
        public var stripsSpaceAfter: Set<Int32> = []
        /// Whether WordPiece text is put in lower case.
        public var lowercases = true
        /// Whether accents are taken off WordPiece text.
        public var stripsAccents = true

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
    /// The merges of byte-pair encoding, first to last, as `left right`; empty for other kinds.
    public internal(set) var merges: [[UInt8]]
    /// The name of the rule that cuts a text into pieces before merging, see
    /// ``BytePairTokenizer/knownPreTokenizers``.
    public let preTokenizer: String

    /// Checks and takes a vocabulary. `scores` may be empty (all 0), and `types` too (all normal).
    public init(
        tokens: [[UInt8]], scores: [Float], types: [Int32], options: Options,
        merges: [[UInt8]] = [], preTokenizer: String = "default"
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
        guard merges.count <= TokenizerLimits.mergesMax else {
            throw .mergeCount(merges.count, limit: TokenizerLimits.mergesMax)
        }
        for (index, merge) in merges.enumerated()
        where merge.count > 2 * TokenizerLimits.tokenBytesMax {
            throw .invalidMerge(index: index, reason: "it is \(merge.count) bytes long")
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
                ("separator", options.separator), ("unknown", options.unknown),
            ] + options.otherEnds.map { ("end-of-turn", Optional($0)) }
        for case (let name, let id?) in special where !tokens.indices.contains(Int(id)) {
            throw .specialTokenOutOfRange(name: name, id: Int(id))
        }
        self.tokens = tokens
        self.scores = scores.isEmpty ? [Float](repeating: 0, count: tokens.count) : scores
        self.types =
            types.isEmpty ? [TokenType](repeating: .normal, count: tokens.count) : checked
        self.options = options
        self.merges = merges
        self.preTokenizer = preTokenizer
    }
}

extension Vocabulary {
    /// How the vocabulary spells `token`; nothing for an id out of range.
    func spelling(of token: Int32) -> [UInt8] {
        tokens.indices.contains(Int(token)) ? tokens[Int(token)] : []
    }

    /// `▁`, U+2581 in UTF-8, which stands for a space in vocabularies of characters.
    private static let space: [UInt8] = [0xE2, 0x96, 0x81]

    /// A text as such a vocabulary spells it: `▁` for each space, and one before it if `prefixed`.
    static func escape(_ text: ArraySlice<UInt8>, prefixed: Bool = false) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.count + text.count / 4 + 3)
        if prefixed { escaped.append(contentsOf: space) }
        for byte in text {
            if byte == 0x20 { escaped.append(contentsOf: space) } else { escaped.append(byte) }
        }
        return escaped
    }

    /// Appends the text that a token of such a vocabulary stands for.
    static func unescape(_ token: [UInt8], into text: inout [UInt8]) {
        guard token.contains(0xE2) else {
            text.append(contentsOf: token)
            return
        }
        var index = 0
        while index < token.count {
            if token[index...].starts(with: space) {
                text.append(0x20)
                index += 3
            } else {
                text.append(token[index])
                index += 1
            }
        }
    }

    /// The byte that `<0x0A>` spells.
    static func byte(spelledBy token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == 0x3E else { return nil }
        guard let high = Character(UnicodeScalar(token[3])).hexDigitValue,
            let low = Character(UnicodeScalar(token[4])).hexDigitValue
        else { return nil }
        return UInt8(high * 16 + low)
    }
}
