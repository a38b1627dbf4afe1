extension Interpreter {
    /// Python's `format % arguments`, with the conversions s, r, d, i, u, f, x and %.
    func formatted(
        _ format: JinjaText, _ arguments: Value
    ) throws(TemplateError) -> JinjaText {
        var writer = PercentFormatter(interpreter: self, format: format, arguments: arguments)
        return try writer.run()
    }

    /// Python's `str.format`, with positions, names, and the common format specifications.
    func formatted(
        _ format: JinjaText, _ arguments: CallArguments
    ) throws(TemplateError) -> JinjaText {
        var writer = BraceFormatter(interpreter: self, format: format, arguments: arguments)
        return try writer.run()
    }
}

/// How one value is laid out.
struct FormatSpecification {
    var fill: UInt32 = 0x20
    /// `<`, `>`, `^` or `=`; nil for the type's own.
    var align: Unicode.Scalar?
    var sign = ""
    var hasThousands = false
    var width = 0
    var precision: Int?
    var type: Unicode.Scalar = "s"

    func text(
        of value: Value, _ interpreter: Interpreter
    ) throws(TemplateError) -> JinjaText {
        guard max(width, precision ?? 0) <= JinjaLimits.formatWidthMax else {
            throw .limit("a width or precision over \(JinjaLimits.formatWidthMax)")
        }
        switch type {
        case "s", "r":
            let text =
                type == "s"
                ? try interpreter.text(of: value) : try interpreter.representation(of: value)
            return padded(precision.map { JinjaText(units: text.units.prefix($0)) } ?? text, "<")
        case "d", "i", "u", "x", "X":
            guard let number = Number(value) else {
                throw .evaluation("a \(interpreter.described(value)) formatted as a number")
            }
            let whole: Int
            switch number {
            case .integer(let integer): whole = integer
            case .float(let float):
                guard let integer = Int(exactly: float.rounded(.towardZero)) else {
                    throw .evaluation("\(float) formatted as a whole number")
                }
                whole = integer
            }
            let digits =
                type == "x" || type == "X"
                ? String(whole.magnitude, radix: 16, uppercase: type == "X")
                : String(whole.magnitude)
            return numeral(digits, isNegative: whole < 0)
        case "f", "F", "%":
            guard let number = Number(value) else {
                throw .evaluation("a \(interpreter.described(value)) formatted as a number")
            }
            let double = number.double * (type == "%" ? 100 : 1)
            try interpreter.charge((precision ?? 6) * 8)
            let digits = FloatText.fixed(double.magnitude, places: precision ?? 6)
            return numeral(
                digits + (type == "%" ? "%" : ""), isNegative: double.sign == .minus)
        default:
            throw .unsupported("the format conversion '\(type)' is not supported")
        }
    }

    private func numeral(_ digits: String, isNegative: Bool) -> JinjaText {
        var digits = digits
        if hasThousands {
            let whole = digits.prefix { $0.isNumber }
            var grouped = ""
            for (index, digit) in whole.enumerated() {
                if index > 0, (whole.count - index) % 3 == 0 { grouped += "," }
                grouped.append(digit)
            }
            digits = grouped + digits.dropFirst(whole.count)
        }
        let sign = isNegative ? "-" : sign
        guard align == "=" else { return padded(JinjaText(sign + digits), ">") }
        let zeros = max(0, width - sign.count - digits.count)
        let padding = [UInt32](repeating: fill, count: zeros)
        return JinjaText(units: JinjaText(sign).units + padding + JinjaText(digits).units)
    }

    private func padded(_ text: JinjaText, _ standard: Unicode.Scalar) -> JinjaText {
        let missing = max(0, width - text.count)
        let align = align == "=" ? standard : align ?? standard
        let left = align == "<" ? 0 : align == "^" ? missing / 2 : missing
        return JinjaText(
            units: [UInt32](repeating: fill, count: left) + text.units
                + [UInt32](repeating: fill, count: missing - left))
    }
}

/// Reads a format from its start.
private struct FormatReader {
    let text: JinjaText
    var position = 0

    var current: Unicode.Scalar? {
        position < text.count ? text.units[position].asScalar : nil
    }

    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    mutating func number() throws(TemplateError) -> Int? {
        var value: Int?
        while position < text.count, Characters.isDigit(text.units[position]) {
            value = (value ?? 0) * 10 + Int(text.scalar(position) - Ascii.zero)
            guard value ?? 0 <= JinjaLimits.formatWidthMax else {
                throw .limit("a width over \(JinjaLimits.formatWidthMax)")
            }
            position += 1
        }
        return value
    }
}

private struct PercentFormatter {
    let interpreter: Interpreter
    private var reader: FormatReader
    private let arguments: Value
    private var next = 0

    init(interpreter: Interpreter, format: JinjaText, arguments: Value) {
        self.interpreter = interpreter
        reader = FormatReader(text: format)
        self.arguments = arguments
    }

    mutating func run() throws(TemplateError) -> JinjaText {
        var units: [UInt32] = []
        try interpreter.reserve(reader.text.count)
        while reader.position < reader.text.count {
            let unit = reader.text.units[reader.position]
            reader.position += 1
            if unit.asScalar != "%" || reader.skip("%") {
                units.append(unit)
            } else {
                let text = try conversion()
                try interpreter.reserve(units.count + text.count)
                units += text.units
            }
        }
        guard next == positional.count || mayLeaveOver else {
            throw .evaluation("a format leaves arguments over")
        }
        return JinjaText(units: units)
    }

