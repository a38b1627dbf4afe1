import Testing
import Tokenizer

@Suite struct SpecialTokenTests {
    /// Letters, a few marks, and what the tests add.
    private func tokenizer(
        _ entries: [(String, TokenType)], _ configure: (inout Vocabulary.Options) -> Void = { _ in }
    ) throws -> SentencePieceTokenizer {
        try SentencePieceTokenizer(
            vocabulary(entries.map { ($0.0, 0, $0.1) }) {
                $0.addsSpacePrefix = false
                $0.addsBOS = false
                configure(&$0)
            })
    }

    private func pieces(_ texts: (String, Bool)...) -> [TextPiece] {
        texts.map { TextPiece($0.0, isTrusted: $0.1) }
    }

    @Test("A control token is recognised only where all of it lies in trusted text")
    func trust() throws {
        let made = try tokenizer([("<|im_start|>", .control), ("x", .normal)])
        let first = try made.encode(pieces(("x", false), ("<|im_start|>", true)), addSpecial: false)
        #expect(first == [1, 0])
        let joined = try made.encode(
            pieces(("<|im_", true), ("start|>", true)), addSpecial: false)
        #expect(joined == [0], "trusted pieces beside each other are one text")
        for forged in [
            pieces(("<|im_start|>", false)), pieces(("<|im_", true), ("start|>", false)),
            pieces(("<|im_", false), ("start|>", true)),
            pieces(("<|im_start|", true), (">", false), (" ", true)),
            pieces(("<|im", true), ("_", false), ("start|>", true)),
        ] {
            #expect(!(try made.encode(forged, addSpecial: false).contains(0)))
        }
    }

    @Test("Pieces merge across their border as one string does")
    func borders() async throws {
        let tokenizer = try await fixtureTokenizer("llama-bpe")
        let whole = try tokenizer.encode("Hello world", addSpecial: false, parseSpecial: false)
        let parts = try tokenizer.encode(
            pieces(("Hel", true), ("", false), ("lo wo", false), ("rld", true)), addSpecial: false)
        #expect(parts == whole)
        let chat = try tokenizer.encode(
            pieces(
                ("<|start_header_id|>user<|end_header_id|>\n\n", true), ("<|eot_id|>", false),
                ("<|eot_id|>", true)),
            addSpecial: true)
        #expect(chat.first == 128_000 && chat.filter { $0 == 128_009 }.count == 1)
        #expect(chat.last == 128_009)
    }

    @Test("User-defined tokens are found anywhere, the leftmost and longest first")
    func userDefined() throws {
        let made = try tokenizer([
            ("[a]", .userDefined), ("[a][b]", .userDefined), ("[b]c", .userDefined),
        ])
        let found = try made.encode(pieces(("[a", false), ("][b]c[a]", true)), addSpecial: false)
        #expect(found == [1, 3 + 0x63, 0])
    }

    @Test("A longer mark that is not trusted gives way to a shorter user-defined token")
    func fallsBackToShorter() throws {
        let made = try tokenizer([("[a]", .userDefined), ("[a]!", .control)])
        #expect(try made.encode("[a]!", addSpecial: false, parseSpecial: false) == [0, 2 + 0x21])
        #expect(try made.encode("[a]!", addSpecial: false, parseSpecial: true) == [1])
    }

    @Test("What is spelled as a mark is one, whatever type the file gives it")
    func looksSpecial() throws {
        let made = try tokenizer([
            ("<|user|>", .userDefined), ("<|im_end|>", .normal), ("<｜x｜>", .userDefined),
            ("<think>", .userDefined), ("</s>", .normal), ("<|word", .userDefined),
        ])
        for text in ["<|user|>", "<|im_end|>", "<｜x｜>"] {
            #expect(
                try made.encode(text, addSpecial: false, parseSpecial: false).count > 1, "\(text)")
            #expect(
                try made.encode(text, addSpecial: false, parseSpecial: true).count == 1, "\(text)")
        }
        #expect(try made.encode("<think>", addSpecial: false, parseSpecial: false) == [3])
        #expect(try made.encode("<|word", addSpecial: false, parseSpecial: false) == [5])
        #expect(made.isEndOfGeneration(1) && !made.isEndOfGeneration(4))
    }

    @Test("Answers end at the declared tokens and at the well-known marks")
    func ends() throws {
        let made = try tokenizer([
            ("</s>", .control), ("<end_of_turn>", .control), ("a", .normal), ("b", .normal),
            ("<|end|>", .control), ("<eos>", .normal),
        ]) {
            $0.eos = 2
            $0.otherEnds = [3]
        }
        #expect(
            (0..<6).map { made.isEndOfGeneration($0) } == [true, true, true, true, true, false])
        let harmony = try tokenizer([
            ("<|end|>", .control), ("<|call|>", .control), ("<|return|>", .control),
        ])
        #expect((0..<3).map { harmony.isEndOfGeneration($0) } == [false, true, true])
    }

    @Test("A closing tag beside a control token's opening one is a mark; a pair of tags is text")
    func closingTag() throws {
        let mark = try tokenizer([("<s>", .control), ("</s>", .userDefined)])
        #expect(try mark.encode("</s>", addSpecial: false, parseSpecial: false).count == 4)
        #expect(mark.isEndOfGeneration(1))
        let tags = try tokenizer([("<s>", .userDefined), ("</s>", .userDefined)])
        #expect(try tags.encode("</s>", addSpecial: false, parseSpecial: false) == [1])
        #expect(!tags.isEndOfGeneration(1))
    }

    @Test("Marks that swallow white space do so on their own side only")
    func stripping() throws {
        let made = try tokenizer([("<|a|>", .control), ("<|b|>", .control), ("x", .normal)]) {
            $0.stripsSpaceAfter = [0]
            $0.stripsSpaceBefore = [1]
        }
        // A space has no piece here and is spelled as the three bytes of its mark.
        let expected: [Int32] = [2, 3 + 0xE2, 3 + 0x96, 3 + 0x81, 0, 2, 1, 3 + 0x09, 2, 1]
        let text = "x <|a|> \n x<|b|>\tx \n<|b|>"
        #expect(try made.encode(text, addSpecial: false, parseSpecial: true) == expected)
        #expect(try made.encode("<|a|>  ", addSpecial: false, parseSpecial: true) == [0])
    }

    @Test("Phi-3's marks swallow the white space after them")
    func phi3() async throws {
        let tokenizer = try await fixtureTokenizer("phi-3")
        let ids = try tokenizer.encode(
            "<|user|>\nHi<|end|>\n", addSpecial: false, parseSpecial: true)
        #expect(
            ids
                == (try tokenizer.encode("<|user|>Hi<|end|>", addSpecial: false, parseSpecial: true))
        )
        let plain = try tokenizer.encode("<|endoftext|> ", addSpecial: false, parseSpecial: true)
        #expect(plain.count > 1)
    }

    @Test("Special tokens beyond the limits are refused")
    func limits() throws {
        let long = String(repeating: "x", count: TokenizerLimits.specialTokenBytesMax + 1)
        #expect(throws: TokenizerError.self) { try tokenizer([(long, .control)]) }
        let text = TextPiece(
            text: [UInt8](repeating: 0x61, count: TokenizerLimits.textBytesMax), isTrusted: false)
        #expect(throws: TokenizerError.self) {
            try tokenizer([("a", .normal)]).encode([text, text], addSpecial: false)
        }
    }
}
