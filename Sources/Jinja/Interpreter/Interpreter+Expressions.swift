extension Interpreter {
    /// The value of an expression. Small on purpose: it is what recurs.
    func evaluate(_ expression: Expression, in scope: Scope) throws(TemplateError) -> Value {
        try charge(1)
        switch expression {
        case .none: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .float(let value): return .float(value)
        case .text(let text): return .text(text)
        case .name(let name): return try lookUp(name, in: scope)
        default: return try evaluateNested(expression, in: scope)
        }
    }

    private func evaluateNested(
        _ expression: Expression, in scope: Scope
    ) throws(TemplateError) -> Value {
        try nested { () throws(TemplateError) in
            switch expression {
            case .none, .boolean, .integer, .float, .text, .name: .none  // evaluated above
            case .list(let elements): try .list(evaluate(elements, in: scope))
            case .tuple(let elements): try .tuple(evaluate(elements, in: scope))
            case .mapping(let pairs): try evaluate(pairs, in: scope)
            case .not(let operand): .boolean(!(try evaluate(operand, in: scope).isTrue))
            case .negative(let operand): try negative(try evaluate(operand, in: scope))
            case .positive(let operand): try positive(try evaluate(operand, in: scope))
            case .all(let operands): try first(of: operands, thatIs: false, in: scope)
            case .any(let operands): try first(of: operands, thatIs: true, in: scope)
            case .comparison(let first, let rest):
                .boolean(try compare(first, rest, in: scope))
            case .arithmetic(let first, let rest): try compute(first, rest, in: scope)
            case .concatenation(let operands): try concatenate(operands, in: scope)
            case .conditional(let test, let then, let otherwise):
                if try evaluate(test, in: scope).isTrue {
                    try evaluate(then, in: scope)
                } else if let otherwise {
                    try evaluate(otherwise, in: scope)
                } else {
                    .undefined("the 'if' without 'else'")
                }
            case .postfix(let base, let postfixes):
                try evaluate(base, postfixes, in: scope)
            }
        }
    }

    func evaluate(
        _ expressions: [Expression], in scope: Scope
    ) throws(TemplateError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression, in: scope)) }
        return values
    }

    private func evaluate(
        _ pairs: [(key: Expression, value: Expression)], in scope: Scope
    ) throws(TemplateError) -> Value {
        var values: [(key: Value, value: Value)] = []
        for (key, value) in pairs {
            values.append((try evaluate(key, in: scope), try evaluate(value, in: scope)))
        }
        return .mapping(try Mapping(values))
    }

    /// The first operand whose truth is `truth`, or the last: `or` and `and` as Python has them.
    private func first(
        of operands: [Expression], thatIs truth: Bool, in scope: Scope
    ) throws(TemplateError) -> Value {
        var value = Value.none
        for operand in operands {
            value = try evaluate(operand, in: scope)
            if value.isTrue == truth { break }
        }
        return value
    }

    private func compare(
        _ first: Expression, _ rest: [(relation: Relation, right: Expression)], in scope: Scope
    ) throws(TemplateError) -> Bool {
        var left = try evaluate(first, in: scope)
        for (relation, expression) in rest {
            let right = try evaluate(expression, in: scope)
            guard try holds(left, relation, right) else { return false }
            left = right
        }
        return true
    }

    private func compute(
        _ first: Expression, _ rest: [(operation: Arithmetic, right: Expression)],
        in scope: Scope
    ) throws(TemplateError) -> Value {
        var value = try evaluate(first, in: scope)
        for (operation, right) in rest {
            value = try compute(value, operation, try evaluate(right, in: scope))
        }
        return value
    }

    private func concatenate(
        _ operands: [Expression], in scope: Scope
    ) throws(TemplateError) -> Value {
        var units: [UInt32] = []
        for operand in operands {
            let text = try text(of: try evaluate(operand, in: scope))
            try reserve(units.count + text.count)
            units += text.units
        }
        return .text(JinjaText(units: units))
    }

    /// Applies what follows a base, a method's name and its call together.
    private func evaluate(
        _ base: Expression, _ postfixes: [Postfix], in scope: Scope
    ) throws(TemplateError) -> Value {
        var value = try evaluate(base, in: scope)
        var index = 0
        while index < postfixes.count {
            let postfix = postfixes[index]
            if index + 1 < postfixes.count, case .call(let arguments) = postfixes[index + 1].kind,
                let result = try callMethod(postfix, arguments, of: value, in: scope)
            {
                value = result
                index += 2
            } else {
                value = try apply(postfix, to: value, in: scope)
                index += 1
            }
        }
        return value
    }

    /// The result of a method call; nil if `postfix` does not name a method of `value`.
    private func callMethod(
        _ postfix: Postfix, _ arguments: Arguments, of value: Value, in scope: Scope
    ) throws(TemplateError) -> Value? {
        let name: String
        switch postfix.kind {
        case .attribute(let attribute): name = attribute
        case .item(.text(let text)):
            // A key comes before a method of the same name here, and after it in `a.name`.
            if case .mapping(let mapping) = value, mapping[.text(text)] != nil { return nil }
            name = text.string
        case .item, .slice, .call, .filter, .test: return nil
        }
        guard Methods.isMethod(name, of: value) else { return nil }
        line = postfix.line
        return try callMethod(name, of: value, try evaluate(arguments, in: scope))
    }

    /// Applies one postfix.
    func apply(
        _ postfix: Postfix, to value: Value, in scope: Scope
    ) throws(TemplateError) -> Value {
        try charge(1)
        line = postfix.line
        switch postfix.kind {
        case .attribute(let name): return try attribute(name, of: value)
        case .item(let expression):
            return try item(try evaluate(expression, in: scope), of: value)
        case .slice(let start, let stop, let step):
            return try slice(
                value, try bound(start, in: scope), try bound(stop, in: scope),
                try bound(step, in: scope))
        case .call(let arguments): return try call(value, try evaluate(arguments, in: scope))
        case .filter(let name, let arguments):
            let arguments = try evaluate(arguments, in: scope)
            line = postfix.line
            return try Filters.apply(name, to: value, arguments, self)
        case .test(let name, let arguments, let isNegated):
            let arguments = try evaluate(arguments, in: scope)
            line = postfix.line
            return .boolean(try Tests.holds(name, value, arguments, self) != isNegated)
        }
    }

    private func bound(
        _ expression: Expression?, in scope: Scope
    ) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        switch try evaluate(expression, in: scope) {
        case .none: return nil
        case .integer(let value): return value
        case .boolean(let value): return value ? 1 : 0
        case let value: throw .evaluation("a slice cannot begin or end at a \(value.typeName)")
        }
    }

    func evaluate(
        _ arguments: Arguments, in scope: Scope
    ) throws(TemplateError) -> CallArguments {
        var result = CallArguments()
        result.positional = try evaluate(arguments.positional, in: scope)
        for (name, value) in arguments.keyword {
            result.keyword.append((name, try evaluate(value, in: scope)))
        }
        if let spread = arguments.spread {
            result.positional += try elements(of: try evaluate(spread, in: scope))
        }
        if let spread = arguments.keywordSpread {
            guard case .mapping(let mapping) = try evaluate(spread, in: scope) else {
                throw .evaluation("what follows ** is not a mapping")
            }
            try charge(mapping.keys.count)
            for (key, value) in zip(mapping.keys, mapping.values) {
                guard case .text(let name) = key else {
                    throw .evaluation("the name of an argument is not a string")
                }
                result.keyword.append((name.string, value))
            }
        }
        return result
    }
}
