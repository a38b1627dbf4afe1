import Grammar
import Testing

@Suite struct GBNFTests {
    private func check(
        _ source: String, accepts accepted: [String], rejects rejected: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        expect(
            try Grammar(gbnf: source), accepts: accepted, rejects: rejected,
            sourceLocation: sourceLocation)
    }

    private func refusal(_ source: String) -> GrammarError? {
        do throws(GrammarError) {
            _ = try Grammar(gbnf: source)
            return nil
        } catch { return error }
    }

    @Test("Sequences, alternatives, groups and rules make up a text")
    func structure() throws {
        try check(
            "root ::= greeting \", \" (\"world\" | name) \"!\"\ngreeting ::= \"hi\" | \"hello\"\n"
                + "name ::= [A-Z] [a-z]+\n",
            accepts: ["hi, world!", "hello, Ada!"],
            rejects: ["hi, ada!", "hi, A!", "hi, world", "", "hi, world!!"])
        try check("root ::= \"a\" | | \"b\"", accepts: ["", "a", "b"], rejects: ["ab"])
        try check("root ::= \"\"", accepts: [""], rejects: ["a"])
    }

    @Test("Repetitions count, also of what may be empty")
    func repetitions() throws {
        try check("root ::= \"a\"*", accepts: ["", "a", "aaaa"], rejects: ["b", "ab"])
        try check("root ::= \"ab\"+", accepts: ["ab", "abab"], rejects: ["", "a", "aba"])
        try check("root ::= \"a\"? \"b\"", accepts: ["b", "ab"], rejects: ["aab", "a"])
        try check("root ::= [ab]{3}", accepts: ["aba"], rejects: ["ab", "abab"])
        try check("root ::= \"a\"{2,}", accepts: ["aa", "aaaaa"], rejects: ["a", ""])
        try check("root ::= \"a\"{2,4}", accepts: ["aa", "aaaa"], rejects: ["a", "aaaaa"])
        try check("root ::= \"a\"{0}\"b\"", accepts: ["b"], rejects: ["ab"])
        try check(
            "root ::= (\"a\"? \"b\"?){2}", accepts: ["", "abab", "ba", "b"], rejects: ["bab b"])
        try check("root ::= (\"a\"*)* \"c\"", accepts: ["c", "aac"], rejects: ["a", "ca"])
        try check(
            "root ::= (\"a\"{2} \"b\"){1,2}", accepts: ["aab", "aabaab"],
            rejects: ["ab", "aaab", "aabaabaab"])
        // Counts that can be reached in more than one way.
        try check("root ::= (\"a\" | \"aa\"){2,3}", accepts: ["aa", "aaaaaa"], rejects: ["a"])
        try check("root ::= [x]{0,1000000} \"y\"", accepts: ["y", "xxxy"], rejects: ["xx"])
    }

