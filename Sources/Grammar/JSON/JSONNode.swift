/// A JSON value as it was written: numbers keep their text, objects their order.
indirect enum JSONNode: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONNode])
    case object([Member])

    /// A name and its value.
    struct Member: Equatable, Sendable {
        var name: String
        var value: JSONNode
    }

    /// The value of `name`, if this is an object that has it.
    subscript(name: String) -> JSONNode? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// What JSON schemas call it.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let text): DecimalNumber(text)?.isWhole == true ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// Its text without white space, with no more escapes than needed.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let value): "\"" + Self.escaped(value) + "\""
        case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.map { "\"" + Self.escaped($0.name) + "\":" + $0.value.text }
                .joined(separator: ",") + "}"
        }
    }

    /// The inside of a string literal.
    static func escaped(_ string: String) -> String {
        var text = ""
        for scalar in string.unicodeScalars { text += escaped(scalar) }
        return text
    }

    /// A scalar within a string literal.
    static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\u{8}": return "\\b"
        case "\u{C}": return "\\f"
        case "\0"..<" ":
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: return String(Character(scalar))
        }
    }

    /// A text that is equal for values that are the same to JSON Schema: numbers by value, objects
    /// without order.
    var identity: String {
        switch self {
        case .null, .bool, .string: return text
        case .number(let text):
            guard let number = DecimalNumber(text) else { return text }
            func digits(_ digits: [UInt8]) -> String { digits.map { String($0) }.joined() }
            return (number.isNegative ? "-" : "") + digits(number.whole) + "."
                + digits(number.fraction)
        case .array(let items):
            return "[" + items.map(\.identity).joined(separator: ",") + "]"
        case .object(let members):
            let sorted = members.map { "\"" + Self.escaped($0.name) + "\":" + $0.value.identity }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            return "{" + sorted.joined(separator: ",") + "}"
        }
    }

    /// Whether both are the same value to JSON Schema.
    func isSame(as other: JSONNode) -> Bool {
        identity.utf8.elementsEqual(other.identity.utf8)
    }
}

/// A decimal number of at most ``GrammarLimits/digitsMax`` digits before the point and after it,
/// without trailing zeros after the point: equal numbers are equal.
struct DecimalNumber: Hashable, Sendable {
    var isNegative: Bool
    /// Before the point, without leading zeros: empty for zero.
    var whole: [UInt8]
    /// After the point.
    var fraction: [UInt8]

    /// Whether there is nothing after the point.
    var isWhole: Bool { fraction.isEmpty }
    var isZero: Bool { whole.isEmpty && fraction.isEmpty }

    /// The number that a JSON number's text stands for; nil if it has too many digits.
    init?(_ text: String) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var rest = Array(text.utf8)[...]
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest.removeFirst() }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."): point = digits.count
            case 0x30...0x39: digits.append(byte - 0x30)
            default:
                guard let value = Int(String(decoding: rest, as: UTF8.self)), abs(value) < 1000
                else { return nil }
                exponent = value
                rest = []
            }
        }
        var place = (point ?? digits.count) + exponent
        guard !digits.allSatisfy({ $0 == 0 }) else {
            (isNegative, whole, fraction) = (false, [], [])
            return
        }
        while digits.first == 0 {
            digits.removeFirst()
            place -= 1
        }
        while digits.last == 0 { digits.removeLast() }
        let most = GrammarLimits.digitsMax
        guard place <= most, digits.count - place <= most, place >= -most else { return nil }
        if place < 0 {
            digits = [UInt8](repeating: 0, count: -place) + digits
            place = 0
        }
        if place > digits.count {
            digits += [UInt8](repeating: 0, count: place - digits.count)
        }
        whole = Array(digits[..<place])
        fraction = Array(digits[place...])
    }

    /// −1, 0 or 1 as this is below, equal to or above `other`, signs aside.
    func magnitudeCompared(to other: DecimalNumber) -> Int {
        if whole.count != other.whole.count { return whole.count < other.whole.count ? -1 : 1 }
        if whole != other.whole {
            return whole.lexicographicallyPrecedes(other.whole) ? -1 : 1
        }
        if fraction == other.fraction { return 0 }
        return fraction.lexicographicallyPrecedes(other.fraction) ? -1 : 1
    }

    /// Whether this is below `other`.
    func precedes(_ other: DecimalNumber) -> Bool {
        if isNegative != other.isNegative { return isNegative }
        let compared = magnitudeCompared(to: other)
        return isNegative ? compared > 0 : compared < 0
    }
}
