/// The methods of strings.
enum TextMethods {
    private typealias Method =
        @Sendable (JinjaText, CallArguments, Interpreter) throws(TemplateError) -> Value
    private typealias Mapped = @Sendable (JinjaText) -> JinjaText
    private typealias Asked = @Sendable (JinjaText) -> Bool

    static func isKnown(_ name: String) -> Bool {
        mapped[name] != nil || asked[name] != nil || methods[name] != nil
    }

    static func call(
        _ name: String, of text: JinjaText, _ arguments: CallArguments,
        _ interpreter: Interpreter
    ) throws(TemplateError) -> Value {
        try interpreter.chargeText(text.count)
        if let method = methods[name] { return try method(text, arguments, interpreter) }
        _ = try arguments.bind([], to: name)
        if let map = mapped[name] {
            try interpreter.reserve(text.count)
            return .text(map(text))
        }
        guard let ask = asked[name] else {
            throw .unsupported("the string method '\(name)' is not supported")
        }
        return .boolean(ask(text))
    }

    /// Methods that take nothing and give a string.
    private static let mapped: [String: Mapped] = [
        "upper": { $0.uppercased }, "lower": { $0.lowercased }, "title": { $0.titlecased },
        "capitalize": { $0.capitalized }, "swapcase": { $0.caseSwapped },
    ]

    /// Methods that take nothing and give true or false.
    private static let asked: [String: Asked] = [
        "isupper": { $0.isUpper }, "islower": { $0.isLower },
        "isspace": { $0.isAll(Characters.isSpace) },
        "isalpha": { $0.isAll(Characters.isAlphabetic) },
        "isalnum": { $0.isAll(Characters.isAlphanumeric) },
        "isdigit": { $0.isAll(Characters.isDigitLike) },
        "isdecimal": { $0.isAll(Characters.isDecimal) },
        "isnumeric": { $0.isAll(Characters.isNumeric) },
        "isascii": { $0.units.allSatisfy { $0 & JinjaText.scalarMask < 128 } },
    ]

    private static let methods: [String: Method] = [
        "strip": { text, arguments, _ throws(TemplateError) in
            try strip(text, arguments, left: true, right: true)
        },
        "lstrip": { text, arguments, _ throws(TemplateError) in
            try strip(text, arguments, left: true, right: false)
        },
        "rstrip": { text, arguments, _ throws(TemplateError) in
            try strip(text, arguments, left: false, right: true)
        },
        "split": { text, arguments, interpreter throws(TemplateError) in
            try split(text, arguments, interpreter, fromRight: false)
        },
        "rsplit": { text, arguments, interpreter throws(TemplateError) in
            try split(text, arguments, interpreter, fromRight: true)
        },
        "splitlines": { text, arguments, interpreter throws(TemplateError) in
            let keeps = try arguments.bind(["keepends"], to: "splitlines")[0]?.isTrue ?? false
            return try list(text.lines(keepingEnds: keeps), interpreter)
        },
        "startswith": { text, arguments, interpreter throws(TemplateError) in
            try affix(text, arguments, interpreter) { $0.hasPrefix($1) }
        },
        "endswith": { text, arguments, interpreter throws(TemplateError) in
            try affix(text, arguments, interpreter) { $0.hasSuffix($1) }
        },
        "removeprefix": { text, arguments, _ throws(TemplateError) in
            let bound = try arguments.bind(["prefix"], required: 1, to: "removeprefix")
            let prefix = try TextMethods.text(bound[0])
            return .text(
                text.hasPrefix(prefix)
                    ? JinjaText(units: text.units.dropFirst(prefix.count)) : text)
        },
        "removesuffix": { text, arguments, _ throws(TemplateError) in
            let bound = try arguments.bind(["suffix"], required: 1, to: "removesuffix")
            let suffix = try TextMethods.text(bound[0])
            return .text(
                text.hasSuffix(suffix) ? JinjaText(units: text.units.dropLast(suffix.count)) : text)
        },
        "replace": { text, arguments, interpreter throws(TemplateError) in
            let bound = try arguments.bind(["old", "new", "count"], required: 2, to: "replace")
            return .text(
                try interpreter.replaced(
                    text, try TextMethods.text(bound[0]), try TextMethods.text(bound[1]),
                    limit: try integer(bound[2]) ?? -1))
        },
        "join": { text, arguments, interpreter throws(TemplateError) in
            let bound = try arguments.bind(["iterable"], required: 1, to: "join")
            var texts: [JinjaText] = []
            for element in try interpreter.elements(of: bound[0] ?? .none) {
                texts.append(try TextMethods.text(element))
            }
            return .text(try interpreter.joined(texts, by: text))
        },
        "find": { text, arguments, interpreter throws(TemplateError) in
            .integer(try position(text, arguments, interpreter, last: false) ?? -1)
        },
        "rfind": { text, arguments, interpreter throws(TemplateError) in
            .integer(try position(text, arguments, interpreter, last: true) ?? -1)
        },
        "index": { text, arguments, interpreter throws(TemplateError) in
            .integer(try found(try position(text, arguments, interpreter, last: false)))
        },
        "rindex": { text, arguments, interpreter throws(TemplateError) in
            .integer(try found(try position(text, arguments, interpreter, last: true)))
        },
        "count": { text, arguments, interpreter throws(TemplateError) in
            let part = try TextMethods.text(arguments.bind(["sub"], required: 1, to: "count")[0])
            try interpreter.chargeText(part.count)
            return .integer(part.count == 0 ? text.count + 1 : text.ranges(of: part).count)
        },
        "partition": { text, arguments, _ throws(TemplateError) in
            try partition(text, arguments, fromRight: false)
        },
        "rpartition": { text, arguments, _ throws(TemplateError) in
            try partition(text, arguments, fromRight: true)
        },
        "ljust": { text, arguments, interpreter throws(TemplateError) in
            try pad(text, arguments, interpreter) { missing, _ in (0, missing) }
        },
        "rjust": { text, arguments, interpreter throws(TemplateError) in
            try pad(text, arguments, interpreter) { missing, _ in (missing, 0) }
        },
        "center": { text, arguments, interpreter throws(TemplateError) in
            try pad(text, arguments, interpreter, center)
        },
        "zfill": { text, arguments, interpreter throws(TemplateError) in
            let width = try integer(arguments.bind(["width"], required: 1, to: "zfill")[0]) ?? 0
            try interpreter.reserve(max(width, text.count))
            let hasSign = text.count > 0 && [Ascii.plus, Ascii.minus].contains(text.scalar(0))
            let zeros = [UInt32](repeating: Ascii.zero, count: max(0, width - text.count))
            return .text(
                JinjaText(
                    units: text.units.prefix(hasSign ? 1 : 0) + zeros
                        + text.units.dropFirst(hasSign ? 1 : 0)))
        },
        "format": { text, arguments, interpreter throws(TemplateError) in
            .text(try interpreter.formatted(text, arguments))
        },
    ]

