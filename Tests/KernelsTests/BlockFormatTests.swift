import Foundation
import Kernels
import Testing

private let blockFormats = WeightFormat.allCases.filter(\.readsCodes)

/// The block formats: their values, and their products against a scalar reading of the rules.
@Suite struct BlockFormatTests {
    @Test("A stored row has the values that another implementation finds", arguments: blockFormats)
    func values(format: WeightFormat) throws {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(format).row")))
        let rowBytes = try #require(format.rowBytes(columns: 512))
        #expect(bytes.count == rowBytes + 512 * 4)
        let found = format.widen(Array(bytes[..<rowBytes]), rows: 1, columns: 512)[0]
        let expected = stride(from: rowBytes, to: bytes.count, by: 4).map { i in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[i + $1]) << (8 * $1) }
        }
        // Zeros may differ in sign: a scale of either sign times a code of zero.
        for (a, b) in zip(found, expected) { #expect(a == Float(bitPattern: b)) }
    }

    @Test("A row read back from its panel is the stored row", arguments: WeightFormat.allCases)
    func unpackFromPanel(format: WeightFormat) throws {
        for seed in 400..<404 as Range<UInt64> {
            let test = try ProductTests.Case(seed: seed, format: format)
            let stored = format.widen(test.bytes, rows: test.rows, columns: test.columns)
            for row in 0..<test.rows {
                var out = [Float](repeating: .nan, count: test.columns)
                out.withUnsafeMutableBufferPointer { test.matrix.unpackRow(row, into: $0) }
                #expect(out.bitPatterns == stored[row].bitPatterns, "seed \(seed), row \(row)")
            }
        }
    }

    @Test("Integers are summed, then scaled and fused in block order", arguments: blockFormats)
    func rule(format: WeightFormat) throws {
        let length = format.blockElements
        for seed in 300..<304 as Range<UInt64> {
            let test = try ProductTests.Case(seed: seed, format: format)
            let found = try test.product(tables[0])
            let blockBytes = test.bytes.count / test.rows / (test.columns / length)
            let inputs = (0..<test.count).map {
                EncodedBlock.blocks(
                    of: test.values[$0 * test.columns..<($0 + 1) * test.columns], length: length)
            }
            for row in 0..<test.rows {
                let blocks = (0..<test.columns / length).map { b in
                    let at = (row * (test.columns / length) + b) * blockBytes
                    return StoredBlock(format, test.bytes[at..<at + blockBytes])
                }
                for c in 0..<test.count {
                    var sum: Float = 0
                    for (block, input) in zip(blocks, inputs[c]) {
                        block.addProduct(of: input, to: &sum)
                    }
                    #expect(found[c * test.rows + row].bitPattern == sum.bitPattern, "seed \(seed)")
                }
            }
        }
    }

    @Test("A product is close to the exact one", arguments: blockFormats)
    func accuracy(format: WeightFormat) throws {
        let test = try ProductTests.Case(seed: 42, format: format)
        let weights = format.widen(test.bytes, rows: test.rows, columns: test.columns)
        let found = try test.product(tables[tables.count - 1])
        for c in 0..<test.count {
            for row in 0..<test.rows {
                let terms = (0..<test.columns).map {
                    Double(weights[row][$0]) * Double(test.values[c * test.columns + $0])
                }
                let exact = terms.reduce(0, +)
                // Errors of the codes: each at most 1/254 of the largest input (3), at random.
                let size = weights[row].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                #expect(abs(Double(found[c * test.rows + row]) - exact) < 6 * size * 3 / 254)
            }
        }
    }

    @Test("Long rows and many inputs, in every table", arguments: blockFormats)
    func manyInputs(format: WeightFormat) throws {
        // More than one slab and, of inputs, more than one pass over it.
        var random = SeededRandom(seed: 9)
        let (rows, columns, count) = (33, 1280, 259)
        let bytes = format.randomRows(rows, columns: columns, using: &random)
        let test = try ProductTests.Case(
            format: format, rows: rows, columns: columns, bytes: bytes,
            values: random.floats(count * columns, in: -3...3))
        let expected = try test.product(tables[0]).bitPatterns
        for table in fastTables {
            #expect(try test.product(table).bitPatterns == expected, "\(table.instructionSet)")
        }
    }

    @Test("Both block lengths and both planes can be had of one input")
    func bothLengths() throws {
        var random = SeededRandom(seed: 11)
        let values = random.floats(2 * 512)
        for planes in 1...2 {
            var products: [[UInt32]] = []
            for blocks in [[.b32, .b256], .b32, .b256] as [CodeBlocks] {
                for format in [WeightFormat.q5_1, .q5_k] {
                    guard let own = format.activationBlock, blocks.contains(own) else { continue }
                    var random = SeededRandom(seed: 12)
                    let test = try ProductTests.Case(
                        format: format, rows: 16, columns: 512,
                        bytes: format.randomRows(16, columns: 512, using: &random), values: values)
                    let found = try test.product(tables[0], planes: planes, blocks: blocks)
                    products.append(found.bitPatterns)
                }
            }
            #expect(products[0] == products[2] && products[1] == products[3])
        }
    }
}
