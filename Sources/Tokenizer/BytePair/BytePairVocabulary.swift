/// A vocabulary made ready for byte-pair encoding: symbols by their bytes, and merges by symbol.
///
/// A symbol's id is its token's; strings that merges make without being a token have ids from the
/// number of tokens on, and are spelled byte by byte in the end.
struct BytePairVocabulary: Sendable {
    /// Symbols by the bytes they stand for.
    private(set) var symbols: TokenTable
    /// What joins.
    private(set) var merges: MergeTable
    /// The token of each single byte, or -1.
    private(set) var byteTokens = [Int32](repeating: -1, count: 256)
    /// The bytes each token adds to a text.
    private(set) var texts: TokenTexts
    /// How many tokens there are: ids below this are tokens.
    let tokenCount: Int

    /// Prepares a vocabulary whose tokens are of `types`.
    init(
        _ vocabulary: Vocabulary, types: [TokenType], usesCharacters: Bool
    ) throws(TokenizerError) {
        tokenCount = vocabulary.tokens.count
        symbols = TokenTable(capacity: tokenCount)
        texts = TokenTexts(capacity: tokenCount)
        merges = MergeTable(capacity: vocabulary.merges.count)
        var scratch: [UInt8] = []
        for (index, token) in vocabulary.tokens.enumerated() {
            let id = Int32(truncatingIfNeeded: index)
            scratch.removeAll(keepingCapacity: true)
            switch types[index] {
            case .control, .unknown: break
            case .userDefined: scratch.append(contentsOf: token)
            case .byte:
                guard let byte = Vocabulary.byte(spelledBy: token) else {
                    throw .invalidToken(id: index, reason: "a byte token is spelled <0x00>")
                }
                scratch.append(byte)
                byteTokens[Int(byte)] = id
            case .normal, .unused:
                if usesCharacters {
                    symbols.insert(token, id: id)
                    Vocabulary.unescape(token, into: &scratch)
                } else {
                    ByteAlphabet.decode(token[...], into: &scratch)
                    symbols.insert(scratch, id: id)
                    if scratch.count == 1 { byteTokens[Int(scratch[0])] = id }
                }
            }
            texts.append(scratch)
        }
        try readMerges(vocabulary.merges, usesCharacters: usesCharacters)
    }

    private mutating func readMerges(
        _ list: [[UInt8]], usesCharacters: Bool
    ) throws(TokenizerError) {
        var nextID = Int32(truncatingIfNeeded: tokenCount)
        var scratch: [UInt8] = []
        for (rank, merge) in list.enumerated() {
            // A space can only be a part's first byte in vocabularies that spell one as itself.
            guard let space = merge.dropFirst().firstIndex(of: 0x20), space + 1 < merge.count else {
                throw .invalidMerge(index: rank, reason: "it is not two parts with a space between")
            }
            scratch.removeAll(keepingCapacity: true)
            if usesCharacters {
                scratch.append(contentsOf: merge[..<space])
                scratch.append(contentsOf: merge[(space + 1)...])
            } else {
                ByteAlphabet.decode(merge[..<space], into: &scratch)
            }
            let middle = usesCharacters ? space : scratch.count
            if !usesCharacters { ByteAlphabet.decode(merge[(space + 1)...], into: &scratch) }
            let left = symbols.intern(scratch, 0..<middle, &nextID)
            let right = symbols.intern(scratch, middle..<scratch.count, &nextID)
            let result = symbols.intern(scratch, 0..<scratch.count, &nextID)
            merges.insert(left, right, rank: rank, result: result)
        }
    }
}
