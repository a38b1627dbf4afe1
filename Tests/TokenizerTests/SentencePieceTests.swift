import Testing
import Tokenizer

@Suite struct SentencePieceTests {
    private func ids(
        _ text: String, _ tokenizer: SentencePieceTokenizer, special: Bool = false
    ) throws -> [Int32] {
        try tokenizer.encode(text, addSpecial: false, parseSpecial: special)
    }

    @Test func theHighestScoreMergesFirstAndTheLeftmostOfEquals() throws {
        let tokenizer = try SentencePieceTokenizer(
            vocabulary([
                ("a", -9, .normal), ("b", -9, .normal), ("ab", -2, .normal), ("ba", -1, .normal),
                ("aa", -3, .normal),
            ]) { $0.addsSpacePrefix = false })
        #expect(try ids("aba", tokenizer) == [0, 3])
        #expect(try ids("aaa", tokenizer) == [4, 0])
        #expect(try ids("", tokenizer) == [])
    }

    @Test func textWithoutATokenIsSpelledInBytesOrAsUnknown() throws {
        let withBytes = try SentencePieceTokenizer(
            vocabulary([("a", 0, .normal)]) { $0.addsSpacePrefix = false })
        #expect(try ids("aé", withBytes) == [0, 1 + 0xC3, 1 + 0xA9])
        let without = try SentencePieceTokenizer(
            vocabulary([("<unk>", 0, .unknown), ("a", 0, .normal)], bytes: false) {
                $0.addsSpacePrefix = false
                $0.unknown = 0
            })
        #expect(try ids("aé\u{1F999}a", without) == [1, 0, 0, 1])
        #expect(without.bytes(of: 0) == [])
        #expect(throws: TokenizerError.noFallback) {
            try SentencePieceTokenizer(vocabulary([("a", 0, .normal)], bytes: false))
        }
    }

    @Test func plainTextNeverBecomesAControlToken() throws {
        let tokenizer = try SentencePieceTokenizer(
            vocabulary([
                ("<s>", 0, .control), ("<", 0, .normal), ("s>", 0, .normal), ("s", 0, .normal),
                (">", 0, .normal),
            ]) {
                $0.addsSpacePrefix = false
                $0.bos = 0
            })
        #expect(try ids("<s>", tokenizer) == [1, 2])
        #expect(try ids("<s>", tokenizer, special: true) == [0])
        #expect(try tokenizer.encode("s", addSpecial: true, parseSpecial: false) == [0, 3])
        #expect(tokenizer.bytes(of: [0, 1, 2]) == Array("<s>".utf8))
    }

    @Test func userDefinedTokensAreCutOutLeftmostLongestAndFollowedByAPrefix() throws {
        let tokenizer = try SentencePieceTokenizer(
            vocabulary([
                ("<x>", 0, .userDefined), ("<x><y>", 0, .userDefined), ("▁", 0, .normal),
                ("a", 0, .normal),
            ]))
        #expect(try ids("a<x><y><x>a", tokenizer) == [2, 3, 1, 0, 2, 3])
        #expect(tokenizer.bytes(of: 1) == Array("<x><y>".utf8))
    }

    @Test func beginningAndEndAreAddedWhereTheVocabularyWantsThem() throws {
        let tokenizer = try SentencePieceTokenizer(
            vocabulary([("<s>", 0, .control), ("</s>", 0, .control), ("▁a", 0, .normal)]) {
                $0.bos = 0
                $0.eos = 1
                $0.addsEOS = true
            })
        #expect(try tokenizer.encode("", addSpecial: true, parseSpecial: false) == [0, 1])
        #expect(try tokenizer.encode("", addSpecial: false, parseSpecial: false) == [])
        #expect(tokenizer.isEndOfGeneration(1) && !tokenizer.isEndOfGeneration(0))
        #expect(tokenizer.bytes(of: -1) == [] && tokenizer.bytes(of: 1 << 30) == [])
    }

    @Test func unusableVocabulariesAreRefused() throws {
        let options = Vocabulary.Options()
        #expect(throws: TokenizerError.self) {
            try Vocabulary(tokens: [], scores: [], types: [], options: options)
        }
        #expect(
            throws: TokenizerError.lengthMismatch(what: "scores", expected: 1, found: 2)
        ) { try Vocabulary(tokens: [[1]], scores: [0, 0], types: [], options: options) }
        #expect(throws: TokenizerError.lengthMismatch(what: "types", expected: 1, found: 2)) {
            try Vocabulary(tokens: [[1]], scores: [], types: [1, 1], options: options)
        }
        #expect(throws: TokenizerError.self) {
            try Vocabulary(tokens: [[1]], scores: [.nan], types: [], options: options)
        }
        #expect(throws: TokenizerError.self) {
            try Vocabulary(tokens: [[1]], scores: [], types: [7], options: options)
        }
        for id in [Int32(-1), 1, .max] {
            #expect(throws: TokenizerError.self) {
                var options = Vocabulary.Options()
                options.bos = id
                _ = try Vocabulary(tokens: [[1]], scores: [], types: [], options: options)
            }
        }
        for spelling in ["<0x>", "0x0A", "<0xGG>", "<0x+A>", ""] {
            #expect(throws: TokenizerError.self, "\(spelling)") {
                try SentencePieceTokenizer(vocabulary([(spelling, 0, .byte)]))
            }
        }
    }

    @Test("Runs of line feeds are cut out whole and runs of spaces merge, without a prefix")
    func runsOfSpace() throws {
        let tokenizer = try SentencePieceTokenizer(
            vocabulary([
                ("\n", 0, .userDefined), ("\n\n", 0, .userDefined), ("▁▁", 0, .userDefined),
                ("▁▁▁", 0, .userDefined), ("▁", -5, .normal), ("a", -5, .normal),
                ("▁a", -9, .normal),
            ]) { $0.addsSpacePrefix = false })
        #expect(try ids("a\n\n\na", tokenizer) == [5, 1, 0, 5])
        #expect(try ids("a   a", tokenizer) == [5, 3, 5])
        #expect(try ids("a    a", tokenizer) == [5, 3, 6])
        #expect(tokenizer.bytes(of: [5, 3, 6, 1]) == Array("a    a\n\n".utf8))
    }

    @Test(
        "A piece that training left unused is a piece, and an unknown token is never made of text")
    func unusedAndUnknown() throws {
        let tokenizer = try SentencePieceTokenizer(
            vocabulary([
                ("ab", 0, .unused), ("a", 0, .normal), ("b", 0, .normal), ("<u>", 0, .unknown),
            ]) {
                $0.addsSpacePrefix = false
            })
        #expect(try ids("ab", tokenizer) == [0])
        #expect(!(try ids("<u>", tokenizer).contains(3)))
        #expect(try ids("<u>", tokenizer, special: true) == [3])
        #expect(tokenizer.bytes(of: 3) == [] && tokenizer.spelling(of: 3) == Array("<u>".utf8))
    }

    @Test("Scores of any sign order merges by their value")
    func scoresOfAnySign() throws {
        for (first, second, isFirst) in [
            (Float(1), Float(-1), true), (-2, -1, false), (2, 1, true), (-0.0, 0.0, true),
            (.infinity, 3, true), (-.infinity, -3, false),
            (.leastNonzeroMagnitude, -.leastNonzeroMagnitude, true),
        ] {
            let tokenizer = try SentencePieceTokenizer(
                vocabulary([
                    ("a", 0, .normal), ("b", 0, .normal), ("ab", first, .normal),
                    ("ba", second, .normal),
                ]) { $0.addsSpacePrefix = false })
            #expect(
                try ids("aba", tokenizer) == (isFirst ? [2, 0] : [0, 3]), "\(first) \(second)")
        }
    }
}
