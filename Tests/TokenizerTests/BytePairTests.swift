import Testing
import Tokenizer

@Suite struct BytePairTests {
    /// A vocabulary of all bytes in their alphabet (ids 0 to 255), then `entries`.
    private func tokenizer(
        _ entries: [(String, TokenType)] = [], merges: [String] = [], pre: String = "gpt-2",
        _ configure: (inout Vocabulary.Options) -> Void = { _ in }
    ) throws -> BytePairTokenizer {
        let printable = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
        var next: UInt32 = 0x100
        var all: [(String, Float, TokenType)] = []
        for byte in 0...255 {
            var scalar = UInt32(byte)
            if !printable.contains(byte) {
                scalar = next
                next += 1
            }
            let letter = try #require(Unicode.Scalar(scalar))
            all.append((String(Character(letter)), 0, .normal))
        }
        all += entries.map { ($0.0, 0, $0.1) }
        return try BytePairTokenizer(
            vocabulary(all, bytes: false, merges: merges, preTokenizer: pre) {
                $0.addsBOS = false
                configure(&$0)
            })
    }

    private func ids(_ text: String, _ tokenizer: BytePairTokenizer) throws -> [Int32] {
        try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
    }

    @Test("The merge that stands first in the list comes first, the leftmost of equals")
    func mergeOrder() throws {
        let made = try tokenizer(
            [("ab", .normal), ("bc", .normal), ("aa", .normal), ("Ġa", .normal)],
            merges: ["b c", "a b", "a a", "Ġ a"])
        #expect(try ids("abc", made) == [0x61, 257])
        #expect(try ids("aaa", made) == [258, 0x61])
        #expect(try ids("b a", made) == [0x62, 259])
        #expect(try ids("", made) == [])
    }

    @Test("Merging stays inside a piece")
    func piecesStayApart() throws {
        let made = try tokenizer([("a!", .normal)], merges: ["a !"])
        #expect(try ids("a!", made) == [0x61, 0x21])
    }

    @Test("A piece that is a token is taken whole only under rules that ignore merges")
    func ignoredMerges() throws {
        let entries: [(String, TokenType)] = [("abc", .normal), ("ab", .normal)]
        #expect(try ids("abc", tokenizer(entries, merges: ["a b"], pre: "llama-bpe")) == [256])
        #expect(try ids("abc", tokenizer(entries, merges: ["a b"], pre: "qwen2")) == [257, 0x63])
    }

    @Test("What merges make without being a token is spelled in bytes")
    func mergesWithoutToken() throws {
        let made = try tokenizer(
            [("abcd", .normal)], merges: ["a b", "c d", "ab cd", "x y", "xy z"])
        #expect(try ids("ab", made) == [0x61, 0x62])
        #expect(try ids("abcd", made) == [256])
        #expect(try ids("xyz", made) == [0x78, 0x79, 0x7A])
    }

    @Test("Hostile lists of merges and tokens give an error or a defined answer")
    func hostileVocabularies() throws {
        for merge in ["", "ab", " ", "a ", "ab "] {
            #expect(throws: TokenizerError.self, "\(merge)") { try tokenizer(merges: [merge]) }
        }
        // Unknown parts, twice the same, each other's parts, an empty token, a token twice.
        let made = try tokenizer(
            [("", .normal), ("aa", .normal), ("aa", .normal), ("", .userDefined), ("", .control)],
            merges: ["q\u{4E2D} z", "a a", "a a", "aa a", "a aa", "aa aa", "aaaa aaaa", " b c"])
        #expect(try ids("aaaaa", made) == [258, 0x61, 0x61, 0x61])
        #expect(made.bytes(of: [256, 259, 260]) == [])
        #expect(throws: TokenizerError.self) {
            try tokenizer(merges: [String(repeating: "a", count: 9000) + " b"])
        }
    }

    @Test("A byte without a token is the unknown token, or left out")
    func missingBytes() throws {
        let entries: [(String, Float, TokenType)] = [("a", 0, .normal), ("<unk>", 0, .unknown)]
        let silent = try BytePairTokenizer(vocabulary(entries, bytes: false))
        #expect(try ids("abca", silent) == [0, 0])
        let speaking = try BytePairTokenizer(
            vocabulary(entries, bytes: false) { $0.unknown = 1 })
        #expect(try ids("abca", speaking) == [0, 1, 1, 0])
    }

    @Test("Any bytes are given back whole", arguments: ["gpt-2", "llama-bpe", "qwen2"])
    func roundTrip(name: String) async throws {
        var random = SeededGenerator(state: 7)
        let tokenizer = try await fixtureTokenizer(name)
        for round in 0..<120 {
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 0...80, using: &random) {
                if round % 2 == 0 {
                    text.append(UInt8.random(in: 0...255, using: &random))
                } else if let scalar = Unicode.Scalar(
                    UInt32.random(in: 0x20...0x2FFFF, using: &random))
                {
                    text.append(contentsOf: String(Character(scalar)).utf8)
                }
            }
            let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: true)
            #expect(tokenizer.bytes(of: ids) == text, "\(text)")
        }
    }

    @Test(
        "A long run of one letter and a long random word are merged in reasonable steps",
        .timeLimit(.minutes(1)))
    func longWords() async throws {
        let tokenizer = try await fixtureTokenizer("gpt-2")
        var random = SeededGenerator(state: 3)
        let run = [UInt8](repeating: 0x61, count: 20_000)
        let word = (0..<20_000).map { _ in UInt8.random(in: 0x61...0x7A, using: &random) }
        for text in [run, word] {
            let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            #expect(tokenizer.bytes(of: ids) == text)
        }
    }

    @Test("Vocabularies of characters spell spaces as marks, and the rest in bytes")
    func characters() throws {
        let made = try BytePairTokenizer(
            vocabulary(
                [
                    ("▁", 0, .normal), ("a", 0, .normal), ("▁a", 0, .normal), ("é", 0, .normal),
                    ("\n", 0, .normal), ("\n\n\n", 0, .normal), ("aé", 0, .normal),
                ], merges: ["▁ a", "a é"], preTokenizer: "gemma4"))
        #expect(try ids("a aé", made) == [1, 2, 3])
        #expect(try ids("aé\n\n\n", made) == [6, 5])
        #expect(try ids("\n\n", made) == [4, 4])
        #expect(try ids("ü", made) == [7 + 0xC3, 7 + 0xBC])
        #expect(made.bytes(of: [2, 3, 7 + 0xC3, 7 + 0xBC]) == Array(" aéü".utf8))
        #expect(made.spelling(of: 2) == Array("▁a".utf8) && made.spelling(of: -1) == [])
    }
}
