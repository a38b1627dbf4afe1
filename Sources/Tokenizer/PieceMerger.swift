/// Merges adjacent symbols of a text, best score first, with a priority queue: n log n.
struct PieceMerger {
    private struct Symbol {
        var start: Int32
        /// 0 once merged into the symbol on its left.
        var count: Int32
        var previous: Int32
        var next: Int32
    }

    /// Two neighbours whose join is a piece. Stale once either has changed, which `count` tells.
    private struct Pair {
        var score: Float
        var left: Int32
        var right: Int32
        var count: Int32

        /// Whether this merges before `other`: higher score, then further left.
        func precedes(_ other: Pair) -> Bool {
            score > other.score || (score == other.score && left < other.left)
        }
    }

    private let bytes: UnsafeRawBufferPointer
    private var symbols: [Symbol] = []
    private var heap: [Pair] = []

    /// Splits `bytes` into characters; a byte that belongs to none stands alone, and is spelled as
    /// a byte token later. `bytes` must outlive this value.
    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        symbols.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let count = Self.characterBytes(bytes, at: position)
            let index = Int32(symbols.count)
            symbols.append(
                Symbol(
                    start: Int32(position), count: Int32(count), previous: index - 1,
                    next: index + 1))
            position += count
        }
        if !symbols.isEmpty { symbols[symbols.count - 1].next = -1 }
    }

    /// How many bytes the character at `position` has, by its first byte; 1 where the bytes after
    /// it don't continue it, so that broken text never swallows what follows.
    private static func characterBytes(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        let length =
            switch bytes[position] {
            case 0xC0...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xFF: 4
            default: 1
            }
        guard position + length <= bytes.count else { return 1 }
        for place in position + 1..<position + length where bytes[place] & 0xC0 != 0x80 {
            return 1
        }
        return length
    }

    /// Merges until no two neighbours join to a piece.
    mutating func merge(pieces: TokenTable, scores: [Float]) {
        for right in symbols.indices.dropFirst() {
            consider(Int32(right - 1), Int32(right), pieces, scores)
        }
        while let pair = popBest() {
            let left = symbols[Int(pair.left)]
            let right = symbols[Int(pair.right)]
            guard left.count > 0, right.count > 0, left.count + right.count == pair.count else {
                continue
            }
            symbols[Int(pair.left)].count = pair.count
            symbols[Int(pair.left)].next = right.next
            symbols[Int(pair.right)].count = 0
            if right.next >= 0 { symbols[Int(right.next)].previous = pair.left }
            consider(left.previous, pair.left, pieces, scores)
            consider(pair.left, right.next, pieces, scores)
        }
    }

    /// Calls `body` with each symbol that is left, in order.
    func forEachSymbol(_ body: (UnsafeRawBufferPointer) -> Void) {
        var index: Int32 = symbols.isEmpty ? -1 : 0
        while index >= 0 {
            let symbol = symbols[Int(index)]
            body(slice(symbol.start, symbol.count))
            index = symbol.next
        }
    }

    private func slice(_ start: Int32, _ count: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(start + count)])
    }

    /// Queues the pair if its join is a piece.
    private mutating func consider(
        _ left: Int32, _ right: Int32, _ pieces: TokenTable, _ scores: [Float]
    ) {
        guard left >= 0, right >= 0 else { return }
        let count = symbols[Int(left)].count + symbols[Int(right)].count
        guard let id = pieces.id(of: slice(symbols[Int(left)].start, count)) else { return }
        push(Pair(score: scores[Int(id)], left: left, right: right, count: count))
    }

    // MARK: - A binary heap

    private mutating func push(_ pair: Pair) {
        heap.append(pair)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popBest() -> Pair? {
        guard let best = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return best }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return best
    }
}
