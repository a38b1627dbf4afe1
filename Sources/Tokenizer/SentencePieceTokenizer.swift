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
    /// Pieces that merging may make.
    private let pieces: TokenTable
    /// User-defined tokens, cut out of any text.
    private let cutAlways: CutTable
    /// User-defined and control tokens, cut out where special tokens are parsed.
    private let cutSpecial: CutTable
    /// The token of each byte, or -1.
    private let byteTokens: [Int32]
    /// The bytes each token adds to a text.
    private let texts: [[UInt8]]
    private let ends: Set<Int32>

    /// Control tokens that end an answer whatever else the file says: the ends of turns that
    /// common chat models use, where files often declare another token as the end of a sequence.
    static let endSpellings: Set<String> = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>",
        "<|end_of_text|>", "<EOT>",
    ]

    /// Prepares a vocabulary.
    public init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        var pieces = TokenTable(capacity: vocabulary.tokens.count)
        var cutAlways = CutTable(capacity: 0)
        var cutSpecial = CutTable(capacity: 0)
        let marked = vocabulary.types.filter { $0 == .control || $0 == .userDefined }.count
        if marked > 0 {
            cutAlways = CutTable(capacity: marked)
            cutSpecial = CutTable(capacity: marked)
        }
        var byteTokens = [Int32](repeating: -1, count: 256)
        var texts: [[UInt8]] = []
        texts.reserveCapacity(vocabulary.tokens.count)
        var ends = Set(vocabulary.options.otherEnds)
        if let eos = vocabulary.options.eos { ends.insert(eos) }
        for (index, token) in vocabulary.tokens.enumerated() {
            let id = Int32(index)
            switch vocabulary.types[index] {
            case .normal, .unused:
                pieces.insert(token, id: id)
                texts.append(Self.unescaped(token))
            case .userDefined:
                pieces.insert(token, id: id)
                cutAlways.insert(token, id: id)
                cutSpecial.insert(token, id: id)
                texts.append(Self.unescaped(token))
            case .control:
                cutSpecial.insert(token, id: id)
                texts.append([])
                if Self.endSpellings.contains(String(decoding: token, as: UTF8.self)) {
                    ends.insert(id)
                }
            case .unknown:
                texts.append([])
            case .byte:
                guard let byte = Self.byte(spelledBy: token) else {
                    throw .invalidToken(id: index, reason: "a byte token is spelled <0x00>")
                }
                byteTokens[Int(byte)] = id
                texts.append([byte])
            }
        }
        guard vocabulary.options.unknown != nil || !byteTokens.contains(-1) else {
            throw .noFallback
        }
        self.vocabulary = vocabulary
        self.pieces = pieces
        self.cutAlways = cutAlways
        self.cutSpecial = cutSpecial
        self.byteTokens = byteTokens
        self.texts = texts
        self.ends = ends
    }

    /// How many tokens there are.
    public var vocabularySize: Int { vocabulary.tokens.count }
    /// The token that begins a sequence.
    public var bos: Int32? { vocabulary.options.bos }
    /// The token that ends a sequence.
    public var eos: Int32? { vocabulary.options.eos }

    /// The bytes that `token` adds to a text.
    public func bytes(of token: Int32) -> [UInt8] {
        texts.indices.contains(Int(token)) ? texts[Int(token)] : []
    }

    /// Whether `token` ends an answer.
    public func isEndOfGeneration(_ token: Int32) -> Bool { ends.contains(token) }

    /// The ids of `text`.
    public func encode(
        _ text: [UInt8], addSpecial: Bool, parseSpecial: Bool
    ) throws(TokenizerError) -> [Int32] {
        guard text.count <= TokenizerLimits.textBytesMax else {
            throw .textTooLong(bytes: text.count, limit: TokenizerLimits.textBytesMax)
        }
        var ids: [Int32] = []
        if addSpecial, vocabulary.options.addsBOS, let bos { ids.append(bos) }
        let cuts = parseSpecial ? cutSpecial : cutAlways
        // A text begins as though after a special token, and so does what follows one.
        var followsSpecial = true
        var start = 0
        func flush(upTo end: Int) {
            guard end > start else { return }
            encodePlain(
                text[start..<end],
                prefixed: followsSpecial && vocabulary.options.addsSpacePrefix, into: &ids)
            followsSpecial = false
        }
        var position = cuts.isEmpty ? text.count : 0
        while position < text.count {
            if let (id, count) = cuts.match(text, at: position) {
                flush(upTo: position)
                ids.append(id)
                followsSpecial = true
                position += count
                start = position
            } else {
                position += 1
            }
        }
        flush(upTo: text.count)
        if addSpecial, vocabulary.options.addsEOS, let eos { ids.append(eos) }
        return ids
    }

    /// Encodes a stretch without special tokens.
    private func encodePlain(_ text: ArraySlice<UInt8>, prefixed: Bool, into ids: inout [Int32]) {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.count + text.count / 4 + 3)
        if prefixed { escaped.append(contentsOf: Self.space) }
        for byte in text {
            if byte == 0x20 { escaped.append(contentsOf: Self.space) } else { escaped.append(byte) }
        }
        escaped.withUnsafeBytes { bytes in
            var merger = PieceMerger(bytes: bytes)
            merger.merge(pieces: pieces, scores: vocabulary.scores)
            merger.forEachSymbol { symbol in
                if let id = pieces.id(of: symbol) {
                    ids.append(id)
                } else if symbol.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
                    ids.append(contentsOf: symbol.map { byteTokens[Int($0)] })
                } else if let unknown = vocabulary.options.unknown {
                    ids.append(unknown)
                }
            }
        }
    }

    /// `▁`, U+2581 in UTF-8.
    private static let space: [UInt8] = [0xE2, 0x96, 0x81]

    /// The text a piece stands for: a space for each `▁`.
    private static func unescaped(_ token: [UInt8]) -> [UInt8] {
        guard token.contains(0xE2) else { return token }
        var text: [UInt8] = []
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
        return text
    }

    /// The byte that `<0x0A>` spells.
    private static func byte(spelledBy token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == 0x3E else { return nil }
        guard let high = Character(UnicodeScalar(token[3])).hexDigitValue,
            let low = Character(UnicodeScalar(token[4])).hexDigitValue
        else { return nil }
        return UInt8(high * 16 + low)
    }
}

/// Tokens that are cut out of a text whole. At each byte it tries the few lengths that tokens with
/// that first byte have, longest first, so that a scan costs the text's length times that few.
private struct CutTable: Sendable {
    private var table: TokenTable
    private var lengths: [[Int]] = Array(repeating: [], count: 256)
    private(set) var isEmpty = true

    init(capacity: Int) { table = TokenTable(capacity: capacity) }

    mutating func insert(_ token: [UInt8], id: Int32) {
        guard let first = token.first else { return }
        isEmpty = false
        table.insert(token, id: id)
        if !lengths[Int(first)].contains(token.count) {
            lengths[Int(first)].append(token.count)
            lengths[Int(first)].sort(by: >)
        }
    }

    func match(_ text: [UInt8], at position: Int) -> (id: Int32, count: Int)? {
        let candidates = lengths[Int(text[position])]
        guard !candidates.isEmpty else { return nil }
        return text.withUnsafeBytes { bytes in
            for count in candidates where count <= bytes.count - position {
                let slice = UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
                if let id = table.id(of: slice) { return (id, count) }
            }
            return nil
        }
    }
}
