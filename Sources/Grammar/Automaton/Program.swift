/// A compiled grammar: a network of states over bytes, with calls between rules (a recursive
/// transition network, Woods 1970). Counted repetitions keep their count on the stack, so
/// `x{0,5000}` is as small as `x*`.
struct Program: Sendable {
    /// A state; the numbers are places in ``states`` unless said otherwise.
    enum State: Sendable {
        /// The end of a rule, or of a repetition's body: back to where it was called.
        case end
        /// A byte of the set at `set` in ``sets``, then `next`.
        case byte(set: Int32, next: Int32)
        /// Either.
        case split(Int32, Int32)
        /// `rule`, then `next`.
        case call(rule: Int32, next: Int32)
        /// `rule`, then what would follow here.
        case jump(rule: Int32)
        /// The counted repetition at this place in ``repetitions``.
        case repetition(Int32)
        /// No way on.
        case never
    }

    /// `body`, which matches no empty text, from `least` to `most` times, then `next`.
    struct Repetition: Sendable {
        var body: Int32
        var least: Int32
        var most: Int32
        var next: Int32
    }

    /// Place 0 is the one `end`.
    var states: [State] = [.end]
    var repetitions: [Repetition] = []
    var sets: [ByteSet] = []
    /// Where each rule begins; rule 0 is the whole text.
    var starts: [Int32] = []
    /// How much deeper than at the state the stack must at least become to get to the rule's end;
    /// ``unreachable`` where no text does.
    var heights: [Int32] = []
    /// Bytes that no state tells apart are of one class.
    var classes: [UInt8] = []
    /// One byte of each class.
    var examples: [UInt8] = []

    static let unreachable = Int32.max

    /// The least depth needed from `state` on, from what is known of the others.
    private func height(_ state: State) -> Int32 {
        func nested(_ inner: Int32, _ next: Int32) -> Int32 {
            let (inner, next) = (inner, heights[Int(next)])
            guard inner < Self.unreachable, next < Self.unreachable else {
                return Self.unreachable
            }
            return max(inner + 1, next)
        }
        switch state {
        case .end: return 0
        case .never: return Self.unreachable
        case .byte(_, let next): return heights[Int(next)]
        case .split(let one, let other): return min(heights[Int(one)], heights[Int(other)])
        case .jump(let rule): return heights[Int(starts[Int(rule)])]
        case .call(let rule, let next):
            return nested(heights[Int(starts[Int(rule)])], next)
        case .repetition(let place):
            let repetition = repetitions[Int(place)]
            let entered = nested(heights[Int(repetition.body)], repetition.next)
            return repetition.least == 0 ? min(entered, heights[Int(repetition.next)]) : entered
        }
    }

    /// The states that `state`'s height is made from.
    private func sources(_ state: State) -> [Int32] {
        switch state {
        case .end, .never: return []
        case .byte(_, let next): return [next]
        case .split(let one, let other): return [one, other]
        case .jump(let rule): return [starts[Int(rule)]]
        case .call(let rule, let next): return [starts[Int(rule)], next]
        case .repetition(let place):
            return [repetitions[Int(place)].body, repetitions[Int(place)].next]
        }
    }

    /// Finds ``heights``: the least solution of what ``height(_:)`` says of each state, going from
    /// each state that became known to those made from it.
    mutating func findHeights() {
        heights = [Int32](repeating: Self.unreachable, count: states.count)
        heights[0] = 0
        var users = [[Int32]](repeating: [], count: states.count)
        for (place, state) in states.enumerated() {
            for source in sources(state) { users[Int(source)].append(Int32(place)) }
        }
        var waiting: [Int32] = [0]
        var first = 0
        // First in, first out: heights come roughly ascending, so few are found twice. None is
        // found more often than the bound on depth, beyond which all are the same.
        while first < waiting.count {
            for place in users[Int(waiting[first])] {
                let found = height(states[Int(place)])
                if found < heights[Int(place)], found <= GrammarLimits.depthMax {
                    heights[Int(place)] = found
                    waiting.append(place)
                }
            }
            first += 1
        }
    }

    /// Finds ``classes``: splits them by one set after the other.
    mutating func findClasses() {
        var classes = [Int](repeating: 0, count: 256)
        for set in sets {
            var renamed: [Int: UInt16] = [:]
            var count = 0
            classes = (0..<256).map { byte in
                let key = classes[byte] * 2 + (set.contains(UInt8(byte)) ? 1 : 0)
                if let known = renamed[key] { return Int(known) }
                renamed[key] = UInt16(count)
                count += 1
                return count - 1
            }
        }
        self.classes = classes.map { UInt8($0) }
        examples = (0...(classes.max() ?? 0)).map { number in
            UInt8(classes.firstIndex(of: number) ?? 0)
        }
    }
}