    /// How many characters Python's `center` puts before and behind a text.
    static func center(missing: Int, width: Int) -> (Int, Int) {
        let left = missing / 2 + (missing & width & 1)
        return (left, missing - left)
    }

    static func text(_ value: Value?) throws(TemplateError) -> JinjaText {
        guard case .text(let text)? = value else {
            throw .evaluation("a string is needed, not a \(value?.typeName ?? "missing argument")")
        }
        return text
    }

    static func integer(_ value: Value?) throws(TemplateError) -> Int? {
        guard let value else { return nil }
        if case .none = value { return nil }
        guard case .integer(let number)? = Number(value) else {
            throw .evaluation("a whole number is needed, not a \(value.typeName)")
        }
        return number
    }

    private static func strip(
        _ text: JinjaText, _ arguments: CallArguments, left: Bool, right: Bool
    ) throws(TemplateError) -> Value {
        var characters: JinjaText?
        if let value = try arguments.bind(["chars"], to: "strip")[0] {
            if case .none = value {} else { characters = try TextMethods.text(value) }
        }
        return .text(text.stripped(left: left, right: right, of: characters))
    }

    private static func list(
        _ parts: [JinjaText], _ interpreter: Interpreter
    ) throws(TemplateError) -> Value {
        try interpreter.charge(parts.count)
        return try .list(parts.map { .text($0) })
    }

    private static func split(
        _ text: JinjaText, _ arguments: CallArguments, _ interpreter: Interpreter,
        fromRight: Bool
    ) throws(TemplateError) -> Value {
        let bound = try arguments.bind(["sep", "maxsplit"], to: "split")
        let limit = try integer(bound[1]).map { $0 < 0 ? Int.max : $0 } ?? .max
        var separator: JinjaText?
        if let value = bound[0] {
            if case .none = value {} else { separator = try TextMethods.text(value) }
        }
        guard separator?.count != 0 else { throw .evaluation("an empty separator") }
        // From the right is from the left in a mirror.
        let seen = fromRight ? text.reversed : text
        let mirror = fromRight ? separator?.reversed : separator
        var parts = mirror.map { seen.parts(around: $0, limit: limit) } ?? seen.words(limit: limit)
        if fromRight { parts = parts.reversed().map(\.reversed) }
        return try list(parts, interpreter)
    }

    private static func affix(
        _ text: JinjaText, _ arguments: CallArguments, _ interpreter: Interpreter,
        _ matches: (JinjaText, JinjaText) -> Bool
    ) throws(TemplateError) -> Value {
        let bound = try arguments.bind(["affix", "start", "end"], required: 1, to: "startswith")
        let range = try self.range(text.count, bound[1], bound[2])
        guard let range else { return .boolean(false) }
        let part = JinjaText(units: text.units[range])
        guard case .sequence(let sequence)? = bound[0], sequence.kind == .tuple else {
            return .boolean(matches(part, try TextMethods.text(bound[0])))
        }
        for element in sequence.elements {
            try interpreter.chargeText(part.count)
            if matches(part, try TextMethods.text(element)) { return .boolean(true) }
        }
        return .boolean(false)
    }

