/// What may follow `|`. Filters of texts and numbers are in `Filters+Text`, those of lists and
/// mappings in `Filters+Sequences`.
enum Filters {
    typealias Filter =
        @Sendable (Value, CallArguments, Interpreter) throws(TemplateError) -> Value

    static func isKnown(_ name: String) -> Bool {
        textFilters[name] != nil || sequenceFilters[name] != nil || general[name] != nil
    }

    static func apply(
        _ name: String, to value: Value, _ arguments: CallArguments, _ interpreter: Interpreter
    ) throws(TemplateError) -> Value {
        guard let filter = textFilters[name] ?? sequenceFilters[name] ?? general[name] else {
            throw .unsupported("the filter '\(name)' is not supported")
        }
        try interpreter.charge(1)
        return try filter(value, arguments, interpreter)
    }

    private static let general: [String: Filter] = [
        "default": fallback, "d": fallback, "tojson": json, "attr": attribute,
        "length": length, "count": length, "from_json": parsedJSON,
    ]

    private static let fallback: Filter = { value, arguments, _ throws(TemplateError) in
        let bound = try arguments.bind(["default_value", "boolean"], to: "default")
        let replaces = value.isUndefined || bound[1]?.isTrue == true && !value.isTrue
        return replaces ? bound[0] ?? .string("") : value
    }

    /// `tojson` as transformers defines it, not Jinja2's own, which escapes for HTML.
    private static let json: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(
            ["ensure_ascii", "indent", "separators", "sort_keys"], to: "tojson")
        var options = JSONWriter.Options()
        options.isASCII = bound[0]?.isTrue ?? false
        options.sortsKeys = bound[3]?.isTrue ?? false
        switch bound[1] {
        case nil, Value.none?: break
        case .text(let text)?: options.indent = text
        case let width?:
            let width = max(0, try TextMethods.integer(width) ?? 0)
            try interpreter.reserve(width)
            options.indent = JinjaText(String(repeating: " ", count: width))
        }
        if options.indent != nil { options.itemSeparator = JinjaText(",") }
        if case .sequence(let separators)? = bound[2], separators.elements.count == 2 {
            options.itemSeparator = try TextMethods.text(separators.elements[0])
            options.keySeparator = try TextMethods.text(separators.elements[1])
        }
        var writer = JSONWriter(interpreter, options)
        try writer.write(value)
        return .text(JinjaText(units: writer.units))
    }

    /// `from_json`, which some published templates take for granted. What it reads is trusted only
    /// if the whole text is.
    private static let parsedJSON: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "from_json")
        let text = try TextMethods.text(value)
        try interpreter.reserve(text.count)
        // A value takes far more memory than its shortest text: it is charged as so many elements.
        try interpreter.charge(text.count)
        let isTrusted = text.units.allSatisfy { $0 & JinjaText.untrustedMark == 0 }
        return try Value(JinjaValue(json: text.string.utf8, isTrusted: isTrusted))
    }

    /// `attr`: an attribute and never an entry.
    private static let attribute: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["name"], required: 1, to: "attr")
        let name = try TextMethods.text(bound[0]).string
        if case .mapping = value {
            return Methods.isMethod(name, of: value) ? .method(name) : .undefined(name)
        }
        return try interpreter.attribute(name, of: value)
    }

    private static let length: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "length")
        switch value {
        case .text(let text): return .integer(text.count)
        case .sequence(let sequence): return .integer(sequence.elements.count)
        case .mapping(let mapping): return .integer(mapping.keys.count)
        case .undefined: return .integer(0)
        case .none, .boolean, .integer, .float, .generator, .loop, .namespace, .macro, .joiner,
            .cycler, .function, .method:
            throw .evaluation("a \(value.typeName) has no length")
        }
    }
}
