import Grammar
import Sampling

/// A grammar and a text that follows it or not: everything to the first zero byte is the grammar.
enum GrammarTarget {
    private static let vocabulary: TokenTrie = {
        var tokens = (0..<256).map { [UInt8($0)] }
        tokens += ["true", "false", "null", "{\"", "\":", "ab", "  ", "0.", "é", "\"}", ""].map {
            Array($0.utf8)
        }
        return TokenTrie(tokens, endOfGeneration: [Int32(tokens.count - 1)])
    }()

    static func run(_ bytes: [UInt8], isSchema: Bool) {
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let source = String(decoding: parts[0], as: UTF8.self)
        let read =
            isSchema ? try? Grammar(jsonSchema: source) : try? Grammar(gbnf: source)
        guard let grammar = read else { return }
        var matcher = GrammarMatcher(grammar)
        for byte in parts.dropFirst().joined().prefix(FuzzLimits.textBytesMax) {
            // The mask and the matcher must agree, byte by byte.
            let isAllowed = matcher.allowed(vocabulary).contains(Int32(byte))
            let moved: Bool
            do {
                try matcher.advance([byte])
                moved = true
            } catch {
                moved = false
            }
            precondition(moved == isAllowed, "the mask and the matcher differ")
            if !moved { break }
        }
        _ = matcher.mayEnd
    }
}
