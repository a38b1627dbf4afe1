/// The regular expressions of `pattern` (ECMA-262), as far as one reading suffices: literals,
/// escapes, classes, groups, alternatives and repetitions; `^` and `$` at the ends. Without them,
/// anything may come before and after. Not supported, and refused: references back, looking around,
/// word borders, properties of characters, flags.
///
/// The result matches the inside of a JSON string, escapes where JSON needs them.
struct RegularExpression {
    private let scalars: [Unicode.Scalar]
    private let path: String
    private var position = 0
    private var depth = 0

    /// The pattern of `source`, which stands at `path` in a schema.
    static func pattern(_ source: String, at path: String) throws(GrammarError) -> Pattern {
        var parser = RegularExpression(source, path)
        let pattern = try parser.alternatives(isWhole: true)
        guard parser.position == parser.scalars.count else { throw parser.fault("a stray ')'") }
        return pattern
    }

    private init(_ source: String, _ path: String) {
        scalars = Array(source.unicodeScalars)
        self.path = path
    }

    private var current: Unicode.Scalar? {
        position < scalars.count ? scalars[position] : nil
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    private func fault(_ reason: String) -> GrammarError {
        .schema(
            path: path, reason: "'pattern', character \(position + 1): \(reason)")
    }

    private static let anything = Pattern.repeated(inString(.all), least: 0, most: nil)

    /// One scalar of `set` within a JSON string; control characters only where JSON has a short
    /// escape for them.
    private static func inString(_ set: ScalarSet) -> Pattern {
        let plain = set.subtracting(JSONPatterns.plainScalars.inverted)
        let escaped = ("\"\\\u{8}\u{C}\n\r\t" as String).unicodeScalars.filter {
            set.contains($0.value)
        }
        var parts: [Pattern] = plain.isEmpty ? [] : [.scalar(plain)]
        parts += escaped.map { .text(JSONNode.escaped($0)) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    /// Recursion is bounded by ``GrammarLimits/nestingMax``.
    private mutating func alternatives(isWhole: Bool) throws(GrammarError) -> Pattern {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GrammarLimits.nestingMax else { throw fault("groups nest too deep") }
        var choices: [Pattern] = []
        repeat {
            var parts: [Pattern] = []
            if isWhole, !skip("^") { parts.append(Self.anything) }
            while let scalar = current, scalar != "|", scalar != ")" {
                if scalar == "$", isWhole {
                    guard position + 1 == scalars.count || scalars[position + 1] == "|" else {
                        throw fault("'$' is only supported at the end")
                    }
                    break
                }
                parts.append(try repetition(of: try atom()))
            }
            if isWhole, !skip("$") { parts.append(Self.anything) }
            choices.append(.sequence(parts))
        } while skip("|")
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func atom() throws(GrammarError) -> Pattern {
        guard let scalar = current else { throw fault("it ends too early") }
        position += 1
        switch scalar {
        case "(":
            if skip("?"), !skip(":") {
                throw fault("only plain groups and '(?:' are supported")
            }
            let group = try alternatives(isWhole: false)
            guard skip(")") else { throw fault("a group that is not closed") }
            return group
        case "[": return Self.inString(try characterClass())
        case ".": return Self.inString(ScalarSet("\n\r\u{2028}\u{2029}").inverted)
        case "\\": return Self.inString(try escape(inClass: false))
        case "^", "$":
            position -= 1
            throw fault("'\(scalar)' is only supported at the ends of the pattern")
        case "*", "+", "?", "{", "}":
            position -= 1
            throw fault("'\(scalar)' has nothing to repeat; write '\\\(scalar)' for itself")
        default: return Self.inString(ScalarSet([scalar.value...scalar.value]))
        }
    }

    private mutating func repetition(of part: Pattern) throws(GrammarError) -> Pattern {
        var result = part
        if skip("*") {
            result = .repeated(part, least: 0, most: nil)
        } else if skip("+") {
            result = .repeated(part, least: 1, most: nil)
        } else if skip("?") {
            result = part.optional
        } else if skip("{") {
            let least = try number()
            var most: Int? = least
            if skip(",") { most = current == "}" ? nil : try number() }
            guard skip("}") else { throw fault("a '{' that is not closed") }
            if let most, most < least { throw fault("a repetition that runs backwards") }
            result = .repeated(part, least: least, most: most)
        } else {
            return part
        }
        // Lazy or not, the same texts match.
        _ = skip("?")
        if current == "*" || current == "+" || current == "{" {
            throw fault("a repetition of a repetition; use a group")
        }
        return result
    }

    private mutating func number() throws(GrammarError) -> Int {
        var value = 0
        let start = position
        while let scalar = current, ("0"..."9").contains(scalar) {
            value = value * 10 + Int(scalar.value - 0x30)
            guard value <= GrammarLimits.repetitionMax else {
                throw fault("a repetition of over \(GrammarLimits.repetitionMax)")
            }
            position += 1
        }
        guard position > start else { throw fault("a number should be here") }
        return value
    }

    private static let digits = ScalarSet([0x30...0x39])
    private static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    private static let white = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])

    private mutating func characterClass() throws(GrammarError) -> ScalarSet {
        let isNegated = skip("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !skip("]") {
            let first = try member()
            guard current == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                ranges += first.ranges
                continue
            }
            position += 1
            let last = try member()
            guard let low = Self.single(first), let high = Self.single(last), low <= high else {
                throw fault("a range that is none")
            }
            ranges.append(low...high)
        }
        let set = ScalarSet(ranges)
        return isNegated ? set.inverted : set
    }

    private static func single(_ set: ScalarSet) -> UInt32? {
        guard set.ranges.count == 1, set.ranges[0].count == 1 else { return nil }
        return set.ranges[0].lowerBound
    }

    private mutating func member() throws(GrammarError) -> ScalarSet {
        guard let scalar = current else { throw fault("a class that is not closed") }
        position += 1
        return scalar == "\\"
            ? try escape(inClass: true) : ScalarSet([scalar.value...scalar.value])
    }

    private mutating func escape(inClass: Bool) throws(GrammarError) -> ScalarSet {
        guard let scalar = current else { throw fault("it ends too early") }
        position += 1
        switch scalar {
        case "d": return Self.digits
        case "D": return Self.digits.inverted
        case "w": return Self.word
        case "W": return Self.word.inverted
        case "s": return Self.white
        case "S": return Self.white.inverted
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "t": return ScalarSet("\t")
        case "f": return ScalarSet("\u{C}")
        case "v": return ScalarSet("\u{B}")
        case "b" where inClass: return ScalarSet("\u{8}")
        case "x": return try hexadecimal(2)
        case "u": return try hexadecimal(4)
        case "0"..."9", "A"..."Z", "a"..."z":
            position -= 1
            throw fault("the escape '\\\(scalar)' is not supported")
        default: return ScalarSet([scalar.value...scalar.value])
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(GrammarError) -> ScalarSet {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = current.flatMap({ Character($0).hexDigitValue }) else {
                throw fault("a hexadecimal digit should be here")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard Unicode.Scalar(value) != nil else { throw fault("half a surrogate pair") }
        return ScalarSet([value...value])
    }
}
