import Grammar
import Sampling
import Synchronization
import Tokenizer

/// What an answer must be, compiled: each choice follows it on its own.
struct AnswerConstraint: Sendable {
    private let grammar: Grammar
    private let trie: TokenTrie

    /// Compiles a constraint; nil for none. Takes a while: the vocabulary is sorted once.
    init?(_ constraint: EngineConstraint, _ model: RequestModel) throws(EngineError) {
        do throws(GrammarError) {
            switch constraint {
            case .none: return nil
            case .json: grammar = .json
            case .jsonObject: grammar = .jsonObject
            case .jsonSchema(let text): grammar = try Grammar(jsonSchema: text)
            case .gbnf(let text): grammar = try Grammar(gbnf: text)
            }
        } catch {
            let field = if case .gbnf = constraint { "grammar" } else { "response_format" }
            throw .invalidRequest(field: field, reason: "\(error)")
        }
        trie = model.trie.trie(of: model.tokenizer)
    }

    /// The constraint before the first token.
    func begin() -> ConstraintRun { ConstraintRun(grammar, trie) }
}

/// Follows one answer through its constraint.
///
/// Sending it is safe although what matchers find out is memory that their copies share: a choice
/// has a matcher of its own, and all copies of one choice's run are used one after the other, by who
/// prepares it and then in each step by the one thread that samples it. Between them lie the
/// engine's lock and the end of the pool's task.
struct ConstraintRun: @unchecked Sendable {
    private var matcher: GrammarMatcher
    private let trie: TokenTrie

    fileprivate init(_ grammar: Grammar, _ trie: TokenTrie) {
        matcher = GrammarMatcher(grammar)
        self.trie = trie
    }

    /// The answer may end here.
    var mayEnd: Bool { matcher.mayEnd }

    /// The tokens that may follow, those that end the answer among them where it may end.
    mutating func allowed() -> TokenMask { matcher.allowed(trie) }

    /// Takes the next token's bytes; false if they do not follow.
    mutating func advance(_ bytes: [UInt8]) -> Bool {
        do throws(GrammarError) {
            try matcher.advance(bytes)
            return true
        } catch { return false }
    }
}

/// A vocabulary's trie, built when it is first needed: it takes a while.
final class SharedTrie: Sendable {
    private let built = Mutex<TokenTrie?>(nil)

    func trie(of tokenizer: any TokenizerProtocol) -> TokenTrie {
        built.withLock { built in
            if let built { return built }
            let ids = 0..<Int32(tokenizer.vocabularySize)
            // A control token has no bytes, and so is never allowed.
            let trie = TokenTrie(
                ids.map { tokenizer.bytes(of: $0) },
                endOfGeneration: ids.filter { tokenizer.isEndOfGeneration($0) })
            built = trie
            return trie
        }
    }
}
