/// What may follow `is`.
enum Tests {
    private typealias Test = @Sendable (Value, [Value], Interpreter) throws(TemplateError) -> Bool

    static func isKnown(_ name: String) -> Bool {
        plain[name] != nil || relations[name] != nil || texts[name] != nil
    }

    /// Whether `value` passes the test.
    static func holds(
        _ name: String, _ value: Value, _ arguments: CallArguments, _ interpreter: Interpreter
    ) throws(TemplateError) -> Bool {
        guard arguments.keyword.isEmpty else {
            throw .evaluation("the test '\(name)' has no argument '\(arguments.keyword[0].name)'")
        }
        let arguments = arguments.positional
        if let relation = relations[name] {
            guard arguments.count == 1 else {
                throw .evaluation("the test '\(name)' takes one argument")
            }
            return try interpreter.holds(value, relation, arguments[0])
        }
        if let test = texts[name] {
            guard arguments.isEmpty else { throw .evaluation("'\(name)' takes no argument") }
            return test(try interpreter.text(of: value))
        }
        guard let test = plain[name] else {
            throw .unsupported("the test '\(name)' is not supported")
        }
        guard arguments.count == (takingOne.contains(name) ? 1 : 0) else {
            throw .evaluation("the test '\(name)' does not take \(arguments.count) arguments")
        }
        return try test(value, arguments, interpreter)
    }

    private static let takingOne: Set<String> = ["divisibleby", "sameas"]

    private static let relations: [String: Relation] = [
        "eq": .equal, "equalto": .equal, "==": .equal, "ne": .notEqual, "!=": .notEqual,
        "lt": .less, "lessthan": .less, "<": .less, "le": .lessOrEqual, "<=": .lessOrEqual,
        "gt": .greater, "greaterthan": .greater, ">": .greater, "ge": .greaterOrEqual,
        ">=": .greaterOrEqual, "in": .isIn,
    ]

    private static let texts: [String: @Sendable (JinjaText) -> Bool] = [
        "lower": { $0.isLower }, "upper": { $0.isUpper },
    ]

    private static let plain: [String: Test] = [
        "defined": { value, _, _ in !value.isUndefined },
        "undefined": { value, _, _ in value.isUndefined },
        "none": { value, _, _ in if case .none = value { true } else { false } },
        "boolean": { value, _, _ in if case .boolean = value { true } else { false } },
        "true": { value, _, _ in if case .boolean(true) = value { true } else { false } },
        "false": { value, _, _ in if case .boolean(false) = value { true } else { false } },
        "integer": { value, _, _ in if case .integer = value { true } else { false } },
        "float": { value, _, _ in if case .float = value { true } else { false } },
        "number": { value, _, _ in Number(value) != nil },
        "string": { value, _, _ in if case .text = value { true } else { false } },
        "mapping": { value, _, _ in if case .mapping = value { true } else { false } },
        "sequence": { value, _, _ in isSequence(value) },
        "iterable": { value, _, _ in isIterable(value) },
        "callable": { value, _, _ in isCallable(value) },
        "escaped": { _, _, _ in false },
        "odd": { value, _, interpreter throws(TemplateError) in
            try remainder(value, .integer(2), interpreter, is: 1)
        },
        "even": { value, _, interpreter throws(TemplateError) in
            try remainder(value, .integer(2), interpreter, is: 0)
        },
        "divisibleby": { value, arguments, interpreter throws(TemplateError) in
            try remainder(value, arguments[0], interpreter, is: 0)
        },
        "sameas": { value, arguments, interpreter throws(TemplateError) in
            try isSame(value, arguments[0], interpreter)
        },
        "filter": { value, _, interpreter throws(TemplateError) in
            Filters.isKnown(try interpreter.text(of: value).string)
        },
        "test": { value, _, interpreter throws(TemplateError) in
            isKnown(try interpreter.text(of: value).string)
        },
    ]

    private static func remainder(
        _ value: Value, _ divisor: Value, _ interpreter: Interpreter, is wanted: Int
    ) throws(TemplateError) -> Bool {
        guard Number(value) != nil else {
            throw .evaluation("a \(interpreter.described(value)) is neither odd nor even")
        }
        let remainder = try interpreter.compute(value, .remainder, divisor)
        return try interpreter.equal(remainder, .integer(wanted))
    }

    /// Whether two values are one object. Of objects that Python may or may not share, such as
    /// equal strings, it is said that they are.
    private static func isSame(
        _ left: Value, _ right: Value, _ interpreter: Interpreter
    ) throws(TemplateError) -> Bool {
        switch (left, right) {
        case (.sequence(let a), .sequence(let b)): a === b
        case (.mapping(let a), .mapping(let b)): a === b
        default:
            left.typeName == right.typeName ? try interpreter.equal(left, right) : false
        }
    }

    private static func isSequence(_ value: Value) -> Bool {
        switch value {
        case .text, .mapping, .undefined: true
        case .sequence(let sequence): sequence.kind.isIndexed
        case .none, .boolean, .integer, .float, .generator, .loop, .namespace, .macro, .joiner,
            .cycler, .function, .method:
            false
        }
    }

    private static func isIterable(_ value: Value) -> Bool {
        switch value {
        case .text, .mapping, .undefined, .sequence, .generator, .loop: true
        case .none, .boolean, .integer, .float, .namespace, .macro, .joiner, .cycler, .function,
            .method:
            false
        }
    }

    private static func isCallable(_ value: Value) -> Bool {
        switch value {
        case .macro, .function, .method, .joiner, .loop, .undefined: true
        case .none, .boolean, .integer, .float, .text, .sequence, .mapping, .generator,
            .namespace, .cycler:
            false
        }
    }
}
