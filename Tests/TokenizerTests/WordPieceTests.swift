import Foundation
import GGUF
import Testing
import Tokenizer

@Suite struct WordPieceTests {
    private struct Cases: Decodable {
        struct Sentence: Decodable {
            let text: String
            let tokens: [Int32]
        }
        let texts: [String]
        let ids: [[Int32]]
        let casedIds: [[Int32]]
        let sentences: [Sentence]
    }

    private func cases() throws -> Cases {
        try JSONDecoder().decode(Cases.self, from: Data(fixtureBytes("wordpiece.json")))
    }

    private func small(
        _ words: [String], _ configure: (inout Vocabulary.Options) -> Void = { _ in }
    ) throws -> WordPieceTokenizer {
        let marks: [(String, Float, TokenType)] = [
            ("[UNK]", 0, .control), ("[CLS]", 0, .control), ("[SEP]", 0, .control),
        ]
        return try WordPieceTokenizer(
            vocabulary(marks + words.map { ($0, 0, .normal) }, bytes: false) {
                $0.unknown = 0
                $0.bos = 1
                $0.separator = 2
                $0.addsSeparator = true
                configure(&$0)
            })
    }

    @Test("Random texts get the ids of the published tokenizer")
    func randomTexts() async throws {
        let tokenizer = try await fixtureTokenizer("bert-bge")
        let cases = try cases()
        #expect(cases.texts.count >= 100)
        for (text, ids) in zip(cases.texts, cases.ids) {
            let found = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            #expect(found == ids, "\(text.debugDescription)")
        }
    }

    @Test("A vocabulary with capitals and accents keeps them")
    func casedTexts() throws {
        let file = try GGUFFile(bytes: fixtureBytes("ggml-vocab-bert-bge.gguf"))
        var options = Vocabulary.Options()
        options.unknown = 100
        options.lowercases = false
        options.stripsAccents = false
        let tokenizer = try WordPieceTokenizer(
            Vocabulary(
                tokens: file.strings("tokenizer.ggml.tokens"), scores: [],
                types: file.int32s("tokenizer.ggml.token_type"), options: options))
        let cases = try cases()
        for (text, ids) in zip(cases.texts, cases.casedIds) {
            let found = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            #expect(found == ids, "\(text.debugDescription)")
        }
    }

    @Test("A sentence stands between the beginning token and the separator")
    func sentences() async throws {
        let tokenizer = try await fixtureTokenizer("bert-bge")
        let sentences = try cases().sentences
        #expect(!sentences.isEmpty)
        for sentence in sentences {
            let found = try tokenizer.encode(sentence.text, addSpecial: true, parseSpecial: false)
            #expect(found == sentence.tokens, "\(sentence.text)")
        }
        #expect(try tokenizer.encode("", addSpecial: true, parseSpecial: false) == [101, 102])
    }

    @Test("A word is cut into the longest parts there are, or is unknown as a whole")
    func longestParts() throws {
        let made = try small(["▁un", "▁unaff", "aff", "able", "a", "▁,"])
        #expect(
            try made.encode("unaffable,", addSpecial: true, parseSpecial: false) == [1, 4, 6, 8, 2])
        #expect(try made.encode("unx UN", addSpecial: false, parseSpecial: false) == [0, 3])
        let spellings = try small(["un", "##aff", "##able", "#", "##"])
        #expect(
            try spellings.encode("unaffable", addSpecial: false, parseSpecial: false) == [3, 4, 5])
        #expect(spellings.bytes(of: [3, 4, 5]) == Array(" unaffable".utf8))
    }

    @Test("Marks in a text are recognised only where special tokens are parsed")
    func marks() throws {
        let made = try small(["▁[", "sep", "▁]", "▁sep"])
        #expect(try made.encode("[SEP]", addSpecial: false, parseSpecial: false) == [3, 6, 5])
        #expect(try made.encode("[SEP]", addSpecial: false, parseSpecial: true) == [2])
        #expect(made.bytes(of: [1, 2]) == [])
    }

    @Test("A vocabulary without an unknown token is refused")
    func noUnknown() {
        #expect(throws: TokenizerError.noFallback) { try small(["▁a"]) { $0.unknown = nil } }
    }

    @Test("Broken UTF-8 is left out and the words around it stay")
    func brokenText() throws {
        let made = try small(["▁a", "b"])
        let text: [UInt8] = [0x61, 0xFF, 0x62, 0x20, 0xE2, 0x82, 0x20, 0x61]
        #expect(try made.encode(text, addSpecial: false, parseSpecial: false) == [3, 4, 3])
    }
}
