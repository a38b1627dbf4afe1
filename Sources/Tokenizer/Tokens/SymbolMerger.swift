/// A stretch of a text that merging treats as one.
struct Symbol {
    /// Where it begins in the text.
    var start: Int32
    /// Its bytes; 0 once merged into the symbol on its left.
    var count: Int32
    /// The symbol on its left, or -1.
    var previous: Int32
    /// The symbol on its right, or -1.
    var next: Int32
    /// What it is to the rule that joins symbols; -1 for nothing it knows.
    var id: Int32
}

/// Says which neighbours join, and in which order.
protocol JoinRule {
    /// What `left` and its right neighbour `right` make together: the lowest order merges first.
    func join(_ left: Symbol, _ right: Symbol) -> (order: UInt32, id: Int32)?
}

/// Merges adjacent symbols of a text, lowest order first and leftmost of equals, with a priority
/// queue: n log n for n symbols. Made once and used for many texts.
struct SymbolMerger {
    /// Two neighbours that join. Stale once either has changed, which `count` tells: a symbol only
    /// grows, and one that was merged has none.
    private struct Pair {
        /// The order in the high half, the left symbol in the low one.
        var key: UInt64
        var right: Int32
        var count: Int32
        var id: Int32
    }

    private var symbols: [Symbol] = []
    private var heap: [Pair] = []

    /// Forgets the last text.
    mutating func removeAll() {
        symbols.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
    }

    /// Adds a symbol at the end.
    mutating func append(start: Int, count: Int, id: Int32) {
        let index = Int32(truncatingIfNeeded: symbols.count)
        if index > 0 { symbols[Int(index) - 1].next = index }
        symbols.append(
            Symbol(
                start: Int32(truncatingIfNeeded: start), count: Int32(truncatingIfNeeded: count),
                previous: index - 1, next: -1, id: id))
    }

    /// Merges until no two neighbours join.
    mutating func merge(by rule: some JoinRule) {
        guard symbols.count > 1 else { return }
        for right in 1..<symbols.count {
            consider(
                Int32(truncatingIfNeeded: right - 1), Int32(truncatingIfNeeded: right), rule)
        }
        while let pair = popFirst() {
            let leftIndex = Int32(truncatingIfNeeded: pair.key & 0xFFFF_FFFF)
            let left = symbols[Int(leftIndex)]
            let right = symbols[Int(pair.right)]
            guard left.count > 0, right.count > 0, left.count + right.count == pair.count else {
                continue
            }
            symbols[Int(leftIndex)].count = pair.count
            symbols[Int(leftIndex)].next = right.next
            symbols[Int(leftIndex)].id = pair.id
            symbols[Int(pair.right)].count = 0
            if right.next >= 0 { symbols[Int(right.next)].previous = leftIndex }
            consider(left.previous, leftIndex, rule)
            consider(leftIndex, right.next, rule)
        }
    }

    /// Calls `body` with each symbol that is left, in order.
    func forEach(_ body: (Symbol) -> Void) {
        var index: Int32 = symbols.isEmpty ? -1 : 0
        while index >= 0 {
            let symbol = symbols[Int(index)]
            body(symbol)
            index = symbol.next
        }
    }

    /// Queues the pair if it joins.
    private mutating func consider(_ left: Int32, _ right: Int32, _ rule: some JoinRule) {
        guard left >= 0, right >= 0,
            let join = rule.join(symbols[Int(left)], symbols[Int(right)])
        else { return }
        push(
            Pair(
                key: UInt64(join.order) << 32 | UInt64(UInt32(truncatingIfNeeded: left)),
                right: right, count: symbols[Int(left)].count + symbols[Int(right)].count,
                id: join.id))
    }

    // MARK: - A binary heap

    private mutating func push(_ pair: Pair) {
        heap.append(pair)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard pair.key < heap[parent].key else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = pair
    }

    private mutating func popFirst() -> Pair? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
            guard heap[child].key < last.key else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = last
        return first
    }
}
