extension Interpreter {
    /// Calls a value.
    func call(_ value: Value, _ arguments: CallArguments) throws(TemplateError) -> Value {
        switch value {
        case .macro(let index): return .text(try callMacro(index, arguments))
        case .function(let function): return try function.call(arguments, self)
        case .joiner(let index):
            defer { joiners[index].isUsed = true }
            return joiners[index].isUsed ? joiners[index].separator : .string("")
        case .undefined(let name): throw .evaluation("'\(name)' is undefined: it cannot be called")
        case .none, .boolean, .integer, .float, .text, .sequence, .mapping, .generator, .loop,
            .namespace, .cycler, .method:
            throw .evaluation("a \(value.typeName) cannot be called")
        }
    }

    /// Enters a macro into the table.
    func define(_ definition: MacroDefinition, in scope: Scope) throws(TemplateError) -> Int {
        macros.append((definition, scope))
        return macros.count - 1
    }

    /// Runs the macro of a call block, to which the block's body is `caller`.
    func run(_ block: CallBlock, in scope: Scope) throws(TemplateError) {
        let caller = try define(block.body, in: scope)
        let callee = try evaluate(block.callee, in: scope)
        guard case .macro = callee else {
            throw .unsupported("a call block of something that is not a macro")
        }
        var arguments = try evaluate(block.arguments, in: scope)
        arguments.keyword.append(("caller", .macro(caller)))
        try write(text(of: try call(callee, arguments)))
    }

    private func callMacro(
        _ index: Int, _ arguments: CallArguments
    ) throws(TemplateError) -> JinjaText {
        let (definition, outer) = macros[index]
        let scope = Scope(parent: outer)
        let names = definition.parameters.map(\.name)
        var keyword = arguments.keyword
        guard arguments.positional.count <= names.count || definition.takesMore else {
            throw .evaluation(
                "the macro '\(definition.name)' takes \(names.count) arguments, "
                    + "not \(arguments.positional.count)")
        }
        for (position, parameter) in definition.parameters.enumerated() {
            let name = parameter.name
            let given = keyword.firstIndex { $0.name == name }
            if position < arguments.positional.count {
                guard given == nil else {
                    throw .evaluation("the macro '\(definition.name)' is given '\(name)' twice")
                }
                scope.values[name] = arguments.positional[position]
            } else if let given {
                scope.values[name] = keyword.remove(at: given).value
            } else if let standard = parameter.standard {
                scope.values[name] = try evaluate(standard, in: scope)
            } else {
                scope.values[name] = .undefined(name)
            }
        }
        if definition.takesCaller, scope.values["caller"] == nil {
            let given = keyword.firstIndex { $0.name == "caller" }
            scope.values["caller"] =
                given.map { keyword.remove(at: $0).value }
                ?? .undefined("caller")
        }
        if definition.takesMore {
            let rest = arguments.positional.dropFirst(names.count)
            scope.values["varargs"] = try .tuple(Array(rest))
        }
        if definition.takesMoreKeywords {
            scope.values["kwargs"] = .mapping(
                try Mapping(keyword.map { (.string($0.name), $0.value) }))
        } else if let unknown = keyword.first {
            throw .evaluation("the macro '\(definition.name)' has no argument '\(unknown.name)'")
        }
        let line = line
        defer { self.line = line }
        return try capture { () throws(TemplateError) in
            _ = try run(definition.body, in: scope)
        }
    }
}
