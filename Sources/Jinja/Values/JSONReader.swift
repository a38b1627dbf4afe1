extension JinjaValue {
    /// Reads a JSON text (RFC 8259). All its strings, keys included, are trusted or none is.
    ///
    /// Mappings keep their order. A whole number that does not fit 64 bits becomes a float. Throws
    /// if the text is no JSON, is too long or nests too deeply.
    public init(json: some Swift.Sequence<UInt8>, isTrusted: Bool = false) throws(TemplateError) {
        var reader = JSONReader(Array(json), mark: isTrusted ? 0 : JinjaText.untrustedMark)
        self = try reader.readAll()
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private let mark: UInt32
    private var position = 0

    init(_ bytes: [UInt8], mark: UInt32) {
        self.bytes = bytes
        self.mark = mark
    }

    mutating func readAll() throws(TemplateError) -> JinjaValue {
        guard bytes.count <= JinjaLimits.jsonBytesMax else {
            throw .limit(
                "a JSON text of \(bytes.count) bytes; \(JinjaLimits.jsonBytesMax) are allowed")
        }
        let value = try readValue(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw wrong("text after the value") }
        return value
    }

    private func wrong(_ what: String) -> TemplateError {
        TemplateError(.evaluation, "not JSON: \(what) at byte \(position)")
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, [9, 10, 13, 32].contains(byte) { position += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func readValue(depth: Int) throws(TemplateError) -> JinjaValue {
        guard depth < JinjaLimits.valueDepthMax else {
            throw .limit("a JSON text nested over \(JinjaLimits.valueDepthMax) deep")
        }
        if skip("{") { return .object(JinjaObject(try readMembers(depth: depth))) }
        if skip("[") { return .list(try readElements(depth: depth)) }
        if current == UInt8(ascii: "\"") { return .string(try readString()) }
        for (word, value) in [
            ("true", JinjaValue.boolean(true)), ("false", .boolean(false)), ("null", .none),
        ] where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        return try readNumber()
    }

    private mutating func readMembers(
        depth: Int
    ) throws(TemplateError) -> [JinjaObject.Member] {
        var members: [JinjaObject.Member] = []
        if skip("}") { return [] }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw wrong("no key") }
            let name = try readString()
            guard skip(":") else { throw wrong("no colon") }
            members.append(
                JinjaObject.Member(name: name, value: try readValue(depth: depth + 1)))
        } while skip(",")
        guard skip("}") else { throw wrong("no closing brace") }
        return members
    }

    private mutating func readElements(depth: Int) throws(TemplateError) -> [JinjaValue] {
        var elements: [JinjaValue] = []
        if skip("]") { return [] }
        repeat { elements.append(try readValue(depth: depth + 1)) } while skip(",")
        guard skip("]") else { throw wrong("no closing bracket") }
        return elements
    }

    private mutating func readNumber() throws(TemplateError) -> JinjaValue {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let whole = position
        let isZero = current == UInt8(ascii: "0")
        guard skipDigits(), !isZero || position == whole + 1 else { throw wrong("no value") }
        var isWhole = true
        if current == UInt8(ascii: ".") {
            position += 1
            isWhole = false
            guard skipDigits() else { throw wrong("no digits") }
        }
        if let e = current, e | 0x20 == UInt8(ascii: "e") {
            position += 1
            isWhole = false
            if let sign = current, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                position += 1
            }
            guard skipDigits() else { throw wrong("no digits") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text) else { throw wrong("no number") }
        return .float(value)
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func readString() throws(TemplateError) -> JinjaText {
        position += 1
        var units: [UInt32] = []
        while let byte = current, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") {
                units.append(try readEscape() | mark)
            } else {
                guard byte >= 0x20 else { throw wrong("a control character") }
                let start = position
                while let byte = current, byte >= 0x20, byte != UInt8(ascii: "\""),
                    byte != UInt8(ascii: "\\")
                {
                    position += 1
                }
                // Bytes that are not UTF-8 become the replacement character.
                let text = String(decoding: bytes[start..<position], as: UTF8.self)
                for scalar in text.unicodeScalars { units.append(scalar.value | mark) }
            }
        }
        guard current != nil else { throw wrong("an open string") }
        position += 1
        return JinjaText(units: units)
    }

    private mutating func readEscape() throws(TemplateError) -> UInt32 {
        position += 1
        guard let escape = current else { throw wrong("an open string") }
        let simple: [UInt8: UInt32] = [
            0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9,
        ]
        position += 1
        if let plain = simple[escape] { return plain }
        guard escape == UInt8(ascii: "u") else { throw wrong("an unknown escape") }
        let code = try readCode()
        guard (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: [0x5C, 0x75])
        else { return Unicode.Scalar(code)?.value ?? 0xFFFD }
        let after = position
        position += 2
        let low = try readCode()
        guard (0xDC00..<0xE000).contains(low) else {
            position = after
            return 0xFFFD
        }
        return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
    }

    private mutating func readCode() throws(TemplateError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw wrong("a short escape") }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Characters.digitValue(UInt32(byte)), digit < 16 else {
                throw wrong("an escape without digits")
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }
}
