/// Compiles patterns to states, from the back: each pattern is given the state that follows it.
struct ProgramCompiler {
    private var program = Program()
    private var setPlaces: [ByteSet: Int32] = [:]
    private let nullable: [Bool]

    /// The program of `rules`.
    static func compile(_ rules: RuleSet) throws(GrammarError) -> Program {
        guard rules.patterns.count <= GrammarLimits.rulesMax else {
            throw .tooLarge(what: "the grammar's rules", limit: GrammarLimits.rulesMax)
        }
        let nullable = rules.nullable()
        try rules.checkLeftRecursion(nullable)
        var compiler = ProgramCompiler(nullable: nullable)
        for pattern in rules.patterns {
            compiler.program.starts.append(try compiler.build(pattern, next: 0))
        }
        compiler.program.findHeights()
        for (rule, start) in compiler.program.starts.enumerated() {
            let height = compiler.program.heights[Int(start)]
            guard rule > 0 || height <= GrammarLimits.depthMax else {
                throw .endless(rule: rules.names[rule])
            }
        }
        compiler.program.findClasses()
        return compiler.program
    }

    private init(nullable: [Bool]) { self.nullable = nullable }

    private mutating func add(_ state: Program.State) throws(GrammarError) -> Int32 {
        guard program.states.count < GrammarLimits.statesMax else {
            throw .tooLarge(
                what: "states of the compiled grammar; make it simpler",
                limit: GrammarLimits.statesMax)
        }
        program.states.append(state)
        return Int32(program.states.count - 1)
    }

    private mutating func place(of set: ByteSet) -> Int32 {
        if let known = setPlaces[set] { return known }
        program.sets.append(set)
        setPlaces[set] = Int32(program.sets.count - 1)
        return Int32(program.sets.count - 1)
    }

    /// The state from which `pattern` and then `next` match. Recursion is bounded by how deep
    /// patterns nest, which the parsers bound.
    private mutating func build(
        _ pattern: Pattern, next: Int32
    ) throws(GrammarError) -> Int32 {
        switch pattern {
        case .literal(let bytes):
            var state = next
            for byte in bytes.reversed() {
                state = try add(.byte(set: place(of: ByteSet(byte...byte)), next: state))
            }
            return state
        case .scalar(let set): return try build(set, next: next)
        case .sequence(let parts):
            var state = next
            for part in parts.reversed() { state = try build(part, next: state) }
            return state
        case .choice(let parts):
            guard let last = parts.last else { return try add(.never) }
            var state = try build(last, next: next)
            for part in parts.dropLast().reversed() {
                state = try add(.split(try build(part, next: next), state))
            }
            return state
        case .repeated(let part, let least, let most):
            return try build(part, least, most, next: next)
        case .rule(let rule):
            // A call in last place needs no way back, so lists written as recursion don't nest.
            return try next == 0
                ? add(.jump(rule: Int32(rule))) : add(.call(rule: Int32(rule), next: next))
        }
    }

    private mutating func build(
        _ part: Pattern, _ least: Int, _ most: Int?, next: Int32
    ) throws(GrammarError) -> Int32 {
        guard most != 0 else { return next }
        let mayBeEmpty = RuleSet.isNullable(part, nullable)
        let least = mayBeEmpty ? 0 : least
        guard let most else {
            if least > 1 {
                let rest = try build(part, 0, nil, next: next)
                return try build(part, least, least, next: rest)
            }
            let loop = try add(.never)
            let body = try build(part, next: loop)
            program.states[Int(loop)] = .split(body, next)
            return least == 1 ? body : loop
        }
        if most == 1 {
            let body = try build(part, next: next)
            return least == 1 ? body : try add(.split(body, next))
        }
        if mayBeEmpty {
            // A count of empty texts has no end; copies have.
            var state = next
            for _ in 0..<most { state = try add(.split(try build(part, next: state), next)) }
            return state
        }
        let body = try build(part, next: 0)
        program.repetitions.append(
            Program.Repetition(body: body, least: Int32(least), most: Int32(most), next: next))
        return try add(.repetition(Int32(program.repetitions.count - 1)))
    }

    /// One scalar: single bytes in one state; longer ones share the states of equal tails.
    private mutating func build(_ set: ScalarSet, next: Int32) throws(GrammarError) -> Int32 {
        var tails: [[ClosedRange<UInt8>]: Int32] = [[]: next]
        var leads: [(tail: [ClosedRange<UInt8>], set: ByteSet)] = []
        var places: [[ClosedRange<UInt8>]: Int] = [:]
        for sequence in set.byteSequences {
            let tail = Array(sequence.dropFirst())
            let place = places[tail] ?? leads.count
            if place == leads.count {
                places[tail] = place
                leads.append((tail, ByteSet()))
            }
            for byte in sequence[0] { leads[place].set.insert(byte) }
        }
        var state: Int32?
        for lead in leads.reversed() {
            var following = next
            for first in lead.tail.indices.reversed() {
                let tail = Array(lead.tail[first...])
                if let known = tails[tail] {
                    following = known
                } else {
                    following = try add(
                        .byte(set: place(of: ByteSet(lead.tail[first])), next: following))
                    tails[tail] = following
                }
            }
            let one = try add(.byte(set: place(of: lead.set), next: following))
            state = if let other = state { try add(.split(one, other)) } else { one }
        }
        return if let state { state } else { try add(.never) }
    }
}
