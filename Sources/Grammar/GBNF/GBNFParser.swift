/// Reads grammars in GBNF, the notation that ``Grammar/init(gbnf:)`` describes.
struct GBNFParser {
    private let scalars: [UInt32]
    private var position = 0
    private var depth = 0
    private var rules = RuleSet()
    private var places: [String: Int] = [:]
    /// Where each rule was first mentioned, for those that stay undefined.
    private var mentions: [Int] = []
    private var defined: [Bool] = []

    /// A parser of `source`.
    init(_ source: String) throws(GrammarError) {
        guard source.utf8.count <= GrammarLimits.sourceBytesMax else {
            throw .tooLarge(what: "bytes of a grammar", limit: GrammarLimits.sourceBytesMax)
        }
        scalars = source.unicodeScalars.map(\.value)
    }

    /// The rules, `root` first. A `root` that the others make unused stays the only way in.
    mutating func parse() throws(GrammarError) -> RuleSet {
        _ = try rule(named: "root", at: 0)
        skipSpace(lines: true)
        while current != nil {
            try definition()
            skipSpace(lines: true)
        }
        for rule in defined.indices where !defined[rule] {
            guard rule > 0 else { throw fault("there is no rule named 'root'", at: position) }
            let (line, column) = lineAndColumn(mentions[rule])
            throw .undefinedRule(name: rules.names[rule], line: line, column: column)
        }
        return rules
    }

    private var current: UInt32? { position < scalars.count ? scalars[position] : nil }

