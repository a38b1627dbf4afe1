extension Interpreter {
    /// How a body ended.
    enum Flow {
        case normal, leaveLoop, nextRound
    }

    /// Runs statements until one leaves the loop around them.
    func run(_ body: [Statement], in scope: Scope) throws(TemplateError) -> Flow {
        try nested { () throws(TemplateError) in
            for statement in body {
                line = statement.line
                try charge(1)
                let flow = try run(statement.kind, in: scope)
                guard flow == .normal else { return flow }
            }
            return .normal
        }
    }

    private func run(_ kind: Statement.Kind, in scope: Scope) throws(TemplateError) -> Flow {
        switch kind {
        case .text(let text): try write(text)
        case .output(let expression): try write(text(of: try evaluate(expression, in: scope)))
        case .set(let target, let expression):
            try bind(target, to: try evaluate(expression, in: scope), in: scope)
        case .setBlock(let target, let filters, let body):
            try runSetBlock(target, filters, body, in: scope)
        case .loop(let loop): try run(loop, in: scope)
        case .conditional(let branches, let otherwise):
            for branch in branches where try evaluate(branch.test, in: scope).isTrue {
                return try run(branch.body, in: scope)
            }
            return try run(otherwise, in: scope)
        case .macro(let definition):
            scope.values[definition.name] = .macro(try define(definition, in: scope))
        case .call(let block): try run(block, in: scope)
        case .filter(let filters, let body):
            let text = try capture(body, in: scope)
            try write(self.text(of: try apply(filters, to: .text(text), in: scope)))
        case .with(let bindings, let body):
            let inner = Scope(parent: scope)
            for (target, value) in bindings {
                try bind(target, to: try evaluate(value, in: scope), in: inner)
            }
            return try run(body, in: inner)
        case .body(let body): return try run(body, in: Scope(parent: scope))
        case .leaveLoop: return .leaveLoop
        case .nextRound: return .nextRound
        }
        return .normal
    }

    private func runSetBlock(
        _ target: Target, _ filters: [Postfix], _ body: [Statement], in scope: Scope
    ) throws(TemplateError) {
        let text = try capture(body, in: scope)
        try bind(target, to: try apply(filters, to: .text(text), in: scope), in: scope)
    }

    /// What `body` writes. A loop cannot be left from inside.
    private func capture(
        _ body: [Statement], in scope: Scope
    ) throws(TemplateError) -> JinjaText {
        try capture { () throws(TemplateError) in
            guard try run(body, in: Scope(parent: scope)) == .normal else {
                throw .unsupported("'break' and 'continue' out of a captured block")
            }
        }
    }

    private func apply(
        _ filters: [Postfix], to value: Value, in scope: Scope
    ) throws(TemplateError) -> Value {
        var value = value
        for filter in filters { value = try apply(filter, to: value, in: scope) }
        return value
    }

    /// Binds a target's names.
    func bind(_ target: Target, to value: Value, in scope: Scope) throws(TemplateError) {
        switch target {
        case .name(let name): scope.values[name] = value
        case .member(let namespace, let name):
            guard case .namespace(let index) = try lookUp(namespace, in: scope) else {
                throw .evaluation(
                    "'\(namespace)' is not a namespace: its attributes cannot be set")
            }
            namespaces[index][name] = value
        case .tuple(let targets):
            let values = try elements(of: value)
            guard values.count == targets.count else {
                throw .evaluation("\(values.count) values for \(targets.count) names")
            }
            for (target, value) in zip(targets, values) {
                try bind(target, to: value, in: scope)
            }
        }
    }
}
