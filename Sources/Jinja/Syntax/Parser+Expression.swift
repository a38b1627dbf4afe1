extension Parser {
    /// An expression, with or without `a if b else c`.
    mutating func expression(conditional: Bool = true) throws(TemplateError) -> Expression {
        try nested { (parser) throws(TemplateError) in
            guard conditional else { return try parser.disjunction() }
            return try parser.conditional()
        }
    }

    private mutating func conditional() throws(TemplateError) -> Expression {
        var result = try disjunction()
        var rounds = 0
        while skipName("if") {
            // Each round wraps the one before: it nests although nothing recurs.
            rounds += 1
            guard rounds <= JinjaLimits.nestingMax else {
                throw .limit("conditions nested over \(JinjaLimits.nestingMax) deep")
            }
            conditionDepth += 1
            defer { conditionDepth -= 1 }
            let test = try disjunction()
            let otherwise = skipName("else") ? try expression() : nil
            result = .conditional(test: test, then: result, otherwise: otherwise)
        }
        return result
    }

    private mutating func disjunction() throws(TemplateError) -> Expression {
        let first = try conjunction()
        guard isName("or") else { return first }
        var operands = [first]
        while skipName("or") { operands.append(try conjunction()) }
        return .any(operands)
    }

    private mutating func conjunction() throws(TemplateError) -> Expression {
        let first = try negation()
        guard isName("and") else { return first }
        var operands = [first]
        while skipName("and") { operands.append(try negation()) }
        return .all(operands)
    }

    private mutating func negation() throws(TemplateError) -> Expression {
        guard skipName("not") else { return try comparison() }
        return try nested { (parser) throws(TemplateError) in .not(try parser.negation()) }
    }

    private mutating func comparison() throws(TemplateError) -> Expression {
        let first = try sum()
        var rest: [(relation: Relation, right: Expression)] = []
        while let relation = relation() { rest.append((relation, try sum())) }
        return rest.isEmpty ? first : .comparison(first, rest)
    }

    private mutating func relation() -> Relation? {
        switch current.kind {
        case .name("in"):
            advance()
            return .isIn
        case .name("not") where next.kind == .name("in"):
            advance()
            advance()
            return .isNotIn
        case .symbol(let symbol):
            let relations: [String: Relation] = [
                "==": .equal, "!=": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater,
                ">=": .greaterOrEqual,
            ]
            guard let relation = relations[symbol] else { return nil }
            advance()
            return relation
        case .text, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .name, .integer, .float,
            .string, .end:
            return nil
        }
    }

    private mutating func sum() throws(TemplateError) -> Expression {
        try chain([.add, .subtract]) { (parser) throws(TemplateError) in
            try parser.concatenation()
        }
    }

    private mutating func concatenation() throws(TemplateError) -> Expression {
        let first = try product()
        guard isSymbol("~") else { return first }
        var operands = [first]
        while skip("~") { operands.append(try product()) }
        return .concatenation(operands)
    }

    private mutating func product() throws(TemplateError) -> Expression {
        try chain([.multiply, .divide, .floorDivide, .remainder]) {
            (parser) throws(TemplateError) in try parser.power()
        }
    }

    private mutating func power() throws(TemplateError) -> Expression {
        try chain([.power]) { (parser) throws(TemplateError) in try parser.unary(filters: true) }
    }

    /// Operands with operators of one level between them, applied from the left.
    private mutating func chain(
        _ operations: [Arithmetic], operand: (inout Parser) throws(TemplateError) -> Expression
    ) throws(TemplateError) -> Expression {
        let first = try operand(&self)
        var rest: [(operation: Arithmetic, right: Expression)] = []
        while let operation = operations.first(where: { isSymbol($0.rawValue) }) {
            advance()
            rest.append((operation, try operand(&self)))
        }
        return rest.isEmpty ? first : .arithmetic(first, rest)
    }

    /// An operand with its signs. Filters apply to the signed value.
    private mutating func unary(filters: Bool) throws(TemplateError) -> Expression {
        let base: Expression
        if skip("-") {
            base = try nested { (parser) throws(TemplateError) in
                .negative(try parser.unary(filters: false))
            }
        } else if skip("+") {
            base = try nested { (parser) throws(TemplateError) in
                .positive(try parser.unary(filters: false))
            }
        } else {
            base = try primary()
        }
        return try postfix(base, filters: filters)
    }

    /// What follows `base`: subscripts and calls, then, with `filters`, filters and tests too.
    mutating func postfix(_ base: Expression, filters: Bool) throws(TemplateError) -> Expression {
        var postfixes: [Postfix] = []
        while isSymbol(".") || isSymbol("[") || isSymbol("(") {
            postfixes.append(try subscripted())
        }
        while filters {
            if isSymbol("|") {
                advance()
                postfixes.append(try filter())
            } else if isName("is") {
                postfixes.append(try test())
            } else if isSymbol("(") {
                postfixes.append(try subscripted())
            } else {
                break
            }
        }
        return postfixes.isEmpty ? base : .postfix(base, postfixes)
    }

    /// A name, a literal, or an expression in brackets.
    mutating func primary() throws(TemplateError) -> Expression {
        switch current.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return .boolean(true)
            case "false", "False": return .boolean(false)
            case "none", "None": return .none
            default:
                namesRead.insert(name)
                return .name(name)
            }
        case .string(var text):
            advance()
            while case .string(let more) = current.kind {
                text.units += more.units
                advance()
            }
            return .text(text)
        case .integer(let value):
            advance()
            return .integer(value)
        case .float(let value):
            advance()
            return .float(value)
        case .symbol("("):
            advance()
            let inside = try tuple(mayBeEmpty: true)
            try expect(")")
            return inside
        case .symbol("["):
            advance()
            return .list(
                try items(until: "]") { (parser) throws(TemplateError) in
                    try parser.expression()
                })
        case .symbol("{"):
            advance()
            return .mapping(
                try items(until: "}") { (parser) throws(TemplateError) in
                    let key = try parser.expression()
                    try parser.expect(":")
                    return (key, try parser.expression())
                })
        case .text, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .symbol, .end:
            throw unexpected("an expression")
        }
    }

    /// Elements with commas between them, and the bracket that ends them.
    private mutating func items<T>(
        until close: String, _ element: (inout Parser) throws(TemplateError) -> T
    ) throws(TemplateError) -> [T] {
        var elements: [T] = []
        while !isSymbol(close) {
            if !elements.isEmpty {
                try expect(",")
                if isSymbol(close) { break }
            }
            elements.append(try element(&self))
        }
        try expect(close)
        return elements
    }

    /// One expression, or several with commas: a tuple.
    mutating func tuple(
        conditional: Bool = true, mayBeEmpty: Bool = false
    ) throws(TemplateError) -> Expression {
        var elements: [Expression] = []
        var isTuple = false
        while !isTupleEnd {
            elements.append(try expression(conditional: conditional))
            guard skip(",") else { break }
            isTuple = true
        }
        if isTuple || elements.isEmpty && mayBeEmpty { return .tuple(elements) }
        guard let only = elements.first else { throw unexpected("an expression") }
        return only
    }

    private var isTupleEnd: Bool {
        switch current.kind {
        case .variableEnd, .blockEnd, .end, .symbol(")"): true
        case .name("recursive"): true
        case .text, .blockBegin, .variableBegin, .name, .integer, .float, .string, .symbol: false
        }
    }
}
