/// Runs one template once. Every step is charged, and what is built is measured.
final class Interpreter {
    /// What the caller handed in, by name.
    private let context: [String: Value]
    let now: JinjaDate?

    /// The line of the statement or call that runs, for messages.
    var line = 1
    /// What is written now: the rendering, or the text of a macro or block that is captured.
    private var output: [UInt32] = []
    private var work = 0
    private let workMax: Int
    private var depth = 0

    /// The tables behind the values that have an identity.
    var namespaces: [[String: Value]] = []
    var macros: [(definition: MacroDefinition, scope: Scope)] = []
    var joiners: [(separator: Value, isUsed: Bool)] = []
    var cyclers: [(items: [Value], position: Int)] = []

    init(context: JinjaObject, now: JinjaDate?, workMax: Int) throws(TemplateError) {
        self.workMax = workMax
        var values: [String: Value] = [:]
        for member in context.members {
            values[member.name.string] = try Value(member.value)
        }
        self.context = values
        self.now = now
    }

    /// The text of a whole template.
    func render(_ body: [Statement]) throws(TemplateError) -> JinjaText {
        do {
            _ = try run(body, in: Scope(parent: nil))
        } catch {
            var error = error
            error.line = error.line ?? line
            throw error
        }
        return JinjaText(units: output)
    }

    /// Counts `amount` of work.
    func charge(_ amount: Int) throws(TemplateError) {
        // Amounts are lengths of what exists: they add up to far less than an integer holds.
        work += amount
        guard work <= workMax else {
            throw .limit("the template takes too much work; \(workMax) steps allowed")
        }
    }

    /// Counts the work of reading or writing so many characters.
    func chargeText(_ characters: Int) throws(TemplateError) { try charge(1 + characters / 8) }

    /// Checks the length of a text that is about to be made, and counts its work.
    func reserve(_ characters: Int) throws(TemplateError) {
        guard characters <= JinjaLimits.textCharactersMax else {
            throw .limit(
                "a text of \(characters) characters; "
                    + "\(JinjaLimits.textCharactersMax) are allowed")
        }
        try chargeText(characters)
    }

    /// Runs `body` one level deeper, if the depth allows it.
    func nested<T>(_ body: () throws(TemplateError) -> T) throws(TemplateError) -> T {
        guard depth < JinjaLimits.evaluationDepthMax else {
            throw .limit("calls and expressions nested over \(JinjaLimits.evaluationDepthMax) deep")
        }
        depth += 1
        defer { depth -= 1 }
        return try body()
    }

    func write(_ text: JinjaText) throws(TemplateError) {
        try chargeText(text.count)
        guard output.count + text.count <= JinjaLimits.textCharactersMax else {
            throw .limit("the rendering has over \(JinjaLimits.textCharactersMax) characters")
        }
        output += text.units
    }

    /// What `body` writes, instead of writing it.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> JinjaText {
        let outer = output
        output = []
        defer { output = outer }
        try body()
        return JinjaText(units: output)
    }

    func lookUp(_ name: String, in scope: Scope) throws(TemplateError) -> Value {
        var scope: Scope? = scope
        while let current = scope {
            if let value = current.values[name] { return value }
            scope = current.parent
        }
        if let value = context[name] { return value }
        guard let function = BuiltinFunction(rawValue: name) else { return .undefined(name) }
        // Without a date there is no such function, which templates ask about.
        if function == .strftimeNow, now == nil { return .undefined(name) }
        return .function(function)
    }
}

/// The names bound in one block, over those of the block around it.
final class Scope {
    var values: [String: Value] = [:]
    let parent: Scope?

    init(parent: Scope?) { self.parent = parent }
}

/// What is evaluated of a call's arguments.
struct CallArguments {
    var positional: [Value] = []
    var keyword: [(name: String, value: Value)] = []

    /// The arguments by the order of `names`, nil where one is not given.
    func bind(
        _ names: [String], required: Int = 0, to function: String
    ) throws(TemplateError) -> [Value?] {
        guard positional.count <= names.count else {
            throw .evaluation(
                "\(function) takes \(names.count) arguments, not \(positional.count)")
        }
        var values: [Value?] = positional
        values += [Value?](repeating: nil, count: names.count - positional.count)
        for (name, value) in keyword {
            guard let index = names.firstIndex(of: name) else {
                throw .evaluation("\(function) has no argument '\(name)'")
            }
            guard values[index] == nil else {
                throw .evaluation("\(function) is given '\(name)' twice")
            }
            values[index] = value
        }
        if let missing = values.prefix(required).firstIndex(where: { $0 == nil }) {
            throw .evaluation("\(function) needs the argument '\(names[missing])'")
        }
        return values
    }
}
