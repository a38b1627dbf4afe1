import Testing
import Tokenizer

@Suite struct TokenizerKindTests {
    /// Metadata written out.
    private struct Source: VocabularySource {
        var texts: [String: String] = [:]
        var numbers: [String: UInt32] = [:]
        var flags: [String: Bool] = [:]
        var strings: [String: [String]] = [:]
        var types: [Int32]?

        func text(_ key: String) -> String? { texts[key] }
        func integer(_ key: String) -> UInt32? { numbers[key] }
        func flag(_ key: String) -> Bool? { flags[key] }
        func byteStrings(_ key: String) -> [[UInt8]]? { strings[key]?.map { Array($0.utf8) } }
        func singles(_ key: String) -> [Float]? { nil }
        func integers(_ key: String) -> [Int32]? { types }
    }

    private func source(_ model: String, tokens: [String] = ["a", "b", "1", "2", "12"]) -> Source {
        Source(
            texts: ["tokenizer.ggml.model": model],
            strings: [
                "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.merges": ["1 2"],
            ])
    }

    private func encode(
        _ text: String, _ source: Source, special: Bool = false
    ) throws -> [Int32] {
        try TokenizerKind.tokenizer(from: source)
            .encode(text, addSpecial: special, parseSpecial: false)
    }

    @Test(
        "A kind that is not supported is an error that lists those that are",
        arguments: ["t5", "rwkv", "none"])
    func unsupported(name: String) throws {
        var source = source(name)
        if name == "none" { source.texts = [:] }
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerKind.tokenizer(from: source)
        }
        #expect(
            error == .unsupportedModel(name, supported: ["bert", "gemma4", "gpt2", "llama"]))
    }

    @Test("A missing or empty name of a pre-tokenizer means the default, an unknown one is refused")
    func preTokenizer() throws {
        var source = source("gpt2")
        #expect(try encode("12", source) == [4])
        source.texts["tokenizer.ggml.pre"] = ""
        #expect(try encode("12", source) == [4])
        source.texts["tokenizer.ggml.pre"] = "qwen2"
        #expect(try encode("12", source) == [2, 3])
        source.texts["tokenizer.ggml.pre"] = "unheard-of"
        #expect(throws: TokenizerError.self) { try encode("12", source) }
    }

    @Test("A byte-pair vocabulary without merges is refused, and one without tokens too")
    func missingParts() {
        var source = source("gpt2")
        source.strings["tokenizer.ggml.merges"] = nil
        #expect(throws: TokenizerError.missingMerges) { try encode("a", source) }
        source.strings = ["tokenizer.ggml.merges": []]
        #expect(throws: TokenizerError.self) { try encode("a", source) }
    }

    @Test("Each kind adds what it adds by habit, unless the file says otherwise")
    func habits() throws {
        var gpt = source("gpt2")
        gpt.numbers = ["tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 1]
        #expect(try encode("b", gpt, special: true) == [1])
        gpt.texts["tokenizer.ggml.pre"] = "llama-bpe"
        #expect(try encode("b", gpt, special: true) == [0, 1])
        gpt.flags = ["tokenizer.ggml.add_bos_token": false, "tokenizer.ggml.add_eos_token": true]
        #expect(try encode("b", gpt, special: true) == [1, 1])
        gpt.numbers["tokenizer.ggml.eos_token_id"] = .max
        #expect(try encode("b", gpt, special: true) == [1])

        var gemma = source("gemma4")
        gemma.numbers = ["tokenizer.ggml.bos_token_id": 0]
        gemma.flags = ["tokenizer.ggml.add_bos_token": false]
        #expect(try encode("12", gemma, special: true) == [0, 4])

        var bert = source("bert", tokens: ["[UNK]", "[CLS]", "[SEP]", "▁a"])
        bert.types = [3, 3, 3, 1]
        #expect(try encode("a", bert, special: true) == [1, 3, 2])
        bert.numbers = ["tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.seperator_token_id": 2]
        bert.flags = ["tokenizer.ggml.add_eos_token": true]
        #expect(try encode("a", bert, special: true) == [1, 3, 2], "the end is added once")
    }

    @Test("A mask token swallows the space before it where the family's tokenizer does")
    func masks() throws {
        var source = source("gpt2", tokens: ["a", "Ġ", "<mask>"])
        source.types = [1, 1, 3]
        let plain = try TokenizerKind.tokenizer(from: source)
        #expect(try plain.encode("a <mask>", addSpecial: false, parseSpecial: true) == [0, 1, 2])
        source.texts["tokenizer.ggml.pre"] = "jina-v2-code"
        let stripping = try TokenizerKind.tokenizer(from: source)
        #expect(try stripping.encode("a <mask>", addSpecial: false, parseSpecial: true) == [0, 2])
    }
}
