/// A pattern as instructions for a backtracking matcher, with its sets as bits of a word.
struct PatternProgram: Sendable {
    /// One step of the matcher.
    struct Instruction: Sendable {
        enum Operation: UInt8 {
            /// The scalar is in set `argument`: go past it.
            case accept
            /// Try `first`, and `second` where that fails. `argument` numbers the splits.
            case split
            /// Go on at `first`.
            case jump
            /// The next scalar is in set `argument`.
            case ahead
            /// The next scalar, if there is one, is not in set `argument`.
            case notAhead
            /// Nothing follows.
            case end
            /// The whole pattern matched.
            case match
        }
        var operation: Operation
        var argument: UInt8 = 0
        var first: UInt16 = 0
        var second: UInt16 = 0
    }

    /// The instructions; the last is a match.
    private(set) var instructions: [Instruction] = []
    /// For each ASCII scalar, the sets that accept it.
    private(set) var asciiMasks: [UInt32] = []
    /// For each category, the sets that name it.
    private(set) var categoryMasks: [UInt32] = []
    /// Where ranges begin and end: from `start` on, the sets whose ranges cover the scalar.
    private(set) var breaks: [(start: UInt32, mask: UInt32)] = []
    /// The sets that are negated.
    private(set) var negated: UInt32 = 0

    private var sets: [ScalarSet] = []
    private var splits: UInt8 = 0

    /// Reads and compiles a pattern.
    init(_ pattern: String) throws(PatternError) {
        try emit(PatternParser.parse(pattern))
        instructions.append(Instruction(operation: .match))
        buildMasks()
    }

    /// The sets that accept `scalar`.
    func mask(of scalar: UInt32) -> UInt32 {
        if scalar < 0x80 { return asciiMasks[Int(scalar)] }
        return wideMask(of: scalar, category: UnicodeCategory.index(of: scalar))
    }

    /// The sets that accept `scalar`, whose category is known.
    func wideMask(of scalar: UInt32, category: UInt8) -> UInt32 {
        var low = 0
        var high = breaks.count
        while low < high {
            let middle = (low + high) / 2
            if breaks[middle].start <= scalar { low = middle + 1 } else { high = middle }
        }
        let ranged = low == 0 ? 0 : breaks[low - 1].mask
        return (ranged | categoryMasks[Int(category)]) ^ negated
    }

    // MARK: - Compiling

    private mutating func number(of set: ScalarSet) throws(PatternError) -> UInt8 {
        if let index = sets.firstIndex(of: set) { return UInt8(index) }
        guard sets.count < UInt32.bitWidth else {
            throw PatternError(reason: "a pattern has too many sets")
        }
        sets.append(set)
        return UInt8(sets.count - 1)
    }

    /// Emits a split whose branches are set afterwards.
    private mutating func emitSplit() throws(PatternError) -> Int {
        guard splits < UInt64.bitWidth else {
            throw PatternError(reason: "a pattern has too many branches")
        }
        instructions.append(Instruction(operation: .split, argument: splits))
        splits += 1
        return instructions.count - 1
    }

    private var here: UInt16 { UInt16(truncatingIfNeeded: instructions.count) }

    private mutating func emit(_ node: PatternNode) throws(PatternError) {
        guard instructions.count < Int(UInt16.max) else {
            throw PatternError(reason: "a pattern is too long")
        }
        switch node {
        case .set(let set):
            instructions.append(Instruction(operation: .accept, argument: try number(of: set)))
        case .sequence(let nodes):
            for node in nodes { try emit(node) }
        case .alternatives(let branches):
            var jumps: [Int] = []
            for branch in branches.dropLast() {
                let split = try emitSplit()
                instructions[split].first = here
                try emit(branch)
                jumps.append(instructions.count)
                instructions.append(Instruction(operation: .jump))
                instructions[split].second = here
            }
            if let last = branches.last { try emit(last) }
            for jump in jumps { instructions[jump].first = here }
        case .repeated(let node, let least, let most):
            try emitRepeated(node, least, most)
        case .lookahead(let set, let isNegated):
            instructions.append(
                Instruction(
                    operation: isNegated ? .notAhead : .ahead, argument: try number(of: set)))
        case .end:
            instructions.append(Instruction(operation: .end))
        }
    }

    private mutating func emitRepeated(
        _ node: PatternNode, _ least: Int, _ most: Int?
    ) throws(PatternError) {
        guard let most else {
            if least == 0 {
                let split = try emitSplit()
                instructions[split].first = here
                try emit(node)
                instructions.append(
                    Instruction(operation: .jump, first: UInt16(truncatingIfNeeded: split)))
                instructions[split].second = here
            } else {
                for _ in 1..<least { try emit(node) }
                let start = here
                try emit(node)
                let split = try emitSplit()
                instructions[split].first = start
                instructions[split].second = here
            }
            return
        }
        for _ in 0..<least { try emit(node) }
        var splits: [Int] = []
        for _ in least..<most {
            let split = try emitSplit()
            splits.append(split)
            instructions[split].first = here
            try emit(node)
        }
        for split in splits { instructions[split].second = here }
    }

    private mutating func buildMasks() {
        categoryMasks = [UInt32](repeating: 0, count: UnicodeCategory.count)
        var starts: Set<UInt32> = []
        for (index, set) in sets.enumerated() {
            let bit = UInt32(1) << UInt32(index)
            if set.isNegated { negated |= bit }
            for category in 0..<UnicodeCategory.count where set.categories >> category & 1 != 0 {
                categoryMasks[category] |= bit
            }
            for range in set.ranges {
                starts.insert(range.lowerBound)
                starts.insert(range.upperBound + 1)
            }
        }
        breaks = starts.sorted().map { start in
            var mask: UInt32 = 0
            for (index, set) in sets.enumerated()
            where set.ranges.contains(where: { $0.contains(start) }) {
                mask |= 1 << UInt32(index)
            }
            return (start, mask)
        }
        asciiMasks = (0..<0x80).map { scalar in
            wideMask(of: scalar, category: UnicodeCategory.index(of: scalar))
        }
    }
}
