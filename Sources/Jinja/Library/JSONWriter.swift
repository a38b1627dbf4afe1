/// Writes values as Python's json.dumps does.
struct JSONWriter {
    private(set) var units: [UInt32] = []
    private let interpreter: Interpreter
    private let options: Options

    /// How the text is laid out.
    struct Options {
        /// What one level is indented by; nil for one line.
        var indent: JinjaText?
        var itemSeparator = JinjaText(", ")
        var keySeparator = JinjaText(": ")
        var sortsKeys = false
        /// Whether all but ASCII is escaped.
        var isASCII = false
    }

    init(_ interpreter: Interpreter, _ options: Options) {
        self.interpreter = interpreter
        self.options = options
    }

    private mutating func append(_ string: String) throws(TemplateError) {
        try append(string.unicodeScalars.map(\.value))
    }

    private mutating func append(_ more: [UInt32]) throws(TemplateError) {
        try interpreter.reserve(more.count)
        units += more
        guard units.count <= JinjaLimits.textCharactersMax else {
            throw .limit("a JSON text of over \(JinjaLimits.textCharactersMax) characters")
        }
    }

    mutating func write(_ value: Value, level: Int = 0) throws(TemplateError) {
        switch value {
        case .none: try append("null")
        case .boolean(let flag): try append(flag ? "true" : "false")
        case .integer(let number): try append("\(number)")
        case .float(let number): try append(spelled(number))
        case .text(let text): try write(text)
        case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
            try writeItems("[", "]", count: sequence.elements.count, level: level) {
                (writer, index) throws(TemplateError) in
                try writer.write(sequence.elements[index], level: level + 1)
            }
        case .mapping(let mapping): try write(mapping, level: level)
        case .undefined, .sequence, .generator, .loop, .namespace, .macro, .joiner, .cycler,
            .function, .method:
            throw .evaluation("JSON has no \(interpreter.described(value))")
        }
    }

    private func spelled(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return FloatText.shortest(number)
    }

    private mutating func write(_ mapping: Mapping, level: Int) throws(TemplateError) {
        var order = Array(mapping.keys.indices)
        if options.sortsKeys {
            order = try interpreter.sorted(order) { (a, b) throws(TemplateError) in
                try interpreter.isLess(mapping.keys[a], mapping.keys[b])
            }
        }
        try writeItems("{", "}", count: order.count, level: level) {
            (writer, index) throws(TemplateError) in
            let key = mapping.keys[order[index]]
            switch key {
            case .text(let text): try writer.write(text)
            case .none, .boolean, .integer, .float:
                try writer.append("\"")
                try writer.write(key)
                try writer.append("\"")
            case .undefined, .sequence, .mapping, .generator, .loop, .namespace, .macro, .joiner,
                .cycler, .function, .method:
                throw .evaluation("a \(key.typeName) is no key in JSON")
            }
            try writer.append(writer.options.keySeparator.units)
            try writer.write(mapping.values[order[index]], level: level + 1)
        }
    }

    private mutating func writeItems(
        _ open: String, _ close: String, count: Int, level: Int,
        _ item: (inout JSONWriter, Int) throws(TemplateError) -> Void
    ) throws(TemplateError) {
        try append(open)
        for index in 0..<count {
            if index > 0 { try append(options.itemSeparator.units) }
            try writeLineBreak(level: level + 1)
            try item(&self, index)
        }
        if count > 0 { try writeLineBreak(level: level) }
        try append(close)
    }

    private mutating func writeLineBreak(level: Int) throws(TemplateError) {
        guard let indent = options.indent else { return }
        try append("\n")
        for _ in 0..<level { try append(indent.units) }
    }

    private mutating func write(_ text: JinjaText) throws(TemplateError) {
        try interpreter.chargeText(text.count)
        var written = [Ascii.quote]
        for unit in text.units { write(unit, to: &written) }
        try append(written + [Ascii.quote])
    }

    private func write(_ unit: UInt32, to written: inout [UInt32]) {
        let scalar = unit & JinjaText.scalarMask
        let escapes: String
        switch scalar {
        case Ascii.quote: escapes = "\\\""
        case Ascii.backslash: escapes = "\\\\"
        case 8: escapes = "\\b"
        case 9: escapes = "\\t"
        case 10: escapes = "\\n"
        case 12: escapes = "\\f"
        case 13: escapes = "\\r"
        case 0..<32: escapes = Self.escape(scalar)
        case 0x7F... where options.isASCII && scalar > 0x7E:
            if scalar == 0x7F {
                written.append(unit)
                return
            }
            escapes = String(scalar.asScalar).utf16.map { Self.escape(UInt32($0)) }.joined()
        default:
            written.append(unit)
            return
        }
        // An escape is as much trusted as the character that it stands for.
        for escape in escapes.unicodeScalars {
            written.append(escape.value | unit & JinjaText.untrustedMark)
        }
    }

    private static func escape(_ code: UInt32) -> String {
        let digits = String(code, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
