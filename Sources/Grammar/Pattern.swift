/// What a part of a text may be.
indirect enum Pattern: Sendable {
    /// Just these bytes.
    case literal([UInt8])
    /// One scalar of a set, in UTF-8; nothing matches the empty set.
    case scalar(ScalarSet)
    /// One after the other; the empty sequence is the empty text.
    case sequence([Pattern])
    /// One of these; nothing matches the empty choice.
    case choice([Pattern])
    /// So many times; without `most`, as often as one likes.
    case repeated(Pattern, least: Int, most: Int?)
    /// What a rule says.
    case rule(Int)

    /// The empty text.
    static let empty = Pattern.sequence([])
    /// No text at all.
    static let never = Pattern.choice([])

    /// The bytes of `text`.
    static func text(_ text: String) -> Pattern { .literal(Array(text.utf8)) }

    /// This or the empty text.
    var optional: Pattern { .repeated(self, least: 0, most: 1) }
}

/// Named patterns that use each other. Rule 0 is the whole text.
struct RuleSet: Sendable {
    private(set) var names: [String] = []
    private(set) var patterns: [Pattern] = []

    /// A rule that ``define(_:_:)`` must define; until then nothing follows it.
    mutating func reserve(_ name: String) -> Int {
        names.append(name)
        patterns.append(.never)
        return names.count - 1
    }

    mutating func define(_ rule: Int, _ pattern: Pattern) { patterns[rule] = pattern }

    /// A new rule for `pattern`.
    mutating func add(_ name: String, _ pattern: Pattern) -> Pattern {
        let rule = reserve(name)
        define(rule, pattern)
        return .rule(rule)
    }

    /// Per rule, whether it matches the empty text.
    func nullable() -> [Bool] {
        var nullable = [Bool](repeating: false, count: patterns.count)
        var users = [[Int]](repeating: [], count: patterns.count)
        for rule in patterns.indices {
            for used in Set(Self.rules(in: patterns[rule])) { users[used].append(rule) }
        }
        var waiting = Array(patterns.indices)
        while let rule = waiting.popLast() {
            guard !nullable[rule], Self.isNullable(patterns[rule], nullable) else { continue }
            nullable[rule] = true
            waiting += users[rule]
        }
        return nullable
    }

    private static func rules(in pattern: Pattern) -> [Int] {
        switch pattern {
        case .literal, .scalar: []
        case .sequence(let parts), .choice(let parts): parts.flatMap { rules(in: $0) }
        case .repeated(let part, _, _): rules(in: part)
        case .rule(let rule): [rule]
        }
    }

    /// Whether `pattern` matches the empty text, given which rules do.
    static func isNullable(_ pattern: Pattern, _ rules: [Bool]) -> Bool {
        switch pattern {
        case .literal(let bytes): bytes.isEmpty
        case .scalar: false
        case .sequence(let parts): parts.allSatisfy { isNullable($0, rules) }
        case .choice(let parts): parts.contains { isNullable($0, rules) }
        case .repeated(let part, let least, let most):
            least == 0 || most == 0 || isNullable(part, rules)
        case .rule(let rule): rules[rule]
        }
    }

    /// Throws where a rule can begin with itself: matching would call it without end.
    func checkLeftRecursion(_ nullable: [Bool]) throws(GrammarError) {
        // 0 unseen, 1 on the path, 2 done. Explicit, since rules nest as deep as there are rules.
        var marks = [UInt8](repeating: 0, count: patterns.count)
        for start in patterns.indices where marks[start] == 0 {
            var path = [(rule: start, rest: firstRules(patterns[start], nullable))]
            marks[start] = 1
            while let top = path.last {
                guard let next = top.rest.last else {
                    marks[top.rule] = 2
                    path.removeLast()
                    continue
                }
                path[path.count - 1].rest.removeLast()
                if marks[next] == 1 {
                    let cycle = path.map(\.rule).drop { $0 != next } + [next]
                    throw .leftRecursion(rules: cycle.map { names[$0] })
                }
                if marks[next] == 0 {
                    marks[next] = 1
                    path.append((next, firstRules(patterns[next], nullable)))
                }
            }
        }
    }

    /// The rules that `pattern` may begin with.
    private func firstRules(_ pattern: Pattern, _ nullable: [Bool]) -> [Int] {
        switch pattern {
        case .literal, .scalar: return []
        case .sequence(let parts):
            var rules: [Int] = []
            for part in parts {
                rules += firstRules(part, nullable)
                guard Self.isNullable(part, nullable) else { break }
            }
            return rules
        case .choice(let parts): return parts.flatMap { firstRules($0, nullable) }
        case .repeated(let part, _, let most): return most == 0 ? [] : firstRules(part, nullable)
        case .rule(let rule): return [rule]
        }
    }
}
