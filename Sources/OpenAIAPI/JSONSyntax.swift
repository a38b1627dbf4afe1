/// Where and why a text is not JSON.
public struct JSONSyntaxError: Error, Equatable, Sendable {
    /// What is wrong.
    public var reason: String
    /// Bytes before the fault.
    public var offset: Int
    /// Its line, from 1.
    public var line: Int
    /// Its column in characters, from 1.
    public var column: Int
}

extension JSONSyntaxError: CustomStringConvertible {
    /// What is wrong, and where.
    public var description: String {
        "the body is not valid JSON: \(reason) at line \(line), column \(column) (byte \(offset))"
    }
}

/// A check of a whole text against RFC 8259, made before it is decoded: Foundation's decoder
/// does not say on every system where a text is broken, and its bound on nesting is its own.
public struct JSONSyntax {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// Throws unless `bytes` are one JSON value, nested at most
    /// ``OpenAILimits/nestingDepthMax`` deep, with nothing but white space around it.
    public static func check(_ bytes: [UInt8]) throws(JSONSyntaxError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            // The fault is where decoding with repair first differs from the bytes.
            let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
            let offset = zip(bytes, repaired).enumerated().first { $1.0 != $1.1 }?.offset
            throw JSONSyntax(bytes: bytes).fault("a byte that is not UTF-8", offset ?? bytes.count)
        }
        var scanner = JSONSyntax(bytes: bytes)
        scanner.skipSpace()
        try scanner.value()
        scanner.skipSpace()
        guard scanner.position == bytes.count else {
            throw scanner.fault("unexpected text after the end of the value", scanner.position)
        }
    }

    /// The text of the value at `path`, a chain of names of objects, in a text that ``check(_:)``
    /// has passed; nil if there is none. Of equal names the last one counts, as for the decoder.
    static func text(of path: [String], in bytes: [UInt8]) -> String? {
        var scanner = JSONSyntax(bytes: bytes)
        var range: Range<Int>?
        scanner.skipSpace()
        for name in path {
            range = nil
            do throws(JSONSyntaxError) {
                try scanner.fields { (field, value) in if field == name { range = value } }
            } catch { return nil }
            guard let range else { return nil }
            scanner.position = range.lowerBound
        }
        return range.map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    /// Calls `body` with the name and the place of each field of the object that begins here.
    private mutating func fields(
        _ body: (_ name: String, _ value: Range<Int>) -> Void
    ) throws(JSONSyntaxError) {
        guard current == UInt8(ascii: "{") else { return }
        position += 1
        skipSpace()
        while current == UInt8(ascii: "\"") {
            let first = position
            try string()
            let name = String(decoding: bytes[first + 1..<position - 1], as: UTF8.self)
            skipSpace()
            position += 1  // the colon
            skipSpace()
            let start = position
            try value()
            body(name, start..<position)
            skipSpace()
            guard current == UInt8(ascii: ",") else { return }
            position += 1
            skipSpace()
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ reason: String, _ offset: Int) -> JSONSyntaxError {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return JSONSyntaxError(reason: reason, offset: offset, line: line, column: column)
    }

    private func unexpected(_ wanted: String) -> JSONSyntaxError {
        guard let current else { return fault("it ends where \(wanted) should follow", position) }
        let shown =
            (0x21..<0x7F).contains(current)
            ? "'\(Character(Unicode.Scalar(current)))'" : "a character"
        return fault("\(shown) where \(wanted) should be", position)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    /// Recursion is bounded by ``OpenAILimits/nestingDepthMax``.
    private mutating func value() throws(JSONSyntaxError) {
        switch current {
        case UInt8(ascii: "{"): try list(closing: UInt8(ascii: "}"), isObject: true)
        case UInt8(ascii: "["): try list(closing: UInt8(ascii: "]"), isObject: false)
        case UInt8(ascii: "\""): try string()
        case .some(let byte) where byte == UInt8(ascii: "-") || Self.isDigit(byte): try number()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case .some, .none: throw unexpected("a value")
        }
    }

    private mutating func list(closing: UInt8, isObject: Bool) throws(JSONSyntaxError) {
        depth += 1
        guard depth <= OpenAILimits.nestingDepthMax else {
            throw fault("nesting deeper than \(OpenAILimits.nestingDepthMax)", position)
        }
        position += 1
        skipSpace()
        if current == closing {
            position += 1
            depth -= 1
            return
        }
        while true {
            if isObject {
                guard current == UInt8(ascii: "\"") else { throw unexpected("a quoted name") }
                try string()
                skipSpace()
                guard current == UInt8(ascii: ":") else { throw unexpected("':'") }
                position += 1
                skipSpace()
            }
            try value()
            skipSpace()
            if current == closing { break }
            guard current == UInt8(ascii: ",") else {
                throw unexpected("',' or '\(Character(Unicode.Scalar(closing)))'")
            }
            position += 1
            skipSpace()
        }
        position += 1
        depth -= 1
    }

    private mutating func string() throws(JSONSyntaxError) {
        let start = position
        position += 1
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                position += 1
                try escape()
            case 0..<0x20:
                throw fault("a control character inside a string", position)
            default:
                position += 1
            }
        }
        throw fault("a string that is not closed begins", start)
    }

    private mutating func escape() throws(JSONSyntaxError) {
        guard let byte = current else { throw unexpected("an escaped character") }
        switch byte {
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard let digit = current, Character(Unicode.Scalar(digit)).isHexDigit else {
                    throw unexpected("a hexadecimal digit")
                }
                position += 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        default:
            throw unexpected("an escaped character (one of \"\\/bfnrtu)")
        }
    }

    private mutating func number() throws(JSONSyntaxError) {
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits()
        }
        if current == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(JSONSyntaxError) {
        let start = position
        while let byte = current, Self.isDigit(byte) { position += 1 }
        guard position > start else { throw unexpected("a digit") }
    }

    private mutating func word(_ word: StaticString) throws(JSONSyntaxError) {
        let expected = Array(word.description.utf8)
        guard bytes[position...].starts(with: expected) else { throw unexpected("a value") }
        position += expected.count
    }
}