    /// As in Python: what could be asked for by name is not missed.
    private var mayLeaveOver: Bool {
        switch arguments {
        case .mapping, .undefined: true
        case .sequence(let sequence): sequence.kind != .tuple && sequence.kind.isIndexed
        default: false
        }
    }

    private var positional: [Value] {
        if case .sequence(let sequence) = arguments, sequence.kind == .tuple {
            return sequence.elements
        }
        return [arguments]
    }

    private mutating func conversion() throws(TemplateError) -> JinjaText {
        var named: Value?
        if reader.skip("(") {
            let start = reader.position
            while let current = reader.current, current != ")" { reader.position += 1 }
            let name = JinjaText(units: reader.text.units[start..<reader.position])
            guard reader.skip(")"), case .mapping(let mapping) = arguments,
                let value = mapping[.text(name)]
            else { throw .evaluation("a format asks for '\(name.string)', which is not given") }
            named = value
        }
        var specification = FormatSpecification(align: ">")
        while let flag = reader.current, "-0+ ".unicodeScalars.contains(flag) {
            reader.position += 1
            switch flag {
            case "-": specification.align = "<"
            case "0" where specification.align != "<":
                specification.align = "="
                specification.fill = Ascii.zero
            case "+", " ": specification.sign = String(flag)
            default: break
            }
        }
        specification.width = try reader.number() ?? 0
        if reader.skip(".") { specification.precision = try reader.number() ?? 0 }
        guard let type = reader.current else { throw .evaluation("a format ends within '%'") }
        reader.position += 1
        specification.type = type
        if specification.align == "=", type == "s" || type == "r" { specification.fill = 0x20 }
        if specification.align == "<" { specification.fill = 0x20 }
        if let named { return try specification.text(of: named, interpreter) }
        guard next < positional.count else { throw .evaluation("a format lacks arguments") }
        defer { next += 1 }
        return try specification.text(of: positional[next], interpreter)
    }
}

private struct BraceFormatter {
    let interpreter: Interpreter
    private var reader: FormatReader
    private let arguments: CallArguments
    private var next = 0

    init(interpreter: Interpreter, format: JinjaText, arguments: CallArguments) {
        self.interpreter = interpreter
        reader = FormatReader(text: format)
        self.arguments = arguments
    }

    mutating func run() throws(TemplateError) -> JinjaText {
        var units: [UInt32] = []
        try interpreter.reserve(reader.text.count)
        while reader.position < reader.text.count {
            let unit = reader.text.units[reader.position]
            reader.position += 1
            switch unit.asScalar {
            case "{" where !reader.skip("{"):
                let text = try field()
                try interpreter.reserve(units.count + text.count)
                units += text.units
            case "}" where !reader.skip("}"): throw .evaluation("a format has a single '}'")
            default: units.append(unit)
            }
        }
        return JinjaText(units: units)
    }

    private mutating func field() throws(TemplateError) -> JinjaText {
        let start = reader.position
        while let current = reader.current, current != "}", current != ":" {
            guard current != "{", current != "!", current != ".", current != "[" else {
                throw .unsupported("'\(current)' in a format's field is not supported")
            }
            reader.position += 1
        }
        let name = JinjaText(units: reader.text.units[start..<reader.position]).string
        let value: Value?
        if name.isEmpty || Int(name) != nil {
            let index = Int(name) ?? next
            if name.isEmpty { next += 1 }
            value =
                arguments.positional.indices.contains(index) ? arguments.positional[index] : nil
        } else {
            value = arguments.keyword.first { $0.name == name }?.value
        }
        guard let value else { throw .evaluation("a format lacks the argument '\(name)'") }
        var specification = FormatSpecification(type: Number(value) == nil ? "s" : "?")
        if reader.skip(":") { try read(&specification) }
        guard reader.skip("}") else { throw .evaluation("a format has an open '{'") }
        if specification.type == "?" {
            // Numbers without a type print as they are, to the right.
            switch value {
            case .integer: specification.type = "d"
            default:
                guard specification.precision == nil else {
                    throw .unsupported("a precision without 'f' is not supported")
                }
                specification.type = "s"
                if specification.align == nil { specification.align = ">" }
            }
        }
        return try specification.text(of: value, interpreter)
    }

    private mutating func read(_ specification: inout FormatSpecification) throws(TemplateError) {
        let aligns: [Unicode.Scalar] = ["<", ">", "^", "="]
        let units = reader.text.units
        if reader.position + 1 < units.count, aligns.contains(units[reader.position + 1].asScalar) {
            specification.fill = units[reader.position]
            specification.align = units[reader.position + 1].asScalar
            reader.position += 2
        } else if let align = reader.current, aligns.contains(align) {
            specification.align = align
            reader.position += 1
        }
        if let sign = reader.current, sign == "+" || sign == " " || sign == "-" {
            specification.sign = sign == "-" ? "" : String(sign)
            reader.position += 1
        }
        if reader.current == "0", specification.align == nil {
            specification.align = "="
            specification.fill = Ascii.zero
        }
        specification.width = try reader.number() ?? 0
        specification.hasThousands = reader.skip(",")
        if reader.skip(".") { specification.precision = try reader.number() ?? 0 }
        if let type = reader.current, type != "}" {
            specification.type = type
            reader.position += 1
        }
    }
}
