extension Parser {
    /// Statements up to a block tag whose name is in `ends`; the name itself is read, and the rest
    /// of its tag is not. With no `ends`, statements up to the end of the template.
    mutating func statements(
        until ends: Set<String>
    ) throws(TemplateError) -> (body: [Statement], end: String) {
        try nested { (parser) throws(TemplateError) in try parser.statementList(until: ends) }
    }

    private mutating func statementList(
        until ends: Set<String>
    ) throws(TemplateError) -> (body: [Statement], end: String) {
        var body: [Statement] = []
        while true {
            let line = current.line
            switch current.kind {
            case .text(let text):
                body.append(Statement(kind: .text(text), line: line))
                advance()
            case .variableBegin:
                advance()
                body.append(Statement(kind: .output(try tuple()), line: line))
                try expectKind(.variableEnd, "'}}'")
            case .blockBegin:
                advance()
                guard case .name(let name) = current.kind else { throw unexpected("a tag's name") }
                advance()
                if ends.contains(name) { return (body, name) }
                body.append(Statement(kind: try statement(name, line), line: line))
                try expectKind(.blockEnd, "'%}'")
            case .end:
                guard ends.isEmpty else {
                    throw syntax("the template ends where '\(ends.sorted()[0])' is expected")
                }
                return (body, "")
            case .blockEnd, .variableEnd, .name, .integer, .float, .string, .symbol:
                throw unexpected("text or a tag")
            }
        }
    }

    /// The body of a tag up to its end tag, whose `%}` is left to the caller.
    private mutating func body(until end: String) throws(TemplateError) -> [Statement] {
        try expectKind(.blockEnd, "'%}'")
        return try statements(until: [end]).body
    }

    private mutating func statement(
        _ name: String, _ line: Int
    ) throws(TemplateError) -> Statement.Kind {
        switch name {
        case "set": return try assignment()
        case "if": return try conditionalStatement()
        case "for": return try loop()
        case "macro": return .macro(try macro())
        case "call": return try callBlock(line)
        case "with": return try with()
        case "filter":
            let filters = try filterChain()
            return .filter(filters, body: try body(until: "endfilter"))
        case "generation": return .body(try body(until: "endgeneration"))
        case "break", "continue":
            guard loopDepth > 0 else { throw syntax("'\(name)' outside a loop") }
            return name == "break" ? .leaveLoop : .nextRound
        default:
            throw .unsupported("the tag '\(name)' is not supported", line: line)
        }
    }

    private mutating func filterChain() throws(TemplateError) -> [Postfix] {
        var filters = [try filter()]
        while skip("|") { filters.append(try filter()) }
        return filters
    }

    private mutating func assignment() throws(TemplateError) -> Statement.Kind {
        let target = try target(mayBeMember: true)
        if skip("=") { return .set(target, try tuple()) }
        let filters = skip("|") ? try filterChain() : []
        return .setBlock(target, filters: filters, body: try body(until: "endset"))
    }

    private mutating func conditionalStatement() throws(TemplateError) -> Statement.Kind {
        conditionDepth += 1
        defer { conditionDepth -= 1 }
        var branches: [(test: Expression, body: [Statement])] = []
        while true {
            let test = try tuple(conditional: false)
            try expectKind(.blockEnd, "'%}'")
            let (body, end) = try statements(until: ["elif", "else", "endif"])
            branches.append((test, body))
            if end == "elif" { continue }
            let otherwise = end == "else" ? try self.body(until: "endif") : []
            return .conditional(branches, otherwise: otherwise)
        }
    }

    private mutating func loop() throws(TemplateError) -> Statement.Kind {
        let target = try target(mayBeMember: false)
        guard !target.binds("loop") else { throw syntax("a loop cannot bind 'loop'") }
        guard skipName("in") else { throw unexpected("'in'") }
        let source = try tuple(conditional: false)
        let test = skipName("if") ? try expression() : nil
        if isName("recursive") {
            throw .unsupported("recursive loops are not supported", line: current.line)
        }
        try expectKind(.blockEnd, "'%}'")
        loopDepth += 1
        let (body, end) = try statements(until: ["else", "endfor"])
        loopDepth -= 1
        let otherwise = end == "else" ? try self.body(until: "endfor") : []
        return .loop(
            ForLoop(target: target, source: source, test: test, body: body, otherwise: otherwise))
    }

