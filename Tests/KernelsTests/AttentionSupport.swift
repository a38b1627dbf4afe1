import Kernels
import Testing

/// Random attention over pages that lie in any order, every unwritten byte a NaN's.
struct AttentionCase: CustomStringConvertible {
    let seed: UInt64
    var format: KVFormat
    var dimension: Int
    var group: Int
    var first: Int
    var count: Int
    var window: Int
    var bidirectionalEnd: Int
    var queries: [Float]
    var keys: [Float]
    var values: [Float]

    static let scale: Float = 0.25

    /// - Parameter depthMax: positions of the sequence, at most.
    init(seed: UInt64, depthMax: Int = 300, format: KVFormat? = nil) {
        var random = SeededRandom(seed: seed)
        self.seed = seed
        self.format = format ?? KVFormat.allCases.randomElement(using: &random) ?? .f32
        let dimensions =
            self.format == .q8
            ? [32, 64, 96, 128, 160, 256]
            : [2, 8, 16, 20, 32, 48, 64, 80, 100, 128, 192, 250, 256]
        dimension = dimensions.randomElement(using: &random) ?? 32
        group = Int.random(in: 1...16, using: &random)
        let borders = [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 192, 200, 300]
        let depth = min(depthMax, borders.randomElement(using: &random) ?? 1)
        count = Int.random(in: 1...min(depth, 20), using: &random)
        first = depth - count
        window = Bool.random(using: &random) ? 0 : Int.random(in: 1...150, using: &random)
        bidirectionalEnd = Int.random(in: 0..<4, using: &random) == 0 ? depth : 0
        queries = random.floats(count * group * dimension, in: -2...2)
        keys = random.floats(depth * dimension, in: -2...2)
        values = random.floats(depth * dimension)
    }

    var depth: Int { first + count }

    var description: String {
        "seed \(seed): \(format), \(group) heads of \(dimension), positions \(first)..<\(depth), "
            + "window \(window), bidirectional \(bidirectionalEnd)"
    }

    /// The keys that a query sees.
    func visible(_ query: Int) -> Range<Int> {
        if bidirectionalEnd > 0 { return 0..<bidirectionalEnd }
        let end = first + query + 1
        return (window > 0 ? max(0, end - window) : 0)..<end
    }

    /// How pages lie: block `b` at `order[b] * stride + offset`.
    struct Pages {
        let memory: AlignedBuffer
        let stride: Int
        let offset: Int
        let order: [Int]

        func block(_ index: Int) -> UnsafeMutableRawPointer {
            memory.base + order[index] * stride + offset
        }
    }

    /// Stores all keys and values with `table`, in pages whose arrangement `seed` decides.
    func pages(_ table: KernelTable, arrangement seed: UInt64) throws -> Pages {
        var random = SeededRandom(seed: seed)
        let count = (depth + KVBlock.positions - 1) / KVBlock.positions
        let bytes = try #require(KVBlock.bytes(format, headDimension: dimension))
        let offset = 64 * Int.random(in: 0...5, using: &random)
        let stride = bytes + offset + 64 * Int.random(in: 0...3, using: &random)
        let pages = Pages(
            memory: try AlignedBuffer(byteCount: stride * (count + 2)), stride: stride,
            offset: offset, order: Array((0..<count + 2).shuffled(using: &random).prefix(count)))
        pages.memory.base.initializeMemory(
            as: UInt8.self, repeating: 0xff, count: pages.memory.byteCount)
        for position in (0..<depth).shuffled(using: &random) {
            let at = position * dimension
            keys.withUnsafeBufferPointer { keys in
                values.withUnsafeBufferPointer { values in
                    guard let keys = keys.baseAddress, let values = values.baseAddress else {
                        return
                    }
                    table.storeKV(
                        format, block: pages.block(position / KVBlock.positions),
                        slot: position % KVBlock.positions, headDimension: dimension,
                        key: keys + at, value: values + at)
                }
            }
        }
        return pages
    }

    /// Attends with the queries divided into runs of `tile` positions; rows `group * dimension`
    /// apart in `queries` and a little further in the output, whose gaps must stay as they are.
    func result(_ table: KernelTable, _ pages: Pages, tile: Int? = nil) throws -> [Float] {
        let row = group * dimension, outStride = row + 3
        var out = [Float](repeating: -7, count: count * outStride)
        let scratch = try AlignedBuffer(
            byteCount: AttentionTask.scratchBytes(headDimension: dimension))
        scratch.base.initializeMemory(
            as: UInt8.self, repeating: 0xff, count: scratch.byteCount)
        let blocks = pages.order.indices.map { UnsafeRawPointer(pages.block($0) - pages.offset) }
        queries.withUnsafeBufferPointer { queries in
            out.withUnsafeMutableBufferPointer { out in
                blocks.withUnsafeBufferPointer { blocks in
                    guard let queries = queries.baseAddress, let out = out.baseAddress,
                        let blocks = blocks.baseAddress
                    else { return }
                    let step = tile ?? count
                    for query in Swift.stride(from: 0, to: count, by: step) {
                        table.attend(
                            AttentionTask(
                                queries: queries + query * row, queryStride: row,
                                queryCount: min(step, count - query),
                                firstPosition: first + query, pages: blocks,
                                offset: pages.offset, format: format, headDimension: dimension,
                                group: group, scale: Self.scale, window: window,
                                bidirectionalEnd: bidirectionalEnd,
                                out: out + query * outStride, outStride: outStride),
                            scratch: scratch.base)
                    }
                }
            }
        }
        return (0..<count).flatMap { query in
            let from = query * outStride
            #expect(out[from + row..<from + outStride].allSatisfy { $0 == -7 }, "\(self)")
            return out[from..<from + row]
        }
    }
}
