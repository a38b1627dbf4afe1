/// A pattern as a tree.
indirect enum PatternNode {
    /// One scalar of a set.
    case set(ScalarSet)
    /// One after the other.
    case sequence([PatternNode])
    /// The first that leads to a match.
    case alternatives([PatternNode])
    /// As often as possible, from `min` to `max` times; nil is without end.
    case repeated(PatternNode, min: Int, max: Int?)
    /// The next scalar is in the set, or is not; the end of the text is in no set.
    case lookahead(ScalarSet, isNegated: Bool)
    /// The end of the text.
    case end
}

/// Why a pattern can't be used.
struct PatternError: Error {
    /// What is wrong, and where.
    var reason: String
}

/// Reads the regular expressions that pre-tokenizers are published in, as far as they use them:
/// literals, `\s \S \d \p{…}`, classes, groups, `(?i:…)`, alternatives, greedy quantifiers, `$`,
/// and a lookahead of one scalar.
struct PatternParser {
    private var rest: Substring.UnicodeScalarView
    private let pattern: String
    private var ignoresCase = false

    private init(_ pattern: String) {
        self.pattern = pattern
        rest = Substring(pattern).unicodeScalars
    }

    /// The tree of `pattern`.
    static func parse(_ pattern: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(pattern)
        let node = try parser.alternatives()
        guard parser.rest.isEmpty else { throw parser.failure("a parenthesis too many") }
        return node
    }

    private func failure(_ reason: String) -> PatternError {
        PatternError(reason: "\(reason) before \"\(String(rest))\" in \"\(pattern)\"")
    }

    private mutating func take(_ text: String) -> Bool {
        guard rest.starts(with: text.unicodeScalars) else { return false }
        rest = rest.dropFirst(text.unicodeScalars.count)
        return true
    }

    private mutating func next() throws(PatternError) -> Unicode.Scalar {
        guard let scalar = rest.popFirst() else { throw failure("the pattern ends early") }
        return scalar
    }

    private mutating func alternatives() throws(PatternError) -> PatternNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let first = rest.first, first != "|", first != ")" {
            nodes.append(try quantified(try atom()))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func quantified(_ node: PatternNode) throws(PatternError) -> PatternNode {
        var result = node
        if take("?") {
            result = .repeated(node, min: 0, max: 1)
        } else if take("*") {
            result = .repeated(node, min: 0, max: nil)
        } else if take("+") {
            result = .repeated(node, min: 1, max: nil)
        } else if take("{") {
            let least = try number()
            let most = take(",") ? try number() : least
            guard take("}"), least <= most, most > 0 else { throw failure("a bad count") }
            result = .repeated(node, min: least, max: most)
        } else {
            return result
        }
        if let after = rest.first, "?*+{".unicodeScalars.contains(after) {
            throw failure("a second quantifier")
        }
        return result
    }

    private mutating func number() throws(PatternError) -> Int {
        var value = 0
        var digits = 0
        while let scalar = rest.first, (0x30...0x39).contains(scalar.value), digits < 4 {
            value = value * 10 + Int(scalar.value - 0x30)
            digits += 1
            rest.removeFirst()
        }
        guard digits > 0 else { throw failure("a count without digits") }
        return value
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        if take("(?!") { return try lookahead(isNegated: true) }
        if take("(?=") { return try lookahead(isNegated: false) }
        if take("(?i:") { return try group(ignoringCase: true) }
        if take("(?:") { return try group(ignoringCase: ignoresCase) }
        if take("[") { return .set(try scalarClass()) }
        let scalar = try next()
        switch scalar {
        case "(": return try group(ignoringCase: ignoresCase)
        case "$": return .end
        case "\\": return .set(try escape())
        case ".", "^", ")", "]", "?", "*", "+", "{":
            throw failure("an unsupported \"\(scalar)\"")
        default: return .set(.literal(scalar, ignoringCase: ignoresCase))
        }
    }

    private mutating func group(ignoringCase: Bool) throws(PatternError) -> PatternNode {
        let outer = ignoresCase
        ignoresCase = ignoringCase
        let node = try alternatives()
        ignoresCase = outer
        guard take(")") else { throw failure("a group without an end") }
        return node
    }

    private mutating func lookahead(isNegated: Bool) throws(PatternError) -> PatternNode {
        guard case .set(let set) = try atom(), take(")") else {
            throw failure("a lookahead of more than one scalar")
        }
        return .lookahead(set, isNegated: isNegated)
    }

    /// What stands after a backslash.
    private mutating func escape() throws(PatternError) -> ScalarSet {
        let scalar = try next()
        switch scalar {
        case "s": return .whiteSpace
        case "S":
            var set = ScalarSet.whiteSpace
            set.isNegated = true
            return set
        case "d": return .digits
        case "r": return .literal("\r", ignoringCase: false)
        case "n": return .literal("\n", ignoringCase: false)
        case "t": return .literal("\t", ignoringCase: false)
        case "x":
            let digits = try braced()
            guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
                throw failure("the unknown scalar \(digits)")
            }
            return .literal(scalar, ignoringCase: false)
        case "p":
            let name = try braced()
            guard let bits = UnicodeCategory.bits(named: name) else {
                throw failure("the unknown category \(name)")
            }
            return ScalarSet(categories: bits)
        default:
            guard !scalar.properties.isAlphabetic else { throw failure("an unknown escape") }
            return .literal(scalar, ignoringCase: false)
        }
    }

    /// The text between the braces of an escape.
    private mutating func braced() throws(PatternError) -> String {
        guard take("{") else { throw failure("an escape without braces") }
        var text = ""
        while !take("}") { text.unicodeScalars.append(try next()) }
        return text
    }

    /// What stands between brackets.
    private mutating func scalarClass() throws(PatternError) -> ScalarSet {
        var result = ScalarSet()
        result.isNegated = take("^")
        while !take("]") {
            let first = try next()
            var item =
                first == "\\" ? try escape() : .literal(first, ignoringCase: ignoresCase)
            guard !item.isNegated else { throw failure("a negated set inside a class") }
            if item.ranges.count == 1, item.categories == 0,
                let low = item.ranges.first?.lowerBound,
                rest.first == "-", rest.dropFirst().first != "]"
            {
                rest.removeFirst()
                let last = try next()
                let end = last == "\\" ? try escape() : .literal(last, ignoringCase: false)
                guard end.ranges.count == 1, let high = end.ranges.first?.upperBound, low <= high
                else { throw failure("a bad range") }
                item.ranges = [low...high]
            }
            result.formUnion(item)
        }
        return result
    }
}