    private mutating func with() throws(TemplateError) -> Statement.Kind {
        var bindings: [(target: Target, value: Expression)] = []
        while current.kind != .blockEnd {
            if !bindings.isEmpty { try expect(",") }
            let target = try target(mayBeMember: false)
            try expect("=")
            bindings.append((target, try expression()))
        }
        return .with(bindings, body: try body(until: "endwith"))
    }

    private mutating func macro() throws(TemplateError) -> MacroDefinition {
        let name = try expectName()
        return try macro(name, parameters: try parameters(), end: "endmacro")
    }

    /// A macro's body, and what it asks for besides its parameters.
    private mutating func macro(
        _ name: String, parameters: [(name: String, standard: Expression?)], end: String
    ) throws(TemplateError) -> MacroDefinition {
        let (outerNames, outerLoops) = (namesRead, loopDepth)
        (namesRead, loopDepth) = ([], 0)
        let body = try body(until: end)
        defer { (namesRead, loopDepth) = (outerNames, outerLoops) }
        return MacroDefinition(
            name: name, parameters: parameters, body: body,
            takesMore: namesRead.contains("varargs"),
            takesMoreKeywords: namesRead.contains("kwargs"),
            takesCaller: namesRead.contains("caller")
                || parameters.contains { $0.name == "caller" })
    }

    /// `(a, b=1)`.
    private mutating func parameters() throws(TemplateError) -> [(
        name: String, standard: Expression?
    )] {
        var parameters: [(name: String, standard: Expression?)] = []
        try expect("(")
        while !isSymbol(")") {
            if !parameters.isEmpty { try expect(",") }
            let name = try expectName()
            guard !parameters.contains(where: { $0.name == name }) else {
                throw syntax("the parameter '\(name)' is named twice")
            }
            let standard = skip("=") ? try expression() : nil
            if standard == nil, parameters.last?.standard != nil {
                throw syntax("the parameter '\(name)' needs a default as those before it")
            }
            parameters.append((name, standard))
        }
        try expect(")")
        return parameters
    }

    private mutating func callBlock(_ line: Int) throws(TemplateError) -> Statement.Kind {
        let parameters = isSymbol("(") ? try parameters() : []
        guard case .postfix(let base, var postfixes) = try expression(),
            case .call(let arguments)? = postfixes.popLast()?.kind
        else { throw TemplateError(.syntax, "a call expected after 'call'", line: line) }
        return .call(
            CallBlock(
                body: try macro("caller", parameters: parameters, end: "endcall"),
                callee: postfixes.isEmpty ? base : .postfix(base, postfixes),
                arguments: arguments))
    }

    /// Names that a value is bound to.
    private mutating func target(mayBeMember: Bool) throws(TemplateError) -> Target {
        var targets: [Target] = []
        var isTuple = false
        while true {
            targets.append(try oneTarget(mayBeMember: mayBeMember))
            guard skip(",") else { break }
            isTuple = true
            if isName("in") || isSymbol("=") || current.kind == .blockEnd { break }
        }
        return isTuple ? .tuple(targets) : targets[0]
    }

    private mutating func oneTarget(mayBeMember: Bool) throws(TemplateError) -> Target {
        if skip("(") {
            let inside = try nested { (parser) throws(TemplateError) in
                try parser.target(mayBeMember: mayBeMember)
            }
            try expect(")")
            return inside
        }
        let name = try expectName()
        guard !["true", "True", "false", "False", "none", "None"].contains(name) else {
            throw syntax("'\(name)' cannot be assigned to")
        }
        if mayBeMember, skip(".") {
            return .member(namespace: name, name: try expectName())
        }
        return .name(name)
    }
}
