extension Filters {
    /// A filter that makes a text of a text and of nothing else.
    private static func mapping(
        _ name: String, _ map: @escaping @Sendable (JinjaText) -> JinjaText
    ) -> Filter {
        { value, arguments, interpreter throws(TemplateError) in
            _ = try arguments.bind([], to: name)
            let text = try interpreter.text(of: value)
            try interpreter.reserve(text.count)
            return .text(map(text))
        }
    }

    static let textFilters: [String: Filter] = [
        "upper": mapping("upper") { $0.uppercased }, "lower": mapping("lower") { $0.lowercased },
        "capitalize": mapping("capitalize") { $0.capitalized }, "title": mapping("title", title),
        "string": mapping("string") { $0 }, "safe": mapping("safe") { $0 },
        "e": mapping("e", escaped), "escape": mapping("escape", escaped),
        "forceescape": mapping("forceescape", escaped), "trim": trim, "replace": replace,
        "indent": indent, "center": center, "truncate": truncate, "wordcount": wordCount,
        "format": format, "int": integer, "float": float, "abs": absolute, "round": round,
    ]

    /// Jinja2's own title case: a word begins after white space, a hyphen or an opening bracket.
    private static func title(_ text: JinjaText) -> JinjaText {
        let separators = Set("-({[<".unicodeScalars.map(\.value))
        func separates(_ unit: UInt32) -> Bool {
            Characters.isSpace(unit) || separators.contains(unit & JinjaText.scalarMask)
        }
        var units: [UInt32] = []
        var rest = text.units[...]
        while let first = rest.first {
            let kind = separates(first)
            let word = rest.prefix { separates($0) == kind }
            units += Characters.upper(first)
            units += JinjaText(units: word.dropFirst()).lowercased.units
            rest = rest[word.endIndex...]
        }
        return JinjaText(units: units)
    }

    /// HTML's special characters as references.
    private static func escaped(_ text: JinjaText) -> JinjaText {
        let references: [UInt32: String] = [
            0x26: "&amp;", 0x3C: "&lt;", 0x3E: "&gt;", 0x27: "&#39;", 0x22: "&#34;",
        ]
        return JinjaText(
            units: text.units.flatMap { unit in
                references[unit & JinjaText.scalarMask]?.unicodeScalars.map {
                    $0.value | unit & JinjaText.untrustedMark
                } ?? [unit]
            })
    }

