extension Parser {
    /// `.name`, `[item]`, `[a:b:c]` or a call.
    mutating func subscripted() throws(TemplateError) -> Postfix {
        let line = current.line
        if isSymbol("(") { return Postfix(kind: .call(try arguments()), line: line) }
        if skip(".") {
            switch current.kind {
            case .name(let name):
                advance()
                return Postfix(kind: .attribute(name), line: line)
            case .integer(let index):
                advance()
                return Postfix(kind: .item(.integer(index)), line: line)
            case .text, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .float, .string,
                .symbol, .end:
                throw unexpected("a name or a number")
            }
        }
        try expect("[")
        let kind = try item()
        guard skip(",") else {
            try expect("]")
            return Postfix(kind: kind, line: line)
        }
        guard case .item(let first) = kind else {
            throw .unsupported("slices in several dimensions are not supported", line: line)
        }
        var elements = [first]
        while !isSymbol("]") {
            elements.append(try expression())
            guard skip(",") else { break }
        }
        try expect("]")
        return Postfix(kind: .item(.tuple(elements)), line: line)
    }

    private mutating func item() throws(TemplateError) -> Postfix.Kind {
        var parts: [Expression?] = [isSymbol(":") ? nil : try expression()]
        guard isSymbol(":") else {
            guard let only = parts[0] else { throw unexpected("an expression") }
            return .item(only)
        }
        while parts.count < 3, skip(":") {
            let isAbsent = isSymbol(":") || isSymbol("]") || isSymbol(",")
            parts.append(isAbsent ? nil : try expression())
        }
        return .slice(start: parts[0], stop: parts[1], step: parts.count > 2 ? parts[2] : nil)
    }

    /// `(a, b, name=c, *d, **e)`.
    mutating func arguments() throws(TemplateError) -> Arguments {
        var arguments = Arguments()
        try expect("(")
        var isFirst = true
        while !isSymbol(")") {
            if !isFirst {
                try expect(",")
                if isSymbol(")") { break }
            }
            isFirst = false
            if skip("*") {
                guard arguments.spread == nil, arguments.keywordSpread == nil else {
                    throw syntax("two lists of arguments")
                }
                arguments.spread = try expression()
            } else if skip("**") {
                guard arguments.keywordSpread == nil else {
                    throw syntax("two mappings of arguments")
                }
                arguments.keywordSpread = try expression()
            } else if case .name(let name) = current.kind, next.kind == .symbol("=") {
                guard arguments.keywordSpread == nil else { throw syntax("an argument after **") }
                guard !arguments.keyword.contains(where: { $0.name == name }) else {
                    throw syntax("the argument '\(name)' is given twice")
                }
                advance()
                advance()
                arguments.keyword.append((name, try expression()))
            } else {
                guard arguments.spread == nil, arguments.keywordSpread == nil,
                    arguments.keyword.isEmpty
                else { throw syntax("a positional argument after others") }
                arguments.positional.append(try expression())
            }
        }
        try expect(")")
        return arguments
    }

    /// A filter's name and arguments, the bar already read.
    mutating func filter() throws(TemplateError) -> Postfix {
        let line = current.line
        let name = try dottedName()
        guard Filters.isKnown(name) || conditionDepth > 0 else {
            throw .unsupported("the filter '\(name)' is not supported", line: line)
        }
        let arguments = isSymbol("(") ? try arguments() : Arguments()
        return Postfix(kind: .filter(name, arguments), line: line)
    }

    /// `is name`, `is not name(arguments)` or `is name argument`.
    mutating func test() throws(TemplateError) -> Postfix {
        let line = current.line
        advance()
        let isNegated = skipName("not")
        let name = try dottedName()
        guard Tests.isKnown(name) || conditionDepth > 0 else {
            throw .unsupported("the test '\(name)' is not supported", line: line)
        }
        var arguments = Arguments()
        if isSymbol("(") {
            arguments = try self.arguments()
        } else if try beginsTestArgument() {
            let argument = try primary()
            arguments.positional = [try postfix(argument, filters: false)]
        }
        return Postfix(kind: .test(name, arguments, isNegated: isNegated), line: line)
    }

    private func beginsTestArgument() throws(TemplateError) -> Bool {
        switch current.kind {
        case .name("else"), .name("or"), .name("and"): return false
        case .name("is"): throw syntax("two tests with 'is' cannot follow one another")
        case .name, .string, .integer, .float, .symbol("["), .symbol("{"): return true
        case .text, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .symbol, .end:
            return false
        }
    }

    private mutating func dottedName() throws(TemplateError) -> String {
        var name = try expectName()
        while skip(".") { name += "." + (try expectName()) }
        return name
    }
}
