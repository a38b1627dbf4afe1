import Foundation
import Testing

@testable import Tokenizer

@Suite struct PreTokenizerTests {
    /// What the published expressions cut random texts into.
    private struct Splits: Decodable {
        let texts: [String]
        let ends: [String: [[Int]]]
    }

    private func pieces(_ text: String, _ name: String) throws -> [String] {
        let bytes = Array(text.utf8)
        var start = 0
        return try bytes.withUnsafeBytes { raw in
            try PreTokenizer(named: name).pieceEnds(of: raw).map { end in
                defer { start = end }
                return String(decoding: bytes[start..<end], as: UTF8.self)
            }
        }
    }

    @Test("Every rule compiles, and no name stands for two")
    func rulesAreSound() {
        for rule in PreTokenizerRule.all { _ = PreTokenizer(rule) }
        let names = PreTokenizerRule.knownNames
        #expect(Set(names).count == names.count)
        let wanted = [
            "default", "gpt-2", "llama3", "llama-bpe", "qwen2", "qwen35", "deepseek-llm",
            "deepseek-coder", "deepseek-v3", "falcon", "starcoder", "refact", "command-r", "mpt",
            "olmo", "smollm", "codeshell", "stablelm2", "tekken", "gpt-4o", "gemma4",
        ]
        for name in wanted { #expect(names.contains(name), "\(name)") }
    }

    @Test("Random texts are cut where the published expressions cut them")
    func publishedExpressions() throws {
        let splits = try JSONDecoder().decode(
            Splits.self, from: Data(fixtureBytes("splits.json")))
        #expect(splits.ends.count >= 18 && splits.texts.count >= 90)
        // Each rule is known to the fixture by its first name.
        #expect(Set(splits.ends.keys) == Set(PreTokenizerRule.all.map { $0.names[0] }))
        for (name, expected) in splits.ends {
            let preTokenizer = try PreTokenizer(named: name)
            for (text, ends) in zip(splits.texts, expected) {
                let found = Array(text.utf8).withUnsafeBytes { preTokenizer.pieceEnds(of: $0) }
                #expect(found == ends, "\(name): \(text.debugDescription)")
            }
        }
    }

    @Test(
        "Each rule cuts contractions, numbers, capitals and space in its own way",
        arguments: [
            ("gpt-2", ["I", "'", "LL", " don", "'t", " 12345", " ", " x", "\n"]),
            (
                "starcoder",
                ["I", "'", "LL", " don", "'t", " ", "1", "2", "3", "4", "5", " ", " x", "\n"]
            ),
            ("llama-bpe", ["I", "'LL", " don", "'t", " ", "123", "45", " ", " x", "\n"]),
            ("qwen2", ["I", "'LL", " don", "'t", " ", "1", "2", "3", "4", "5", " ", " x", "\n"]),
            ("default", ["I", "'", "LL", " don", "'", "t", " ", "123", "45", " ", " x", "\n"]),
            ("falcon", ["I", "'", "LL", " don", "'", "t", " ", "123", "45", " ", " x", "\n"]),
            ("gpt-4o", ["I'LL", " don't", " ", "123", "45", " ", " x", "\n"]),
            ("tekken", ["I", "'LL", " don", "'t", " ", "1", "2", "3", "4", "5", " ", " x", "\n"]),
            ("deepseek-v3", ["I", "'LL", " don", "'t", " ", "123", "45", " ", " x", "\n"]),
            ("gemma4", ["I'LL don't 12345  x", "\n"]),
        ] as [(String, [String])])
    func ruleByRule(name: String, expected: [String]) throws {
        #expect(try pieces("I'LL don't 12345  x\n", name) == expected)
    }

    @Test("Rules differ in marks, ideographs and words of mixed case")
    func finerPoints() throws {
        #expect(try pieces("e\u{301}a", "qwen2") == ["e", "\u{301}a"])
        #expect(try pieces("e\u{301}a", "qwen35") == ["e\u{301}a"])
        #expect(try pieces("camelCase", "tekken") == ["camel", "Case"])
        #expect(try pieces("camelCase", "llama-bpe") == ["camelCase"])
        #expect(try pieces("a你好b", "deepseek-llm") == ["a", "你好", "b"])
        #expect(try pieces("a你好b", "gpt-2") == ["a你好b"])
        #expect(try pieces("a 12", "falcon") == ["a", " ", "12"])
        #expect(try pieces("a`$", "falcon") == ["a", "`$"])
        #expect(try pieces("a`$", "default") == ["a", "`", "$"])
        #expect(try pieces("x, y", "poro-chat") == ["x", ",", " y"])
        #expect(try pieces("a  \n\n  b", "qwen2") == ["a", "  \n\n", " ", " b"])
        #expect(try pieces("a.\n\nb", "seed-coder") == ["a", ".", "\n\n", "b"])
        #expect(try pieces("a.\n\nb", "qwen2") == ["a", ".\n\n", "b"])
    }

    @Test("A byte that is no UTF-8 is a piece's part as a symbol is, and no byte is lost")
    func brokenText() throws {
        let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82, 0x20, 0xED, 0xA0, 0x80]
        let ends = try bytes.withUnsafeBytes {
            try PreTokenizer(named: "gpt-2").pieceEnds(of: $0)
        }
        #expect(ends == [1, 6, 10])
    }

    @Test("An unknown name is an error that lists the known ones")
    func unknownName() throws {
        let error = #expect(throws: TokenizerError.self) { try PreTokenizer(named: "llama-9") }
        let description = try #require(error).description
        #expect(description.contains("\"llama-9\""))
        for name in BytePairTokenizer.knownPreTokenizers { #expect(description.contains(name)) }
    }
}
