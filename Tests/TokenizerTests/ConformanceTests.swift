import Foundation
import Testing
import Tokenizer

@Suite struct ConformanceTests {
    /// The test texts: what stands between the separators, nothing trimmed.
    private func texts() throws -> [[UInt8]] {
        let separator = Array("\n__ggml_vocab_test__\n".utf8)
        var rest = try fixtureBytes("ggml-vocab.inp")[...]
        var texts: [[UInt8]] = []
        while let range = rest.firstRange(of: separator) {
            texts.append(Array(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return texts
    }

    @Test(arguments: ["bert-bge", "gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2"])
    func everyTextOfTheReferenceGetsTheReferencesIds(name: String) async throws {
        let tokenizer = try await fixtureTokenizer(name)
        let texts = try texts()
        let lines = String(
            decoding: try fixtureBytes("ggml-vocab-\(name).gguf.out"), as: UTF8.self
        )
        .split(separator: "\n", omittingEmptySubsequences: false)
        #expect(texts.count > 40 && lines.count == texts.count + 1)
        for (text, line) in zip(texts, lines) {
            let expected = line.split(separator: " ").compactMap { Int32($0) }
            let found = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
            #expect(found == expected, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test(arguments: ["llama-spm", "phi-3"])
    func decodingGivesTheTextBackAfterTheSpacePrefix(name: String) async throws {
        let tokenizer = try await fixtureTokenizer(name)
        for text in try texts() where !text.isEmpty {
            let ids = try tokenizer.encode(text, addSpecial: true, parseSpecial: false)
            #expect(ids.first == tokenizer.bos)
            #expect(tokenizer.bytes(of: ids) == [0x20] + text)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func anyBytesAreGivenBackWhole(seed: UInt64) async throws {
        var random = SeededGenerator(state: seed)
        let tokenizer = try await fixtureTokenizer("llama-spm")
        let alphabet = Array("the quick \u{1F999} né\n\t<s></s><0x0A>▁".utf8) + [0xFF, 0xC0, 0x80]
        for _ in 0..<100 {
            let text = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            // A `▁` in the text is one more spelling of a space, the format's own ambiguity.
            let given = tokenizer.bytes(
                of: try tokenizer.encode(text, addSpecial: false, parseSpecial: false))
            let spaced = Array(
                ([0x20] + text).split(
                    separator: [0xE2, 0x96, 0x81], omittingEmptySubsequences: false
                ).joined(separator: [0x20]))
            #expect(given == spaced, "text \(text)")
        }
    }

    @Test func aLongTextOfOneCharacterIsMergedInReasonableSteps() async throws {
        let tokenizer = try await fixtureTokenizer("llama-spm")
        let text = [UInt8](repeating: 0x20, count: 50_000)
        let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
        #expect(tokenizer.bytes(of: ids).count == 50_001)
        let tooLong = [UInt8](repeating: 0x61, count: TokenizerLimits.textBytesMax + 1)
        #expect(throws: TokenizerError.self) {
            try tokenizer.encode(tooLong, addSpecial: false, parseSpecial: false)
        }
    }

    @Test func phi3EndsATurnWithItsOwnToken() async throws {
        let tokenizer = try await fixtureTokenizer("phi-3")
        #expect(tokenizer.isEndOfGeneration(32_000))
        #expect(tokenizer.isEndOfGeneration(32_007))
        #expect(!tokenizer.isEndOfGeneration(32_001))
        let parsed = try tokenizer.encode(
            "<|user|>Hi<|end|>", addSpecial: false, parseSpecial: true)
        #expect(parsed.first == 32_010 && parsed.last == 32_007)
        let plain = try tokenizer.encode("<|user|>", addSpecial: false, parseSpecial: false)
        #expect(!plain.contains(32_010))
    }
}
