import Testing

@testable import Tokenizer

@Suite struct PatternTests {
    /// The pieces that a pattern cuts `text` into.
    private func cut(_ text: String, _ pattern: String) throws -> [String] {
        let scalars = text.unicodeScalars.map(\.value)
        var start = 0
        return try PatternProgram(pattern).cut(scalars, ends: [scalars.count]).map { end in
            var piece = ""
            piece.unicodeScalars.append(
                contentsOf: scalars[start..<end].compactMap(Unicode.Scalar.init))
            start = end
            return piece
        }
    }

    @Test("Matches and what lies between them are pieces")
    func matchesAndGaps() throws {
        #expect(try cut("aa-bb--c", "[a-z]+") == ["aa", "-", "bb", "--", "c"])
        #expect(try cut("", "a") == [])
        #expect(try cut("xyz", "q") == ["xyz"])
        #expect(try cut("ab", "q?") == ["ab"], "an empty match is none")
    }

    @Test("The first alternative that matches counts, and quantifiers take what they can")
    func order() throws {
        #expect(try cut("abc", "a|abc") == ["a", "bc"])
        #expect(try cut("aaaaa", "a{2}|a") == ["aa", "aa", "a"])
        #expect(try cut("aaaaa", "a{1,3}") == ["aaa", "aa"])
        #expect(try cut("aab", "a*ab|b") == ["aab"], "a loop gives back what the rest needs")
        #expect(try cut("abab!", "(?:ab)+") == ["abab", "!"])
        #expect(try cut("xaay", "(a|aa)y") == ["x", "aay"])
    }

    @Test("A lookahead sees one scalar, and the end of the text is in no set")
    func lookahead() throws {
        #expect(try cut("a   b", #"\s+(?!\S)"#) == ["a", "  ", " b"])
        #expect(try cut("a   ", #"\s+(?!\S)"#) == ["a", "   "])
        #expect(try cut("ab a", "a(?=b)") == ["a", "b a"])
        #expect(try cut("  x  ", #"\s+$"#) == ["  x", "  "])
    }

    @Test("Classes know categories, ranges, escapes and their negation")
    func classes() throws {
        #expect(try cut("aé1½Ⅷ!", #"\p{N}+"#) == ["aé", "1½Ⅷ", "!"])
        #expect(try cut("a_b-c", #"[^\p{L}\-]"#) == ["a", "_", "b-c"])
        #expect(try cut("Ǆǅǆ", #"[\p{Lu}\p{Lt}]+"#) == ["Ǆǅ", "ǆ"])
        #expect(try cut("x中y", #"[\x{4E00}-\x{9FA5}]"#) == ["x", "中", "y"])
        #expect(
            try cut("a\u{3000}\u{85}\u{200B}b", #"\s"#) == ["a", "\u{3000}", "\u{85}", "\u{200B}b"])
        #expect(try cut("\u{20000}a", #"\p{Lo}"#) == ["\u{20000}", "a"])
    }

    @Test("Where case is ignored, letters fold as Unicode says, and only there")
    func caseFolding() throws {
        #expect(try cut("'S'ſ's'K", "(?i:'s|'k)") == ["'S", "'ſ", "'s", "'K"])
        #expect(try cut("aAbB", "(?i:a)|b") == ["a", "A", "b", "B"])
        #expect(try cut("B", "(?i:a)b") == ["B"])
    }

    @Test(
        "A pattern outside what is supported is refused with a reason",
        arguments: [
            "(a", "a)", "[a", "a**", "a+?", "a{2", "a{3,2}", "a{}", #"\p{Xx}"#, #"\q"#, "(?!ab)",
            "(?<a>b)", "^a", "a.", #"\x{110000}"#, #"[\S]"#, "[z-a]", #"\"#, #"\p{"#,
        ])
    func refused(pattern: String) {
        #expect(throws: PatternError.self) { try PatternProgram(pattern) }
    }

    @Test(
        "No text makes a pattern take more than a few steps for each scalar",
        .timeLimit(.minutes(1)))
    func worstCase() throws {
        let spaces = String(repeating: " ", count: 100_000)
        #expect(try cut(spaces + "x", #"\s+$"#).count == 1)
        #expect(try cut(spaces + "x", #"\s*[\r\n]+|\s+(?!\S)"#).count == 2)
        let letters = String(repeating: "a", count: 100_000)
        #expect(try cut(letters, "(?:a*)*b").count == 1)
        #expect(try cut(letters, "(?:a|aa)+b|c").count == 1)
        #expect(try cut(letters + "b", "a*a*a*c|b").count == 2)
    }
}
