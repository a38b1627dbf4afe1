// Grammar: which bytes a text may go on with, so that a whole answer has a given form.
//
// Grammars written down (GBNF) or given as JSON schemas are read here, compiled to one small
// machine over bytes, and turned into sets of allowed tokens. Pure, and independent of models and
// tokenizers: a vocabulary comes in as the bytes of each token. Choosing among the allowed tokens
// is `Sampling`'s. Nothing here limits what a user may ask for except ``GrammarLimits``.
//
// The way of a grammar: text → (``GBNFParser`` or ``SchemaCompiler``) → ``RuleSet`` of patterns →
// ``ProgramCompiler`` → ``Program``, a network of states with calls → ``Automaton``, which makes
// sets of (state, stack) into numbered states as they are met → ``GrammarMatcher``.

/// Bounds on grammars and on the work of matching them.
public enum GrammarLimits {
    /// The longest source of a grammar or schema, in bytes.
    public static let sourceBytesMax = 64 << 10
    /// The most rules, those that a schema makes included.
    public static let rulesMax = 1 << 14
    /// The longest name of a rule, in bytes.
    public static let nameBytesMax = 256
    /// The deepest nesting of groups in a grammar, and of values in a schema.
    public static let nestingMax = 64
    /// The highest count in a repetition.
    public static let repetitionMax = 1 << 20
    /// The most states of a compiled grammar.
    public static let statesMax = 1 << 18
    /// The deepest nesting of rules in a text; what would go deeper is not allowed.
    public static let depthMax = 256
    /// The most ways in which a text can be read at once; what would need more is not allowed.
    public static let stacksMax = 1 << 14
    /// The most sets of ways that are remembered at once, and made in one search of a vocabulary.
    public static let memoryStatesMax = 1 << 15
    /// The most ways in all of them together, 8 bytes each.
    public static let memoryWaysMax = 1 << 22
    /// The most places to go back to that are remembered at once, about 50 bytes each.
    public static let memoryFramesMax = 1 << 20
    /// The most masks that are remembered at once.
    public static let masksMax = 64
    /// The longest token, in bytes; a longer one is never allowed.
    public static let tokenBytesMax = 1_024
    /// The most schemas that `allOf` and `anyOf` may multiply to, and the most references followed
    /// without a value between.
    public static let schemaMergesMax = 1_024
    /// The most alternatives of one `oneOf`, of which each two are compared.
    public static let oneOfMax = 256
    /// The most digits of a number before the point, and after it.
    public static let digitsMax = 18
}

/// A form that a text must have: a compiled grammar over bytes.
public struct Grammar: Sendable {
    let program: Program

    /// Reads a grammar in GBNF: rules `name ::= …` of which `root` is the whole text; literals in
    /// double quotes, character classes, `.`, groups, `|`, and the repetitions `*`, `+`, `?`,
    /// `{m}`, `{m,}`, `{m,n}`; comments after `#`. Inside parentheses, after `::=` and after `|`
    /// a line may break. A character is a Unicode scalar.
    public init(gbnf source: String) throws(GrammarError) {
        var parser = try GBNFParser(source)
        try self.init(try parser.parse())
    }

    /// Reads a JSON schema. ``SchemaCompiler`` says what is supported; anything else that would
    /// change the meaning is refused by name.
    public init(jsonSchema source: String) throws(GrammarError) {
        let schema = try JSONReader.read(source)
        var compiler = SchemaCompiler(document: schema)
        try self.init(try compiler.compile())
    }

    init(_ rules: RuleSet) throws(GrammarError) {
        program = try ProgramCompiler.compile(rules)
        // Every other situation is reached by a step, which may find that there is none.
        guard Automaton(program).start() != Automaton.dead else {
            throw .tooLarge(
                what: "ways to read the first byte; make the grammar simpler",
                limit: GrammarLimits.stacksMax)
        }
    }

    /// Any JSON value (RFC 8259), with white space, digits and nesting bounded, so that every text
    /// ends.
    public static let json: Grammar = built { (rules: inout RuleSet) in
        JSONPatterns.value(in: &rules)
    }

    /// Any JSON object, likewise.
    public static let jsonObject: Grammar = built { (rules: inout RuleSet) in
        JSONPatterns.object(in: &rules)
    }

    private static func built(_ root: (inout RuleSet) -> Pattern) -> Grammar {
        var rules = RuleSet()
        let start = rules.reserve("root")
        rules.define(start, root(&rules))
        do { return try Grammar(rules) } catch {
            // The rules are fixed and compile within every bound; a test runs this.
            preconditionFailure("the grammar of JSON does not compile: \(error)")
        }
    }
}
