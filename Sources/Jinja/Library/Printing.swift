extension Interpreter {
    /// What printing a value gives: Python's `str`.
    func text(of value: Value) throws(TemplateError) -> JinjaText {
        switch value {
        case .text(let text): return text
        case .undefined: return JinjaText()
        case .none, .boolean, .integer, .float, .sequence, .mapping, .generator, .loop, .namespace,
            .macro, .joiner, .cycler, .function, .method:
            var writer = ReprWriter(self)
            try writer.write(value)
            return JinjaText(units: writer.units)
        }
    }

    /// Python's `repr`.
    func representation(of value: Value) throws(TemplateError) -> JinjaText {
        var writer = ReprWriter(self)
        try writer.write(value)
        return JinjaText(units: writer.units)
    }
}

/// Writes values as Python's `repr` does.
private struct ReprWriter {
    private(set) var units: [UInt32] = []
    private let interpreter: Interpreter

    init(_ interpreter: Interpreter) { self.interpreter = interpreter }

    private mutating func append(_ string: String) throws(TemplateError) {
        try append(string.unicodeScalars.map(\.value))
    }

    private mutating func append(_ more: [UInt32]) throws(TemplateError) {
        // Values share parts, so that what they print may be far longer than they are.
        try interpreter.reserve(more.count)
        units += more
        guard units.count <= JinjaLimits.textCharactersMax else {
            throw .limit("a printed value of over \(JinjaLimits.textCharactersMax) characters")
        }
    }

    mutating func write(_ value: Value) throws(TemplateError) {
        switch value {
        case .undefined: try append("Undefined")
        case .none: try append("None")
        case .boolean(let flag): try append(flag ? "True" : "False")
        case .integer(let number): try append("\(number)")
        case .float(let number): try append(FloatText.shortest(number))
        case .text(let text): try write(text)
        case .sequence(let sequence): try write(sequence)
        case .mapping(let mapping): try write(mapping)
        case .macro(let index):
            try append("<Macro '\(interpreter.macros[index].definition.name)'>")
        case .generator, .loop, .namespace, .joiner, .cycler, .function, .method:
            // Python prints an address or internals: no template can want that.
            throw .evaluation("a \(value.typeName) cannot be printed")
        }
    }

    private mutating func write(_ sequence: Sequence) throws(TemplateError) {
        let (open, close): (String, String)
        switch sequence.kind {
        case .list: (open, close) = ("[", "]")
        case .tuple: (open, close) = ("(", sequence.elements.count == 1 ? ",)" : ")")
        case .keys, .values, .items: (open, close) = (sequence.kind.typeName + "([", "])")
        case .range(let start, let stop, let step):
            return try append("range(\(start), \(stop)\(step == 1 ? "" : ", \(step)"))")
        }
        try append(open)
        for (index, element) in sequence.elements.enumerated() {
            if index > 0 { try append(", ") }
            try write(element)
        }
        try append(close)
    }

    private mutating func write(_ mapping: Mapping) throws(TemplateError) {
        try append("{")
        for (index, key) in mapping.keys.enumerated() {
            if index > 0 { try append(", ") }
            try write(key)
            try append(": ")
            try write(mapping.values[index])
        }
        try append("}")
    }

    private mutating func write(_ text: JinjaText) throws(TemplateError) {
        let hasApostrophe = text.units.contains { $0 & JinjaText.scalarMask == Ascii.apostrophe }
        let hasQuote = text.units.contains { $0 & JinjaText.scalarMask == Ascii.quote }
        let quote = hasApostrophe && !hasQuote ? Ascii.quote : Ascii.apostrophe
        var written = [quote]
        for unit in text.units { written += escaped(unit, quote: quote) }
        try append(written + [quote])
    }

    private func escaped(_ unit: UInt32, quote: UInt32) -> [UInt32] {
        let escape: String
        switch unit & JinjaText.scalarMask {
        case quote: escape = "\\" + String(quote.asScalar)
        case Ascii.backslash: escape = "\\\\"
        case 10: escape = "\\n"
        case 13: escape = "\\r"
        case 9: escape = "\\t"
        case let scalar:
            guard !Characters.isPrintable(unit) else { return [unit] }
            let (letter, width) = scalar < 0x100 ? ("x", 2) : scalar < 0x10000 ? ("u", 4) : ("U", 8)
            let digits = String(scalar, radix: 16)
            escape = "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
        }
        return escape.unicodeScalars.map { $0.value | unit & JinjaText.untrustedMark }
    }
}
