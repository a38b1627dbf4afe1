/// The states of mind that matching a ``Program`` meets, numbered as they are met.
///
/// A *way* is a state of the program with a stack of where to go back to; a *situation* is the set
/// of ways in which the text so far can be read. Stacks share their lower parts and equal ones are
/// one, so that sets compare by numbers. What a situation becomes with a byte is found once per
/// class of bytes. Not for use by several threads at once.
final class Automaton {
    /// A frame and those below; 0 is the empty stack.
    private struct Frame: Hashable {
        /// Where to go on; for a counted repetition, its own state.
        var state: Int32
        /// How often the repetition's body was there before; −1 for a call.
        var count: Int32
        var below: Int32
    }

    /// A state with a stack, both in one word.
    private typealias Way = UInt64

    static let unknown: Int32 = -1
    static let dead: Int32 = -2

    let program: Program
    /// Situation times classes plus class: the next situation, `unknown` or `dead`.
    private(set) var table: [Int32] = []
    /// Per situation, whether the text may end.
    private(set) var mayEnd: [Bool] = []
    let classCount: Int
    /// The mask of a situation for one vocabulary, the least recently used first.
    var masks = MaskMemory()

    private var situations: [[Way]] = []
    private var wayCount = 0
    private var numbers: [[Way]: Int32] = [:]
    private var frames = [Frame(state: 0, count: -1, below: 0)]
    private var depths: [Int32] = [0]
    private var frameNumbers: [Frame: Int32] = [:]
    private var seen: Set<Way> = []
    private var pending: [Way] = []
    private var found: [Way] = []

    /// The end of the text as a way.
    private static let ended = Way.max

    init(_ program: Program) {
        self.program = program
        classCount = program.examples.count
    }

    /// Whether the memory has less room than a part of it.
    func isFilled(to share: Double) -> Bool {
        Double(situations.count) >= share * Double(GrammarLimits.memoryStatesMax)
            || Double(wayCount) >= share * Double(GrammarLimits.memoryWaysMax)
            || Double(frames.count) >= share * Double(GrammarLimits.memoryFramesMax)
    }

    /// The situation before the first byte.
    func start() -> Int32 {
        found.removeAll(keepingCapacity: true)
        seen.removeAll(keepingCapacity: true)
        close(over: Self.way(program.starts[0], 0))
        return number(found)
    }

    /// What `situation` becomes with a byte of `byteClass`: a situation or `dead`.
    func step(_ situation: Int32, _ byteClass: UInt8) -> Int32 {
        let place = Int(situation) * classCount + Int(byteClass)
        guard table[place] == Self.unknown else { return table[place] }
        let byte = program.examples[Int(byteClass)]
        found.removeAll(keepingCapacity: true)
        seen.removeAll(keepingCapacity: true)
        for way in situations[Int(situation)] where way != Self.ended {
            if case .byte(let set, let next) = program.states[Self.state(way)],
                program.sets[Int(set)].contains(byte)
            {
                close(over: Self.way(next, Self.stack(way)))
            }
        }
        let next = number(found)
        table[place] = next
        return next
    }

    private static func way(_ state: Int32, _ stack: Int32) -> Way {
        UInt64(UInt32(bitPattern: state)) << 32 | UInt64(UInt32(bitPattern: stack))
    }

    private static func state(_ way: Way) -> Int { Int(way >> 32) }
    private static func stack(_ way: Way) -> Int32 { Int32(truncatingIfNeeded: way) }

    /// Adds to `found` the ways that want a byte, and the end, that `way` leads to without one.
    /// Ends since no rule begins with itself: stacks grow only along the finitely many calls.
    private func close(over way: Way) {
        pending.append(way)
        while let way = pending.popLast() {
            let state = Self.state(way)
            let stack = Self.stack(way)
            // What can't be finished within the bound on depth is no way.
            let height = program.heights[state]
            guard height <= GrammarLimits.depthMax,
                depths[Int(stack)] + height <= GrammarLimits.depthMax,
                found.count <= GrammarLimits.stacksMax, seen.insert(way).inserted
            else { continue }
            switch program.states[state] {
            case .byte: found.append(way)
            case .never: break
            case .split(let one, let other):
                pending.append(Self.way(other, stack))
                pending.append(Self.way(one, stack))
            case .jump(let rule):
                pending.append(Self.way(program.starts[Int(rule)], stack))
            case .call(let rule, let next):
                let above = push(Frame(state: next, count: -1, below: stack))
                pending.append(Self.way(program.starts[Int(rule)], above))
            case .repetition(let place):
                repeated(place, Int32(state), 0, stack)
            case .end:
                guard stack != 0 else {
                    found.append(Self.ended)
                    continue
                }
                let frame = frames[Int(stack)]
                if frame.count < 0 {
                    pending.append(Self.way(frame.state, frame.below))
                } else if case .repetition(let place) = program.states[Int(frame.state)] {
                    repeated(place, frame.state, frame.count + 1, frame.below)
                }
            }
        }
    }

    /// Goes on from a repetition whose body was there `count` times.
    private func repeated(_ place: Int32, _ state: Int32, _ count: Int32, _ stack: Int32) {
        let repetition = program.repetitions[Int(place)]
        if count >= repetition.least { pending.append(Self.way(repetition.next, stack)) }
        if count < repetition.most {
            let above = push(Frame(state: state, count: count, below: stack))
            pending.append(Self.way(repetition.body, above))
        }
    }

    private func push(_ frame: Frame) -> Int32 {
        if let known = frameNumbers[frame] { return known }
        let number = Int32(frames.count)
        frames.append(frame)
        depths.append(depths[Int(frame.below)] + 1)
        frameNumbers[frame] = number
        return number
    }

    /// The number of the situation of these ways.
    private func number(_ ways: [Way]) -> Int32 {
        guard !ways.isEmpty, ways.count <= GrammarLimits.stacksMax else { return Self.dead }
        let sorted = ways.sorted()
        if let known = numbers[sorted] { return known }
        let number = Int32(situations.count)
        situations.append(sorted)
        wayCount += sorted.count
        numbers[sorted] = number
        mayEnd.append(sorted.last == Self.ended)
        table.append(contentsOf: repeatElement(Self.unknown, count: classCount))
        return number
    }

    /// A new automaton that knows `situation` alone, and its number there.
    func renewed(at situation: Int32) -> (Automaton, Int32) {
        let other = Automaton(program)
        var copied: [Int32: Int32] = [0: 0]
        func copy(_ stack: Int32) -> Int32 {
            // From the bottom up; a stack is no deeper than the bound on depth.
            var chain: [Int32] = []
            var at = stack
            while copied[at] == nil {
                chain.append(at)
                at = frames[Int(at)].below
            }
            for place in chain.reversed() {
                var frame = frames[Int(place)]
                frame.below = copied[frame.below] ?? 0
                copied[place] = other.push(frame)
            }
            return copied[stack] ?? 0
        }
        let ways = situations[Int(situation)].map { way in
            way == Self.ended
                ? way : Self.way(Int32(Self.state(way)), copy(Self.stack(way)))
        }
        return (other, other.number(ways))
    }
}
