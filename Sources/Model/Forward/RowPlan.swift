import Kernels

/// Which token of which entry each row of a pass is.
struct RowPlan {
    /// Successive tokens of one entry.
    struct Segment: Equatable {
        var entry: Int
        /// Their place among the entry's tokens.
        var tokens: Range<Int>
        /// The first one's row.
        var row: Int
        /// The first one's position in its sequence.
        var position: Int
        /// Which of them are wanted after the last layer.
        var wanted: Range<Int>

        var count: Int { tokens.count }
    }

    /// Queries that attend together.
    struct Tile {
        var entry: Int
        var row: Int
        var position: Int
        var count: Int
    }

    private(set) var segments: [Segment] = []
    private(set) var count = 0

    /// Appends tokens of an entry.
    mutating func append(entry: Int, tokens: Range<Int>, position: Int, wanted: Range<Int>) {
        segments.append(
            Segment(
                entry: entry, tokens: tokens, row: count, position: position,
                wanted: wanted.clamped(to: tokens)))
        count += tokens.count
    }

    /// Divides a batch into passes of at most `tokensMax` rows, the entries in order.
    static func passes(of batch: [BatchEntry], tokensMax: Int) -> [RowPlan] {
        var passes: [RowPlan] = []
        var plan = RowPlan()
        for (index, entry) in batch.enumerated() {
            let end = entry.tokens.count
            let wanted =
                switch entry.logits {
                case .none: end..<end
                case .last: end - 1..<end
                case .all: 0..<end
                }
            var done = 0
            while done < end {
                if plan.count == tokensMax {
                    passes.append(plan)
                    plan = RowPlan()
                }
                let next = min(end, done + tokensMax - plan.count)
                plan.append(
                    entry: index, tokens: done..<next, position: entry.start + done,
                    wanted: wanted)
                done = next
            }
        }
        if plan.count > 0 { passes.append(plan) }
        return passes
    }

    /// The rows that are wanted after the last layer, moved together.
    var wantedRows: RowPlan {
        var plan = RowPlan()
        for segment in segments where !segment.wanted.isEmpty {
            plan.append(
                entry: segment.entry, tokens: segment.wanted,
                position: segment.position + segment.wanted.lowerBound - segment.tokens.lowerBound,
                wanted: segment.wanted)
        }
        return plan
    }

    /// Calls `body` with the old and the new row of each that is wanted, in order.
    func forEachMove(_ body: (_ from: Int, _ to: Int) -> Void) {
        var to = 0
        for segment in segments {
            for token in segment.wanted {
                body(segment.row + token - segment.tokens.lowerBound, to)
                to += 1
            }
        }
    }

    /// The position of each row.
    var positions: [Int] {
        segments.flatMap { $0.position..<$0.position + $0.count }
    }

    /// The page table and slot... of each row is found by its segment's entry.
    var entries: [Int] {
        segments.flatMap { repeatElement($0.entry, count: $0.count) }
    }

    /// The queries in tiles of at most `size`.
    func tiles(of size: Int) -> [Tile] {
        segments.flatMap { segment in
            stride(from: 0, to: segment.count, by: size).map { first in
                Tile(
                    entry: segment.entry, row: segment.row + first,
                    position: segment.position + first, count: min(size, segment.count - first))
            }
        }
    }
}

/// Where the pages of each entry of a batch are.
struct PageTables {
    private var pointers: [UnsafeRawPointer] = []
    private var starts: [Int] = []

    init(batch: [BatchEntry], pages: KVPages) {
        for entry in batch {
            starts.append(pointers.count)
            let needed = KVPages.pages(for: entry.start + entry.tokens.count)
            for page in entry.pages.prefix(needed) {
                pointers.append(UnsafeRawPointer(pages.base(of: Int(page))))
            }
        }
    }

    /// Tables of `counts` pages each, all different.
    init(counts: [Int], pages: KVPages) {
        var next = 0
        for count in counts {
            starts.append(pointers.count)
            for _ in 0..<count {
                pointers.append(UnsafeRawPointer(pages.base(of: next)))
                next += 1
            }
        }
    }

    /// Calls `body` with the tables of all entries, one after the other.
    func withPointers<R>(_ body: (UnsafePointer<UnsafeRawPointer>?) -> R) -> R {
        pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }

    /// Where an entry's table begins.
    func start(of entry: Int) -> Int { starts[entry] }
}
