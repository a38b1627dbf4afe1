extension PatternProgram {
    /// Cuts each piece of a text at the matches of this pattern: every match is a piece, and so is
    /// what lies between two. A piece's end is an end of the text for the pattern.
    ///
    /// `ends` are the pieces' ends, ascending, the last being the number of scalars.
    ///
    /// Each split of the pattern is tried once at each position of a piece, whatever the text
    /// (as in Cox, "Regular Expression Matching in the Wild", 2010): where it failed once it fails
    /// again, so that the work is in proportion to the text's length.
    func cut(_ scalars: [UInt32], ends: [Int]) -> [Int] {
        let masks = masks(of: scalars)
        var run = PatternRun(count: scalars.count)
        var result: [Int] = []
        result.reserveCapacity(ends.count + scalars.count / 4)
        var start = 0
        instructions.withUnsafeBufferPointer { instructions in
            masks.withUnsafeBufferPointer { masks in
                for end in ends {
                    run.cut(instructions, masks, from: start, to: end, into: &result)
                    start = end
                }
            }
        }
        return result
    }

    private func masks(of scalars: [UInt32]) -> [UInt32] {
        UnicodeCategory.withTable { table in
            [UInt32](unsafeUninitializedCapacity: scalars.count) { buffer, count in
                for (index, scalar) in scalars.enumerated() {
                    if scalar < 0x80 {
                        buffer[index] = asciiMasks[Int(scalar)]
                    } else if scalar < table.count {
                        buffer[index] = wideMask(of: scalar, category: table[Int(scalar)])
                    } else {
                        buffer[index] = mask(of: scalar)
                    }
                }
                count = scalars.count
            }
        }
    }
}

/// The state of a matcher over one text.
private struct PatternRun {
    /// For each position, the splits that were tried there.
    private var tried: [UInt64]
    /// What to try next where the current branch fails.
    private var stack: [(instruction: UInt16, position: Int32)] = []

    init(count: Int) { tried = [UInt64](repeating: 0, count: count + 1) }

    mutating func cut(
        _ instructions: UnsafeBufferPointer<PatternProgram.Instruction>,
        _ masks: UnsafeBufferPointer<UInt32>, from start: Int, to end: Int,
        into ends: inout [Int]
    ) {
        // The end of the piece before was tried as an end; here it is a beginning.
        tried[start] = 0
        var unmatched = start
        var position = start
        while position < end {
            guard let matched = match(instructions, masks, at: position, end: end),
                matched > position
            else {
                position += 1
                continue
            }
            if unmatched < position { ends.append(position) }
            ends.append(matched)
            // Splits tried beyond the match failed there, and would fail again; those at its end
            // may have led to it.
            tried[matched] = 0
            unmatched = matched
            position = matched
        }
        if unmatched < end { ends.append(end) }
    }

    /// The end of the match that begins at `start`, if there is one.
    private mutating func match(
        _ instructions: UnsafeBufferPointer<PatternProgram.Instruction>,
        _ masks: UnsafeBufferPointer<UInt32>, at start: Int, end: Int
    ) -> Int? {
        stack.removeAll(keepingCapacity: true)
        return tried.withUnsafeMutableBufferPointer { tried in
            var position = start
            var next = 0
            while true {
                let step = instructions[next]
                let isAllowed: Bool
                switch step.operation {
                case .accept:
                    isAllowed = position < end && masks[position] >> step.argument & 1 != 0
                    position += 1
                    next += 1
                case .split:
                    let bit = UInt64(1) << UInt64(step.argument)
                    isAllowed = tried[position] & bit == 0
                    if isAllowed {
                        tried[position] |= bit
                        stack.append((step.second, Int32(truncatingIfNeeded: position)))
                        next = Int(step.first)
                    }
                case .jump:
                    isAllowed = true
                    next = Int(step.first)
                case .ahead:
                    isAllowed = position < end && masks[position] >> step.argument & 1 != 0
                    next += 1
                case .notAhead:
                    isAllowed = position == end || masks[position] >> step.argument & 1 == 0
                    next += 1
                case .end:
                    isAllowed = position == end
                    next += 1
                case .match:
                    return position
                }
                if !isAllowed {
                    guard let other = stack.popLast() else { return nil }
                    next = Int(other.instruction)
                    position = Int(other.position)
                }
            }
        }
    }
}
