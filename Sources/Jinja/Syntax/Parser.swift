/// Makes a tree of tokens. Expressions are in `Parser+Expression`, statements in
/// `Parser+Statement`; the grammar and its precedences are Jinja2's.
struct Parser {
    private let tokens: [Token]
    private var index = 0
    private var nesting = 0
    /// The loops around the current statement, up to the enclosing macro.
    var loopDepth = 0
    /// The conditions that the current place depends on. There, what is not supported is an error
    /// only when the rendering comes to it, as in Jinja2: a template may ask what there is.
    var conditionDepth = 0
    /// The names read since the enclosing macro began.
    var namesRead: Set<String> = []

    init(_ tokens: [Token]) { self.tokens = tokens }

    /// The statements of a whole template.
    static func parse(_ source: String) throws(TemplateError) -> [Statement] {
        var parser = Parser(try Lexer.tokens(of: source))
        let (body, _) = try parser.statements(until: [])
        return body
    }

    /// The current token. The last one is never passed.
    var current: Token { tokens[index] }
    var next: Token { tokens[min(index + 1, tokens.count - 1)] }

    mutating func advance() { index = min(index + 1, tokens.count - 1) }

    func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }

    func isName(_ name: String) -> Bool { current.kind == .name(name) }

    /// Goes past `symbol` if it comes.
    mutating func skip(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    /// Goes past the name `name` if it comes.
    mutating func skipName(_ name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: String) throws(TemplateError) {
        guard skip(symbol) else { throw unexpected("'\(symbol)'") }
    }

    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else { throw unexpected("a name") }
        advance()
        return name
    }

    mutating func expectKind(_ kind: Token.Kind, _ what: String) throws(TemplateError) {
        guard current.kind == kind else { throw unexpected(what) }
        advance()
    }

    func unexpected(_ wanted: String) -> TemplateError {
        syntax("\(wanted) expected, found \(current.description)")
    }

    func syntax(_ message: String) -> TemplateError {
        TemplateError(.syntax, message, line: current.line)
    }

    /// Runs `body` one level deeper, if the nesting allows it.
    mutating func nested<T>(
        _ body: (inout Parser) throws(TemplateError) -> T
    ) throws(TemplateError) -> T {
        guard nesting < JinjaLimits.nestingMax else {
            throw TemplateError(
                .limit, "the template nests over \(JinjaLimits.nestingMax) deep",
                line: current.line)
        }
        nesting += 1
        defer { nesting -= 1 }
        return try body(&self)
    }
}
