import Testing

@testable import Grammar

/// Random numbers for tests, the same in every run.
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

    /// splitmix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// A number from 0 to below `bound`.
    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Whether `text` as a whole follows `grammar`.
func follows(_ text: String, _ grammar: Grammar) -> Bool {
    var matcher = GrammarMatcher(grammar)
    do { try matcher.advance(text.utf8) } catch { return false }
    return matcher.mayEnd
}

/// Expects that `grammar` takes each of `accepted` and none of `rejected`.
func expect(
    _ grammar: Grammar, accepts accepted: [String], rejects rejected: [String],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for text in accepted {
        #expect(follows(text, grammar), "should follow: \(text)", sourceLocation: sourceLocation)
    }
    for text in rejected {
        #expect(
            !follows(text, grammar), "should not follow: \(text)", sourceLocation: sourceLocation)
    }
}

/// A small vocabulary: every byte, what JSON is made of, and tokens that end within a character.
enum TestVocabulary {
    static let tokens: [[UInt8]] =
        (0...255).map { [UInt8($0)] }
        + [
            "{\"", "\":", "\": \"", "\",", "\"}", "[]", "[1", "true", "false", "null", "12", "-1",
            "0.", "e", "1e", "ab", "abc", "abcd", "\", \"", "}}", "]]", "\\n", "\\u00", "é", "日本",
            " ", "  ", "\n  ", "a", "b", "name", "\"name\"", "2024-", "xx",
        ].map { Array($0.utf8) }
        + [[0xE6, 0x97], [0xF0, 0x9F, 0x98], [0x80, 0x22], [], [0x7B]]
    static let end = Int32(tokens.count - 2)
    static let trie = TokenTrie(tokens, endOfGeneration: [end])

    /// The mask as its definition reads: each token on its own.
    static func allowedSlowly(_ matcher: GrammarMatcher) -> Set<Int32> {
        var allowed: Set<Int32> = []
        for (id, bytes) in tokens.enumerated() where !bytes.isEmpty && Int32(id) != end {
            if matcher.accepts(bytes) { allowed.insert(Int32(id)) }
        }
        if matcher.mayEnd { allowed.insert(end) }
        return allowed
    }
}