    /// The characters from `start` to `end` by Python's rules; nil if `start` is behind them.
    private static func range(
        _ count: Int, _ start: Value?, _ end: Value?
    ) throws(TemplateError) -> Range<Int>? {
        func position(_ value: Int) -> Int { max(0, value < 0 ? value + count : value) }
        let from = position(try integer(start) ?? 0)
        let to = min(count, position(try integer(end) ?? count))
        return from <= to ? from..<to : nil
    }

    private static func position(
        _ text: JinjaText, _ arguments: CallArguments, _ interpreter: Interpreter, last: Bool
    ) throws(TemplateError) -> Int? {
        let bound = try arguments.bind(["sub", "start", "end"], required: 1, to: "find")
        let part = try TextMethods.text(bound[0])
        try interpreter.chargeText(part.count)
        guard let range = try range(text.count, bound[1], bound[2]) else { return nil }
        guard part.count > 0 else { return last ? range.upperBound : range.lowerBound }
        let searched = JinjaText(units: text.units[range])
        guard last else {
            return searched.firstRange(of: part).map { $0.lowerBound + range.lowerBound }
        }
        return searched.reversed.firstRange(of: part.reversed).map {
            range.upperBound - $0.upperBound
        }
    }

    private static func found(_ position: Int?) throws(TemplateError) -> Int {
        guard let position else { throw .evaluation("the part is not in the string") }
        return position
    }

    private static func partition(
        _ text: JinjaText, _ arguments: CallArguments, fromRight: Bool
    ) throws(TemplateError) -> Value {
        let separator = try TextMethods.text(
            arguments.bind(["sep"], required: 1, to: "partition")[0])
        guard separator.count > 0 else { throw .evaluation("an empty separator") }
        let mirrored = fromRight ? text.reversed.firstRange(of: separator.reversed) : nil
        let range =
            fromRight
            ? mirrored.map { text.count - $0.upperBound..<text.count - $0.lowerBound }
            : text.firstRange(of: separator)
        guard let range else {
            let empty = Value.string("")
            return try .tuple(
                fromRight ? [empty, empty, .text(text)] : [.text(text), empty, empty])
        }
        return try .tuple([
            .text(JinjaText(units: text.units[..<range.lowerBound])), .text(separator),
            .text(JinjaText(units: text.units[range.upperBound...])),
        ])
    }

    private static func pad(
        _ text: JinjaText, _ arguments: CallArguments, _ interpreter: Interpreter,
        _ sides: (_ missing: Int, _ width: Int) -> (Int, Int)
    ) throws(TemplateError) -> Value {
        let bound = try arguments.bind(["width", "fillchar"], required: 1, to: "center")
        let width = try integer(bound[0]) ?? 0
        let fill = try bound[1].map { (value) throws(TemplateError) in try TextMethods.text(value) }
        guard fill?.count ?? 1 == 1 else { throw .evaluation("a fill of one character") }
        try interpreter.reserve(max(width, text.count))
        guard width > text.count else { return .text(text) }
        let (left, right) = sides(width - text.count, width)
        let unit = fill?.units[0] ?? 0x20
        return .text(
            JinjaText(
                units: [UInt32](repeating: unit, count: left) + text.units
                    + [UInt32](repeating: unit, count: right)))
    }
}

extension Interpreter {
    /// The text with the first `limit` occurrences of `old` replaced; all if it is negative.
    func replaced(
        _ text: JinjaText, _ old: JinjaText, _ new: JinjaText, limit: Int
    ) throws(TemplateError) -> JinjaText {
        let limit = limit < 0 ? Int.max : limit
        try chargeText(text.count + old.count)
        let ranges =
            old.count > 0
            ? text.ranges(of: old, limit: limit)
            : (0...text.count).prefix(limit).map { $0..<$0 }
        let (grown, overflows) = ranges.count.multipliedReportingOverflow(by: new.count)
        try reserve(overflows ? .max : text.count + grown)
        var units: [UInt32] = []
        var start = 0
        for range in ranges {
            units += text.units[start..<range.lowerBound]
            units += new.units
            start = range.upperBound
        }
        return JinjaText(units: units + text.units[start...])
    }

    func joined(_ texts: [JinjaText], by separator: JinjaText) throws(TemplateError) -> JinjaText {
        var units: [UInt32] = []
        for (index, text) in texts.enumerated() {
            if index > 0 { units += separator.units }
            units += text.units
            try reserve(separator.count + text.count)
            guard units.count <= JinjaLimits.textCharactersMax else {
                throw .limit("a joined text over \(JinjaLimits.textCharactersMax) characters")
            }
        }
        return JinjaText(units: units)
    }
}
