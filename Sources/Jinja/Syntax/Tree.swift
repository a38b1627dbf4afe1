/// An expression. Runs of operators of one level are one node with many operands, so that a long
/// sum nests no deeper than a short one.
indirect enum Expression: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(JinjaText)
    case name(String)
    case list([Expression])
    case tuple([Expression])
    case mapping([(key: Expression, value: Expression)])
    case not(Expression)
    case negative(Expression)
    case positive(Expression)
    case all([Expression])
    case any([Expression])
    /// A chain as in Python: `a < b < c` is `a < b and b < c`.
    case comparison(Expression, [(relation: Relation, right: Expression)])
    case arithmetic(Expression, [(operation: Arithmetic, right: Expression)])
    case concatenation([Expression])
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
    case postfix(Expression, [Postfix])
}

/// How two values are compared.
enum Relation: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isIn, isNotIn
}

/// What is done to two numbers, or to texts and lists.
enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case remainder = "%"
    case power = "**"
}

/// What follows an expression and applies to it.
struct Postfix: Sendable {
    indirect enum Kind: Sendable {
        case attribute(String)
        case item(Expression)
        case slice(start: Expression?, stop: Expression?, step: Expression?)
        case call(Arguments)
        case filter(String, Arguments)
        case test(String, Arguments, isNegated: Bool)
    }

    let kind: Kind
    let line: Int
}

/// The arguments of a call as written.
struct Arguments: Sendable {
    var positional: [Expression] = []
    var keyword: [(name: String, value: Expression)] = []
    /// `*list`.
    var spread: Expression?
    /// `**mapping`.
    var keywordSpread: Expression?
}

/// What a value is bound to.
indirect enum Target: Sendable {
    case name(String)
    case member(namespace: String, name: String)
    case tuple([Target])

    func binds(_ wanted: String) -> Bool {
        switch self {
        case .name(let name): name == wanted
        case .member: false
        case .tuple(let targets): targets.contains { $0.binds(wanted) }
        }
    }
}

/// A part of a template.
struct Statement: Sendable {
    indirect enum Kind: Sendable {
        case text(JinjaText)
        case output(Expression)
        case set(Target, Expression)
        case setBlock(Target, filters: [Postfix], body: [Statement])
        case loop(ForLoop)
        case conditional([(test: Expression, body: [Statement])], otherwise: [Statement])
        case macro(MacroDefinition)
        case call(CallBlock)
        case filter([Postfix], body: [Statement])
        case with([(target: Target, value: Expression)], body: [Statement])
        /// A body that is only marked, such as `generation`.
        case body([Statement])
        case leaveLoop
        case nextRound
    }

    let kind: Kind
    let line: Int
}

/// `for target in source if test`.
struct ForLoop: Sendable {
    let target: Target
    let source: Expression
    let test: Expression?
    let body: [Statement]
    /// Runs if the loop's body never did.
    let otherwise: [Statement]
}

/// A macro, or the body of a call block.
struct MacroDefinition: Sendable {
    let name: String
    let parameters: [(name: String, standard: Expression?)]
    let body: [Statement]
    /// Whether the body asks for `varargs`, `kwargs` and `caller`.
    let takesMore: Bool
    let takesMoreKeywords: Bool
    let takesCaller: Bool
}

/// `call(parameters) macro(arguments)` with a body that the macro calls as `caller`.
struct CallBlock: Sendable {
    let body: MacroDefinition
    /// What is called, without the call itself.
    let callee: Expression
    let arguments: Arguments
}
