import Sampling

@testable import Grammar

/// Any bytes as a grammar, as a schema and as texts: nothing may trap, and what is allowed must be
/// what a check of each token alone allows.
enum GrammarFuzz {
    /// Runs the parsers over `bytes`. The first byte says how the rest is cut: up to there a
    /// grammar or a schema, from there a text.
    static func run(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let rest = bytes.dropFirst()
        let cut = rest.startIndex + rest.count * Int(first) / 256
        let source = String(decoding: rest[..<cut], as: UTF8.self)
        let text = Array(rest[cut...])
        _ = try? JSONReader.read(source)
        _ = try? RegularExpression.pattern(source, at: "")
        for grammar in [try? Grammar(gbnf: source), try? Grammar(jsonSchema: source)] {
            if let grammar { follow(text, grammar) }
        }
        follow(text, .json)
    }

    /// Follows `text` as far as it goes.
    private static func follow(_ text: [UInt8], _ grammar: Grammar) {
        var matcher = GrammarMatcher(grammar)
        let mask = matcher.allowed(TestVocabulary.trie)
        precondition(Set(mask.ids) == TestVocabulary.allowedSlowly(matcher))
        for byte in text.prefix(256) {
            let isAllowed = matcher.allowed(TestVocabulary.trie).contains(Int32(byte))
            do {
                try matcher.advance([byte])
                precondition(isAllowed)
            } catch {
                precondition(!isAllowed)
                return
            }
        }
        _ = matcher.mustEnd
    }
}
