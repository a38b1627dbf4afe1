/// Reads a JSON text (RFC 8259) into a ``JSONNode``, within bounds. Stricter than the standard where
/// it leaves a choice: a name twice in an object, and half a surrogate pair, are faults.
struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// The value that `source` holds.
    static func read(_ source: String) throws(GrammarError) -> JSONNode {
        let bytes = Array(source.utf8)
        guard bytes.count <= GrammarLimits.sourceBytesMax else {
            throw .tooLarge(what: "bytes of a schema", limit: GrammarLimits.sourceBytesMax)
        }
        var reader = JSONReader(bytes: bytes)
        reader.skipSpace()
        let value = try reader.value()
        reader.skipSpace()
        guard reader.position == bytes.count else {
            throw reader.fault("unexpected text after the end of the value")
        }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ reason: String) -> GrammarError {
        let before = bytes.prefix(position)
        let line = before.count { $0 == 0x0A } + 1
        let column = before.reversed().prefix { $0 != 0x0A }.count { $0 & 0xC0 != 0x80 } + 1
        return .syntax(reason: reason, line: line, column: column)
    }

    private func unexpected(_ wanted: String) -> GrammarError {
        fault(current == nil ? "it ends where \(wanted) should follow" : "\(wanted) should be here")
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    /// Recursion is bounded by ``GrammarLimits/nestingMax``.
    private mutating func value() throws(GrammarError) -> JSONNode {
        switch current {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case .some(UInt8(ascii: "-")), .some(0x30...0x39): return .number(try number())
        case .some, .none: throw unexpected("a value")
        }
    }

    private mutating func enter() throws(GrammarError) {
        depth += 1
        guard depth <= GrammarLimits.nestingMax else {
            throw fault("values nest deeper than \(GrammarLimits.nestingMax)")
        }
        position += 1
        skipSpace()
    }

    private mutating func object() throws(GrammarError) -> JSONNode {
        try enter()
        defer { depth -= 1 }
        var members: [JSONNode.Member] = []
        // Names that differ only in how characters are composed count as one, as in Swift.
        var names: Set<String> = []
        if skip(UInt8(ascii: "}")) { return .object([]) }
        while true {
            guard current == UInt8(ascii: "\"") else { throw unexpected("a quoted name") }
            let start = position
            let name = try string()
            guard names.insert(name).inserted else {
                position = start
                throw fault("the name \"\(name)\" is there twice")
            }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw unexpected("':'") }
            skipSpace()
            members.append(JSONNode.Member(name: name, value: try value()))
            skipSpace()
            if skip(UInt8(ascii: "}")) { return .object(members) }
            guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
            skipSpace()
        }
    }

    private mutating func array() throws(GrammarError) -> JSONNode {
        try enter()
        defer { depth -= 1 }
        var items: [JSONNode] = []
        if skip(UInt8(ascii: "]")) { return .array([]) }
        while true {
            items.append(try value())
            skipSpace()
            if skip(UInt8(ascii: "]")) { return .array(items) }
            guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or ']'") }
            skipSpace()
        }
    }

    private mutating func word(_ word: String) throws(GrammarError) {
        guard bytes[position...].starts(with: word.utf8) else { throw unexpected("a value") }
        position += word.utf8.count
    }

    private mutating func number() throws(GrammarError) -> String {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) { try digits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(GrammarError) {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw unexpected("a digit") }
    }

    private mutating func string() throws(GrammarError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case 0..<0x20:
                position -= 1
                throw fault("a control character inside a string")
            case UInt8(ascii: "\\"): text += Array(String(Character(try escape())).utf8)
            default: text.append(byte)
            }
        }
        throw fault("a string that is not closed")
    }

    private mutating func escape() throws(GrammarError) -> Unicode.Scalar {
        guard let byte = current else { throw unexpected("an escaped character") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try hexadecimal()
            if let scalar = Unicode.Scalar(first) { return scalar }
            if first < 0xDC00, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) {
                let second = try hexadecimal()
                let value = 0x10000 + ((first - 0xD800) << 10) + (second &- 0xDC00)
                if (0xDC00...0xDFFF).contains(second), let scalar = Unicode.Scalar(value) {
                    return scalar
                }
            }
            throw fault("half a surrogate pair")
        default: throw unexpected("an escaped character (one of \"\\/bfnrtu)")
        }
    }

    private mutating func hexadecimal() throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw unexpected("a hexadecimal digit") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