    private static let trim: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["chars"], to: "trim")[0]
        let text = try interpreter.text(of: value)
        try interpreter.reserve(text.count)
        guard let bound else { return .text(text.stripped()) }
        if case .none = bound { return .text(text.stripped()) }
        return .text(text.stripped(of: try TextMethods.text(bound)))
    }

    private static let replace: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["old", "new", "count"], required: 2, to: "replace")
        return .text(
            try interpreter.replaced(
                try interpreter.text(of: value), try interpreter.text(of: bound[0] ?? .none),
                try interpreter.text(of: bound[1] ?? .none),
                limit: try TextMethods.integer(bound[2]) ?? -1))
    }

    private static let indent: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["width", "first", "blank"], to: "indent")
        guard case .text(let text) = value else {
            throw .evaluation("indent of a \(interpreter.described(value))")
        }
        let indention: JinjaText
        if case .text(let given)? = bound[0] {
            indention = given
        } else {
            let width = max(0, try TextMethods.integer(bound[0]) ?? 4)
            try interpreter.reserve(width)
            indention = JinjaText(String(repeating: " ", count: width))
        }
        let indentsBlank = bound[2]?.isTrue ?? false
        // The line feed added makes a last, empty line count.
        let lines = JinjaText(units: text.units + [10]).lines()
        let indented = lines.enumerated().map { (index, line) in
            index > 0 && (indentsBlank || line.count > 0)
                ? JinjaText(units: indention.units + line.units) : line
        }
        let joined = try interpreter.joined(indented, by: JinjaText("\n"))
        guard bound[1]?.isTrue ?? false else { return .text(joined) }
        return .text(try interpreter.joined([indention, joined], by: JinjaText()))
    }

    private static let center: Filter = { value, arguments, interpreter throws(TemplateError) in
        let width = try TextMethods.integer(arguments.bind(["width"], to: "center")[0]) ?? 80
        return try TextMethods.call(
            "center", of: try interpreter.text(of: value),
            CallArguments(positional: [.integer(width)]), interpreter)
    }

    private static let truncate: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["length", "killwords", "end", "leeway"], to: "truncate")
        let text = try TextMethods.text(value)
        let end =
            try bound[2].map { (end) throws(TemplateError) in try TextMethods.text(end) }
            ?? JinjaText("...")
        let length = try TextMethods.integer(bound[0]) ?? 255
        let leeway = try TextMethods.integer(bound[3]) ?? 5
        guard length >= end.count, leeway >= 0, leeway <= JinjaLimits.textCharactersMax else {
            throw .evaluation("truncate to \(length) characters")
        }
        guard text.count > length, text.count - length > leeway else { return value }
        try interpreter.reserve(length)
        var kept = text.units.prefix(length - end.count)
        if bound[1]?.isTrue != true,
            let space = kept.lastIndex(where: { $0 & JinjaText.scalarMask == 0x20 })
        {
            kept = kept[..<space]
        }
        return .text(JinjaText(units: kept + end.units))
    }

    private static let wordCount: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "wordcount")
        let text = try interpreter.text(of: value)
        try interpreter.chargeText(text.count)
        var count = 0
        var isInWord = false
        for unit in text.units {
            let isWord = Characters.isWord(unit)
            if isWord && !isInWord { count += 1 }
            isInWord = isWord
        }
        return .integer(count)
    }

    private static let format: Filter = { value, arguments, interpreter throws(TemplateError) in
        let text = try interpreter.text(of: value)
        guard arguments.keyword.isEmpty else {
            guard arguments.positional.isEmpty else {
                throw .evaluation("format takes positions or names, not both")
            }
            let mapping = try Mapping(arguments.keyword.map { (.string($0.name), $0.value) })
            return .text(try interpreter.formatted(text, .mapping(mapping)))
        }
        return .text(try interpreter.formatted(text, try .tuple(arguments.positional)))
    }

    private static let integer: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["default", "base"], to: "int")
        let fallback = bound[0] ?? .integer(0)
        var number: Double
        switch value {
        case .text(let text):
            try interpreter.chargeText(text.count)
            let radix = try TextMethods.integer(bound[1]) ?? 10
            if let whole = FloatText.integer(text, radix: radix) { return .integer(whole) }
            guard let float = FloatText.number(text) else { return fallback }
            number = float
        case .undefined(let name): throw .evaluation("'\(name)' is undefined: it is no number")
        default:
            guard let given = Number(value) else { return fallback }
            if case .integer(let whole) = given { return .integer(whole) }
            number = given.double
        }
        guard number.isFinite else { return fallback }
        number.round(.towardZero)
        guard let whole = Int(exactly: number) else {
            throw .limit("a number that does not fit 64 bits")
        }
        return .integer(whole)
    }

    private static let float: Filter = { value, arguments, interpreter throws(TemplateError) in
        let fallback = try arguments.bind(["default"], to: "float")[0] ?? .float(0)
        switch value {
        case .text(let text):
            try interpreter.chargeText(text.count)
            return FloatText.number(text).map { .float($0) } ?? fallback
        case .undefined(let name): throw .evaluation("'\(name)' is undefined: it is no number")
        default: return Number(value).map { .float($0.double) } ?? fallback
        }
    }

    private static let absolute: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "abs")
        switch Number(value) {
        case .float(let number): return .float(number.magnitude)
        case .integer(let number) where number >= 0: return .integer(number)
        case .integer: return try interpreter.negative(value)
        case nil: throw .evaluation("a \(interpreter.described(value)) has no absolute value")
        }
    }

    private static let round: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["precision", "method"], to: "round")
        let places = try TextMethods.integer(bound[0]) ?? 0
        let method =
            try bound[1].map { (method) throws(TemplateError) in
                try TextMethods.text(method).string
            } ?? "common"
        guard let number = Number(value), (0...308).contains(places) else {
            throw .unsupported("round of a \(interpreter.described(value)) to \(places) places")
        }
        try interpreter.charge(places * 8)
        switch method {
        case "common":
            if case .integer = number { return try interpreter.positive(value) }
            let text = FloatText.fixed(number.double, places: places)
            return .float(number.double.isFinite ? Double(text) ?? number.double : number.double)
        case "ceil", "floor":
            let factor = Double("1e\(places)") ?? 1
            let scaled = number.double * factor
            return .float(scaled.rounded(method == "ceil" ? .up : .down) / factor)
        default: throw .evaluation("round has no method '\(method)'")
        }
    }
}