    private func isAt(_ character: Unicode.Scalar) -> Bool { current == character.value }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard isAt(character) else { return false }
        position += 1
        return true
    }

    private func lineAndColumn(_ position: Int) -> (Int, Int) {
        let before = scalars.prefix(position)
        let line = before.count { $0 == 0x0A } + 1
        let column = before.reversed().prefix { $0 != 0x0A }.count + 1
        return (line, column)
    }

    private func fault(_ reason: String, at position: Int) -> GrammarError {
        let (line, column) = lineAndColumn(position)
        return .syntax(reason: reason, line: line, column: column)
    }

    private func unexpected(_ wanted: String) -> GrammarError {
        guard let current, let scalar = Unicode.Scalar(current) else {
            return fault("the grammar ends where \(wanted) should follow", at: position)
        }
        let shown = current < 0x21 ? "white space" : "'\(Character(scalar))'"
        return fault("\(shown) where \(wanted) should be", at: position)
    }

    /// Skips white space and comments; line breaks only with `lines`.
    private mutating func skipSpace(lines: Bool) {
        while let character = current {
            switch character {
            case 0x20, 0x09: position += 1
            case 0x0A, 0x0D:
                guard lines else { return }
                position += 1
            case UInt32(UInt8(ascii: "#")):
                while current != nil, !isAt("\n") { position += 1 }
            default: return
            }
        }
    }

    private static func isName(_ character: UInt32) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }

    private mutating func name() throws(GrammarError) -> String {
        let start = position
        while let character = current, Self.isName(character) { position += 1 }
        guard position > start else { throw unexpected("a rule's name") }
        guard position - start <= GrammarLimits.nameBytesMax else {
            throw fault("a name of over \(GrammarLimits.nameBytesMax) characters", at: start)
        }
        return String(
            String.UnicodeScalarView(scalars[start..<position].compactMap(Unicode.Scalar.init)))
    }

    /// The number of the rule, new if it was not mentioned before.
    private mutating func rule(named name: String, at position: Int) throws(GrammarError) -> Int {
        if let known = places[name] { return known }
        guard defined.count < GrammarLimits.rulesMax else {
            throw .tooLarge(what: "rules of a grammar", limit: GrammarLimits.rulesMax)
        }
        places[name] = rules.reserve(name)
        mentions.append(position)
        defined.append(false)
        return defined.count - 1
    }

    private mutating func definition() throws(GrammarError) {
        let start = position
        let name = try name()
        let rule = try rule(named: name, at: start)
        skipSpace(lines: false)
        guard skip(":"), skip(":"), skip("=") else { throw unexpected("'::='") }
        guard !defined[rule] else {
            throw fault("the rule '\(name)' is defined a second time", at: start)
        }
        defined[rule] = true
        skipSpace(lines: true)
        rules.define(rule, try alternatives())
        guard current == nil || isAt("\n") || isAt("\r") else {
            throw unexpected("the end of the line")
        }
    }

    /// Recursion is bounded by ``GrammarLimits/nestingMax``.
    private mutating func alternatives() throws(GrammarError) -> Pattern {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GrammarLimits.nestingMax else {
            throw fault("groups nest deeper than \(GrammarLimits.nestingMax)", at: position)
        }
        var choices = [try sequence()]
        while skip("|") {
            skipSpace(lines: true)
            choices.append(try sequence())
        }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() throws(GrammarError) -> Pattern {
        var parts: [Pattern] = []
        while let part = try item() {
            parts.append(try repetitions(of: part))
            skipSpace(lines: depth > 1)
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// A literal, class, group or rule; nil where none begins.
    private mutating func item() throws(GrammarError) -> Pattern? {
        guard let character = current else { return nil }
        switch Unicode.Scalar(character) {
        case "\"": return try literal()
        case "[": return try characterClass()
        case ".":
            position += 1
            return .scalar(.all)
        case "(":
            position += 1
            skipSpace(lines: true)
            let group = try alternatives()
            guard skip(")") else { throw unexpected("')'") }
            return group
        case _ where Self.isName(character):
            let start = position
            return .rule(try rule(named: try name(), at: start))
        default: return nil
        }
    }

    private mutating func repetitions(of part: Pattern) throws(GrammarError) -> Pattern {
        var part = part
        var count = 0
        while true {
            let start = position
            if skip("*") {
                part = .repeated(part, least: 0, most: nil)
            } else if skip("+") {
                part = .repeated(part, least: 1, most: nil)
            } else if skip("?") {
                part = part.optional
            } else if skip("{") {
                let (least, most) = try bounds(start)
                part = .repeated(part, least: least, most: most)
            } else {
                return part
            }
            count += 1
            guard count <= GrammarLimits.nestingMax else {
                throw fault("too many repetitions of one another", at: start)
            }
        }
    }

    /// The inside of braces and the closing one.
    private mutating func bounds(_ start: Int) throws(GrammarError) -> (Int, Int?) {
        skipSpace(lines: false)
        let least = try number()
        skipSpace(lines: false)
        var most: Int? = least
        if skip(",") {
            skipSpace(lines: false)
            most = isAt("}") ? nil : try number()
            skipSpace(lines: false)
        }
        guard skip("}") else { throw unexpected("'}'") }
        if let most, most < least {
            throw fault("a repetition from \(least) to \(most) times", at: start)
        }
        return (least, most)
    }

    private mutating func number() throws(GrammarError) -> Int {
        let start = position
        var value = 0
        while let digit = current, (0x30...0x39).contains(digit) {
            value = value * 10 + Int(digit - 0x30)
            guard value <= GrammarLimits.repetitionMax else {
                throw fault("a repetition of over \(GrammarLimits.repetitionMax)", at: start)
            }
            position += 1
        }
        guard position > start else { throw unexpected("a number") }
        return value
    }

    private mutating func literal() throws(GrammarError) -> Pattern {
        let start = position
        position += 1
        var bytes: [UInt8] = []
        while let character = current, character != 0x0A {
            if skip("\"") { return .literal(bytes) }
            let value = try self.character()
            bytes += Array(String(Character(value)).utf8)
        }
        throw fault("a literal that is not closed", at: start)
    }

    private mutating func characterClass() throws(GrammarError) -> Pattern {
        let start = position
        position += 1
        let isNegated = skip("^")
        var ranges: [ClosedRange<UInt32>] = []
        while let character = current, character != 0x0A {
            if skip("]") {
                let set = ScalarSet(ranges)
                return .scalar(isNegated ? set.inverted : set)
            }
            let place = position
            let first = try self.character().value
            var last = first
            if isAt("-"), position + 1 < scalars.count, scalars[position + 1] != 0x5D {
                position += 1
                last = try self.character().value
            }
            guard first <= last else { throw fault("a range that runs backwards", at: place) }
            ranges.append(first...last)
        }
        throw fault("a character class that is not closed", at: start)
    }

    /// A character or an escape, within a literal or a class.
    private mutating func character() throws(GrammarError) -> Unicode.Scalar {
        guard let character = current, let scalar = Unicode.Scalar(character) else {
            throw unexpected("a character")
        }
        position += 1
        guard scalar == "\\" else { return scalar }
        let start = position - 1
        guard let escaped = current.flatMap(Unicode.Scalar.init) else {
            throw unexpected("an escaped character")
        }
        position += 1
        switch escaped {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "x": return try hexadecimal(2, start)
        case "u": return try hexadecimal(4, start)
        case "U": return try hexadecimal(8, start)
        case "\\", "\"", "[", "]", "-", "^": return escaped
        default:
            throw fault("unknown escape '\\\(Character(escaped))'", at: start)
        }
    }

    private mutating func hexadecimal(
        _ digits: Int, _ start: Int
    ) throws(GrammarError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = current.flatMap(Unicode.Scalar.init),
                let number = Character(digit).hexDigitValue
            else { throw unexpected("a hexadecimal digit") }
            value = value << 4 | UInt32(number)
            position += 1
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw fault("an escape that is no Unicode scalar", at: start)
        }
        return scalar
    }
}
