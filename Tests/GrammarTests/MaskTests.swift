import Sampling
import Testing

@testable import Grammar

@Suite struct MaskTests {
    private static let grammars = [
        "root ::= [a-z]{1,3} (\" \" [a-z]{1,3}){0,4}",
        "root ::= \"a\"* \"b\" | (\"ab\" | \"abc\"){2,5} \"d\"",
        "root ::= \"(\" root \")\" | \"日本\" .{0,2}",
        "root ::= (\"{\" root* \"}\") | [0-9]+ \",\"",
    ]

    @Test("The mask is what each token on its own would be, wherever a text stands")
    func theMaskIsThatOfEachTokenAlone() throws {
        var random = TestRandom(1)
        for grammar in try Self.grammars.map({ try Grammar(gbnf: $0) }) + [.json, .jsonObject] {
            for _ in 0..<3 {
                var matcher = GrammarMatcher(grammar)
                for _ in 0..<12 {
                    let mask = matcher.allowed(TestVocabulary.trie)
                    #expect(Set(mask.ids) == TestVocabulary.allowedSlowly(matcher))
                    let ids = mask.ids.filter { $0 != TestVocabulary.end }
                    guard let id = ids.randomElement(using: &random) else { break }
                    try matcher.advance(TestVocabulary.tokens[Int(id)])
                }
            }
        }
    }

    @Test("Ends of generation are allowed just where the text may end, control tokens never")
    func endsAndControlTokens() throws {
        let tokens = ["a", "b", "</s>", "<pad>", "a", ""].map { Array($0.utf8) }
        let trie = TokenTrie(tokens, endOfGeneration: [2, 99, -1], control: [3, 4])
        var matcher = GrammarMatcher(try Grammar(gbnf: "root ::= \"a\"{1,2} | \"<pad></s>\""))
        #expect(matcher.allowed(trie).ids == [0])
        #expect(!matcher.mayEnd)
        try matcher.advance("a".utf8)
        #expect(matcher.allowed(trie).ids == [0, 2])
        #expect(matcher.mayEnd && !matcher.mustEnd)
        try matcher.advance("a".utf8)
        #expect(matcher.allowed(trie).ids == [2])
        #expect(matcher.mustEnd)
    }

    @Test("A byte that may not follow is named, and the matcher stays where it is")
    func aRefusedByteChangesNothing() throws {
        var matcher = GrammarMatcher(try Grammar(gbnf: "root ::= \"abc\""))
        #expect(throws: GrammarError.notAllowed(offset: 1)) { try matcher.advance("ax".utf8) }
        try matcher.advance("abc".utf8)
        #expect(matcher.mayEnd)
    }

    @Test("Copies go their own ways")
    func copiesAreIndependent() throws {
        var one = GrammarMatcher(try Grammar(gbnf: "root ::= \"ab\" | \"ac\""))
        try one.advance("a".utf8)
        var other = one
        try one.advance("b".utf8)
        #expect(one.mayEnd && !other.mayEnd)
        try other.advance("c".utf8)
        #expect(other.mayEnd)
    }

    @Test("A full memory is begun anew, from where the text stands")
    func aFullMemoryIsRenewed() throws {
        // Every count is a situation of its own.
        var matcher = GrammarMatcher(
            try Grammar(gbnf: "root ::= (\"(\" [a-z]{0,100000} \")\"){2}"))
        try matcher.advance("(".utf8)
        for _ in 0..<GrammarLimits.memoryStatesMax + 500 { try matcher.advance("x".utf8) }
        #expect(
            Set(matcher.allowed(TestVocabulary.trie).ids) == TestVocabulary.allowedSlowly(matcher))
        try matcher.advance(")(y)".utf8)
        #expect(matcher.mustEnd)
    }

    @Test("An ambiguity without bound is refused where it grows too large, not followed")
    func ambiguityIsBounded() throws {
        var matcher = GrammarMatcher(
            try Grammar(gbnf: "root ::= (\"a\" | \"aa\"){1,1000} (\"a\"{1,1000} \"b\"){1,1000}"))
        var taken = 0
        while taken < 300, matcher.accepts("a".utf8) {
            try matcher.advance("a".utf8)
            taken += 1
        }
        #expect(taken > 3)
    }
}
