/// Why a grammar or schema was refused, or a text does not follow one.
public enum GrammarError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A grammar or a schema that can't be read; line and column count from 1, in characters.
    case syntax(reason: String, line: Int, column: Int)
    /// A rule that is used, but nowhere defined.
    case undefinedRule(name: String, line: Int, column: Int)
    /// A rule that can begin with itself, by way of the others named.
    case leftRecursion(rules: [String])
    /// No text follows the rule: each would have to go on for ever, or is excluded.
    case endless(rule: String)
    /// Something exceeds a bound.
    case tooLarge(what: String, limit: Int)
    /// A schema that can't be followed; `path` is a JSON pointer into it.
    case schema(path: String, reason: String)
    /// A byte that the grammar does not allow; `offset` counts within the bytes given.
    case notAllowed(offset: Int)

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .syntax(let reason, let line, let column):
            "line \(line), column \(column): \(reason)"
        case .undefinedRule(let name, let line, let column):
            "line \(line), column \(column): the rule '\(name)' is not defined"
        case .leftRecursion(let rules):
            "the rule '\(rules.first ?? "")' can begin with itself ("
                + rules.joined(separator: " → ")
                + "); write it so that something comes before it"
        case .endless(let rule):
            "no text can follow the rule '\(rule)': it never ends, or excludes everything"
        case .tooLarge(let what, let limit): "\(what): at most \(limit)"
        case .schema(let path, let reason):
            "at \(path.isEmpty ? "the top of the schema" : path): \(reason)"
        case .notAllowed(let offset): "byte \(offset) does not follow the grammar"
        }
    }
}