    @Test("Literals and classes know escapes, ranges and negation")
    func characters() throws {
        try check(
            #"root ::= "\n\t\r\x41é\U0001F600\\\"""#, accepts: ["\n\t\r\u{41}é😀\\\""],
            rejects: ["n"])
        try check(#"root ::= [^"\\\x00-\x1f]+"#, accepts: ["aé😀"], rejects: ["a\"", "\\", "\n"])
        try check("root ::= [à-ü一-龥]", accepts: ["é", "日"], rejects: ["a", "ÿ", "ひ"])
        try check("root ::= [a\\-z\\]^-]", accepts: ["a", "-", "z", "]", "^"], rejects: ["b"])
        try check("root ::= .{2}", accepts: ["é😀", "a\n"], rejects: ["a", "abc"])
        // An overlong form, a surrogate and a stray byte are no characters.
        let matcher = GrammarMatcher(try Grammar(gbnf: "root ::= .+"))
        for bytes in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0x80], [0xF4, 0x90], [0xFF]] as [[UInt8]] {
            #expect(!matcher.accepts(bytes))
        }
        #expect(matcher.accepts([0xF0, 0x9F] as [UInt8]))
    }

    @Test("Comments and line breaks are where they may be")
    func layout() throws {
        try check(
            "# a comment\n\nroot ::= # first\n  a |\n  (\n\"b\" # inside\n\"c\" )\n\na ::= \"a\"\r\n",
            accepts: ["a", "bc"], rejects: ["b"])
    }

    @Test("Recursion in the middle and at the end is followed, to the bound on depth")
    func recursion() throws {
        try check(
            "root ::= \"(\" root \")\" | \"x\"", accepts: ["x", "((x))"], rejects: ["(x", "()"])
        let deep = String(repeating: "(", count: 300)
        #expect(
            !follows(
                deep + "x" + String(repeating: ")", count: 300),
                try Grammar(gbnf: "root ::= \"(\" root \")\" | \"x\"")))
        // A call in last place does not nest.
        #expect(
            follows(
                String(repeating: "a", count: 3000),
                try Grammar(gbnf: "root ::= \"a\" root | \"a\"")))
    }

    @Test("Where depth runs out, what was begun can still be ended")
    func depthLeavesAWayOut() throws {
        // What closes a bracket is a call too, so it needs depth of its own.
        var matcher = GrammarMatcher(
            try Grammar(gbnf: "root ::= \"[\" (root (\",\" root)*)? end \"!\"\nend ::= \"]\"+"))
        var opened = 0
        while matcher.accepts("[".utf8) {
            try matcher.advance("[".utf8)
            opened += 1
            try #require(opened < 1000)
        }
        #expect(opened > 100)
        for _ in 0..<opened { try matcher.advance("]!".utf8) }
        #expect(matcher.mayEnd && matcher.mustEnd)
    }

    @Test("Faults are refused with their place")
    func faults() throws {
        let faults: [(String, Int, Int)] = [
            ("root ::= \"a", 1, 10), ("root ::= [a", 1, 10), ("root ::= (\"a\"", 1, 14),
            ("root := \"a\"", 1, 7), ("root ::= \"a\"\nroot ::= \"b\"", 2, 1),
            ("root ::= \"a\"{3,2}", 1, 13), ("root ::= \"a\"{", 1, 14), ("root ::= [z-a]", 1, 11),
            ("root ::= \"\\q\"", 1, 11), ("root ::= \"\\ud800\"", 1, 11), ("root ::= $", 1, 10),
            ("a ::= \"x\"", 1, 10), ("root ::= \"a\"{99999999}", 1, 14),
            ("root ::= \"\\x4\"", 1, 14), ("root ::= \"a\"\n  \"b\"", 2, 3),
        ]
        for (source, line, column) in faults {
            guard case .syntax(_, line, column) = refusal(source) else {
                Issue.record("\(source): \(String(describing: refusal(source)))")
                continue
            }
        }
        #expect(
            refusal("root ::= \"x\"\n  | other\n")
                == .syntax(
                    reason: "'|' where a rule's name should be", line: 2, column: 3))
        #expect(
            refusal("root ::= \"x\" |\n  other\n")
                == .undefinedRule(name: "other", line: 2, column: 3))
    }

    @Test("A rule that can begin with itself is refused, hidden or not")
    func leftRecursion() {
        #expect(refusal("root ::= root \"a\" | \"b\"") == .leftRecursion(rules: ["root", "root"]))
        #expect(
            refusal("root ::= \"x\" a\na ::= \"y\"? b\nb ::= [z]* (a | \"q\")")
                == .leftRecursion(rules: ["a", "b", "a"]))
        #expect(refusal("root ::= \"x\" root?") == nil)
    }

    @Test("A grammar without a single text is refused; a branch without one is left out")
    func endless() throws {
        #expect(refusal("root ::= \"a\" root") == .endless(rule: "root"))
        #expect(refusal("root ::= []") == .endless(rule: "root"))
        try check(
            "root ::= \"a\" b | \"a\" c\nb ::= \"x\" b\nc ::= \"y\"", accepts: ["ay"],
            rejects: ["ax"])
        let matcher = GrammarMatcher(
            try Grammar(gbnf: "root ::= \"a\" b | \"c\"\nb ::= \"x\" b"))
        #expect(!matcher.accepts("a".utf8))
    }

    @Test("Grammars beyond the bounds are refused, not built")
    func bounds() {
        let deep = String(repeating: "(", count: 100) + "\"a\"" + String(repeating: ")", count: 100)
        guard case .syntax = refusal("root ::= \(deep)") else {
            Issue.record("nesting was not refused")
            return
        }
        let large = "root ::= (((\"a\"?){1000}){1000}){1000}"
        #expect(
            refusal(large)
                == .tooLarge(
                    what: "states of the compiled grammar; make it simpler",
                    limit: GrammarLimits.statesMax))
        guard case .tooLarge = refusal("root ::= ((\"a\" | \"b\" \"c\")? [d-e]*){8000} \"x\"")
        else {
            Issue.record("too many ways to begin were not refused")
            return
        }
        #expect(
            refusal(String(repeating: " ", count: GrammarLimits.sourceBytesMax + 1))
                == .tooLarge(what: "bytes of a grammar", limit: GrammarLimits.sourceBytesMax))
    }
}
