import Foundation
import Kernels
import Testing

@Suite struct AttentionTests {
    @Test("Every table gives the portable bits, also from blocks that another table wrote")
    func sameBitsInEveryTable() throws {
        for seed in 0..<72 as Range<UInt64> {
            let task = AttentionCase(seed: seed, depthMax: seed % 4 == 0 ? 300 : 130)
            let written = try task.pages(tables[0], arrangement: seed)
            let expected = try task.result(tables[0], written).bitPatterns
            for table in fastTables {
                #expect(
                    try task.result(table, written).bitPatterns == expected,
                    "\(table.instructionSet), \(task)")
                let own = try task.pages(table, arrangement: seed)
                #expect(
                    try task.result(table, own).bitPatterns == expected,
                    "\(table.instructionSet), \(task)")
            }
        }
    }

    @Test("Neither the tiling of queries nor the arrangement of pages changes a bit")
    func tilesAndPagesDoNotMatter() throws {
        let table = try #require(tables.last)
        for seed in 1000..<1120 as Range<UInt64> {
            let task = AttentionCase(seed: seed)
            let expected = try task.result(table, task.pages(table, arrangement: seed)).bitPatterns
            for tile in [1, 3, 7] {
                let elsewhere = try task.pages(table, arrangement: seed + UInt64(tile))
                #expect(
                    try task.result(table, elsewhere, tile: tile).bitPatterns == expected,
                    "tiles of \(tile), \(task)")
            }
        }
    }

    @Test("Attention is the softmax of scores over values, in every format")
    func closeToDoublePrecision() throws {
        let table = try #require(tables.last)
        for seed in 2000..<2100 as Range<UInt64> {
            let task = AttentionCase(seed: seed)
            let found = try task.result(table, task.pages(table, arrangement: seed))
            let exact = task.inDoublePrecision()
            #expect(found.count == exact.count)
            for (found, exact) in zip(found, exact) {
                #expect(abs(Double(found) - exact) < 1e-5, "\(task)")
            }
        }
    }

    @Test("Eight-bit keys and values stay close to those they were made of")
    func eightBitsAreClose() throws {
        let table = try #require(tables.last)
        for seed in 3000..<3020 as Range<UInt64> {
            var task = AttentionCase(seed: seed, format: .q8)
            let coarse = try task.result(table, task.pages(table, arrangement: seed))
            task.format = .f32
            let fine = try task.result(table, task.pages(table, arrangement: seed))
            for (coarse, fine) in zip(coarse, fine) { #expect(abs(coarse - fine) < 0.1, "\(task)") }
        }
    }

    @Test("A key or value that is not finite reaches every query that sees it, and no other")
    func notANumberSpreads() throws {
        for format in KVFormat.allCases {
            for table in tables {
                for (inKey, bad) in [(true, Float.nan), (false, .nan), (false, .infinity)] {
                    let task = AttentionCase(seed: 4, bad: bad, inKey: inKey, format: format)
                    let found = try task.result(table, task.pages(table, arrangement: 1))
                    let row = task.group * task.dimension
                    for query in 0..<task.count {
                        let part = found[query * row..<(query + 1) * row]
                        let sees = task.visible(query).contains(AttentionCase.badPosition)
                        #expect(
                            part.contains { !$0.isFinite } == sees,
                            "\(format), \(table.instructionSet), query \(query)")
                    }
                }
            }
        }
    }

    @Test("A block has whole cache lines, and q8 only takes heads of whole blocks of 32")
    func blockSizes() {
        #expect(KVBlock.bytes(.f32, headDimension: 64) == 2 * 64 * 64 * 4)
        #expect(KVBlock.bytes(.f16, headDimension: 64) == 2 * 64 * 64 * 2)
        #expect(KVBlock.bytes(.q8, headDimension: 64) == 2 * 64 * (64 + 2 * 2))
        #expect(KVBlock.bytes(.q8, headDimension: 48) == nil)
        for format in KVFormat.allCases {
            #expect(KVBlock.bytes(format, headDimension: 0) == nil)
            #expect(
                KVBlock.bytes(format, headDimension: KernelsLimits.headDimensionMax + 1) == nil)
            for dimension in 1...KernelsLimits.headDimensionMax {
                if let bytes = KVBlock.bytes(format, headDimension: dimension) {
                    #expect(bytes % 64 == 0)
                }
            }
        }
    }
}

extension AttentionCase {
    static let badPosition = 70

    /// Causal attention of positions 60..<80 in which one key or value holds `bad`.
    fileprivate init(seed: UInt64, bad: Float, inKey: Bool, format: KVFormat) {
        var random = SeededRandom(seed: seed)
        let (dimension, group, depth) = (32, 3, 80)
        var keys = random.floats(depth * dimension, in: -2...2)
        var values = random.floats(depth * dimension)
        if inKey {
            keys[Self.badPosition * dimension + 5] = bad
        } else {
            values[Self.badPosition * dimension + 5] = bad
        }
        self.init(
            seed: seed, format: format, dimension: dimension, group: group, first: 60, count: 20,
            window: 0, bidirectionalEnd: 0,
            queries: random.floats(20 * group * dimension, in: -2...2), keys: keys, values: values)
    }

    private init(
        seed: UInt64, format: KVFormat, dimension: Int, group: Int, first: Int, count: Int,
        window: Int, bidirectionalEnd: Int, queries: [Float], keys: [Float], values: [Float]
    ) {
        self.init(seed: seed)
        self.format = format
        self.dimension = dimension
        self.group = group
        self.first = first
        self.count = count
        self.window = window
        self.bidirectionalEnd = bidirectionalEnd
        self.queries = queries
        self.keys = keys
        self.values = values
    }

    /// Keys and values as the format holds them, and queries as scores read them.
    fileprivate func held(_ x: [Float], isQuery: Bool) -> [Double] {
        func halved(_ x: [Float]) -> [Float] {
            var halves = [UInt16](repeating: 0, count: x.count), out = x
            tables[0].narrow(x, count: x.count, into: &halves)
            tables[0].widen(halves, count: x.count, into: &out)
            return out
        }
        switch format {
        case .f32: return x.map(Double.init)
        case .f16: return (isQuery ? x : halved(x)).map(Double.init)
        case .q8:
            return stride(from: 0, to: x.count, by: 32).flatMap { at -> [Double] in
                let block = x[at..<at + 32]
                var scale = (block.map(abs).max() ?? 0) / 127
                if !isQuery { scale = halved([scale])[0] }
                return block.map { value in
                    let code = min(127, max(-127, (value / scale).rounded(.toNearestOrEven)))
                    return Double(code) * Double(scale)
                }
            }
        }
    }

    /// The definition, without blocks.
    fileprivate func inDoublePrecision() -> [Double] {
        let (q, k, v) = (
            held(queries, isQuery: true), held(keys, isQuery: false), held(values, isQuery: false)
        )
        var out = [Double](repeating: 0, count: q.count)
        for query in 0..<count {
            for head in 0..<group {
                let at = (query * group + head) * dimension
                var total = 0.0
                for j in visible(query) {
                    var score = 0.0
                    for i in 0..<dimension { score += q[at + i] * k[j * dimension + i] }
                    let weight = exp(score * Double(Self.scale))
                    total += weight
                    for i in 0..<dimension { out[at + i] += weight * v[j * dimension + i] }
                }
                for i in 0..<dimension { out[at + i] /= total }
            }
        }
        return out
    }
}
