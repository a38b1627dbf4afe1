import Kernels
import Testing

/// Products against a scalar reading of the rules, and every table against the portable one.
@Suite struct ProductTests {
    struct Case {
        let format: WeightFormat
        let rows: Int
        let columns: Int
        let count: Int
        let matrix: PackedMatrix
        let bytes: [UInt8]
        let values: [Float]

        init(
            format: WeightFormat, rows: Int, columns: Int, bytes: [UInt8], values: [Float]
        ) throws {
            self.format = format
            self.rows = rows
            self.columns = columns
            self.bytes = bytes
            self.values = values
            count = values.count / columns
            matrix = try bytes.withUnsafeBytes {
                try PackedMatrix(format: format, rows: rows, columns: columns, source: $0)
            }
        }

        init(seed: UInt64, format: WeightFormat) throws {
            var random = SeededRandom(seed: seed)
            // 172 rows are those of stories260K: a last panel of 12.
            let rows =
                [1, 15, 16, 17, 32, 33, 172, Int.random(in: 1...200, using: &random)]
                .randomElement(using: &random) ?? 1
            let columns =
                switch format.blockElements {
                case 1: Int.random(in: 1...200, using: &random)
                case 32: 32 * Int.random(in: 1...9, using: &random)
                default: 256 * Int.random(in: 1...2, using: &random)
                }
            let count = Int.random(in: 1...40, using: &random)
            let bytes = format.randomRows(rows, columns: columns, using: &random)
            try self.init(
                format: format, rows: rows, columns: columns, bytes: bytes,
                values: random.floats(count * columns, in: -3...3))
        }

        /// The product, its panels divided at random places, with `planes` of codes.
        func product(
            _ kernels: KernelTable, planes: Int = 1, blocks: CodeBlocks = [], cuts: Int = 0
        ) throws -> [Float] {
            let input = try KernelInput(elementsMax: 2 * count * columns)
            input.reshape(count: count, columns: columns)
            for (index, value) in values.enumerated() { input.values[index] = value }
            if let block = format.activationBlock {
                input.encode(
                    blocks: blocks.union(block), planes: planes, kernels: kernels)
            }
            // A guard element shows writes beyond the end.
            var out = [Float](repeating: .nan, count: count * planes * rows + 16)
            out.withUnsafeMutableBufferPointer { out in
                guard let base = out.baseAddress else { return }
                for part in 0...cuts {
                    let panels = matrix.panelCount
                    matrix.multiply(
                        input,
                        panels: panels * part / (cuts + 1)..<panels * (part + 1) / (cuts + 1),
                        kernels: kernels, into: base, stride: rows)
                }
            }
            #expect(out.suffix(16).allSatisfy { $0.isNaN })
            return Array(out.dropLast(16))
        }
    }

    @Test(arguments: WeightFormat.allCases)
    func everyTableGivesThePortableBits(format: WeightFormat) throws {
        for seed in 0..<60 as Range<UInt64> {
            let test = try Case(seed: seed, format: format)
            let expected = try test.product(tables[0]).bitPatterns
            for table in fastTables {
                let found = try test.product(table, cuts: Int(seed % 4)).bitPatterns
                #expect(found == expected, "seed \(seed), \(table.instructionSet)")
            }
        }
    }

    @Test(arguments: WeightFormat.allCases)
    func anInputsResultDoesNotDependOnTheOthersOfItsBatch(format: WeightFormat) throws {
        for table in tables {
            let test = try Case(seed: 7, format: format)
            let together = try test.product(table)
            for index in 0..<test.count {
                let input = try KernelInput(elementsMax: test.columns)
                input.reshape(count: 1, columns: test.columns)
                for k in 0..<test.columns {
                    input.values[k] = test.values[index * test.columns + k]
                }
                if let block = format.activationBlock {
                    input.encode(blocks: block, kernels: table)
                }
                var out = [Float](repeating: 0, count: test.rows)
                out.withUnsafeMutableBufferPointer { out in
                    guard let base = out.baseAddress else { return }
                    test.matrix.multiply(
                        input, panels: 0..<test.matrix.panelCount, kernels: table, into: base,
                        stride: test.rows)
                }
                let row = together[index * test.rows..<(index + 1) * test.rows]
                #expect(out.bitPatterns == Array(row).bitPatterns)
            }
        }
    }

    @Test(arguments: [WeightFormat.f32, .f16, .bf16])
    func floatProductsFuseInColumnOrder(format: WeightFormat) throws {
        for seed in 200..<220 as Range<UInt64> {
            let test = try Case(seed: seed, format: format)
            let weights = format.widen(test.bytes, rows: test.rows, columns: test.columns)
            let found = try test.product(tables[0])
            for c in 0..<test.count {
                for row in 0..<test.rows {
                    var sum: Float = 0
                    for k in 0..<test.columns {
                        sum.addProduct(weights[row][k], test.values[c * test.columns + k])
                    }
                    #expect(found[c * test.rows + row].bitPattern == sum.bitPattern, "seed \(seed)")
                }
            }
        }
    }

    @Test(arguments: WeightFormat.allCases.filter(\.readsCodes))
    func twoPlanesAreFarCloserToExactThanOne(format: WeightFormat) throws {
        let test = try Case(seed: 42, format: format)
        let weights = format.widen(test.bytes, rows: test.rows, columns: test.columns)
        let one = try test.product(tables[0])
        let two = try test.product(tables[0], planes: 2)
        for table in fastTables {
            #expect(try test.product(table, planes: 2).bitPatterns == two.bitPatterns)
        }
        var (coarse, fine) = (0.0, 0.0)
        for c in 0..<test.count {
            for row in 0..<test.rows {
                let exact = (0..<test.columns).reduce(0.0) {
                    $0 + Double(weights[row][$1]) * Double(test.values[c * test.columns + $1])
                }
                let sum = two[2 * c * test.rows + row] + two[(2 * c + 1) * test.rows + row]
                coarse += abs(Double(one[c * test.rows + row]) - exact)
                fine += abs(Double(sum) - exact)
            }
        }
        #expect(fine < coarse / 50)
    }

    @Test func theLowestWeightCodeIsExactInEveryTable() throws {
        // -128 has no positive counterpart in 8 bits, which the sign trick of AVX2 must survive.
        var bytes: [UInt8] = []
        for _ in 0..<16 { bytes += [0x00, 0x3c] + [UInt8](repeating: 0x80, count: 32) }
        let matrix = try bytes.withUnsafeBytes {
            try PackedMatrix(format: .q8_0, rows: 16, columns: 32, source: $0)
        }
        for table in tables {
            for sign in [Float(127), -127] {
                let input = try KernelInput(elementsMax: 32)
                input.reshape(count: 1, columns: 32)
                for k in 0..<32 { input.values[k] = sign }
                input.encode(blocks: .b32, kernels: table)
                var out = [Float](repeating: 0, count: 16)
                out.withUnsafeMutableBufferPointer { out in
                    guard let base = out.baseAddress else { return }
                    matrix.multiply(
                        input, panels: 0..<1, kernels: table, into: base, stride: 16)
                }
                #expect(out.allSatisfy { $0 == -128 * sign * 32 })
            }
        }
    }

    @Test func impossibleShapesAreRefused() {
        #expect(throws: KernelError.self) {
            _ = try PackedMatrix.bytesNeeded(format: .q8_0, rows: 16, columns: 33)
        }
        #expect(throws: KernelError.self) {
            _ = try PackedMatrix.bytesNeeded(format: .f32, rows: 0, columns: 16)
        }
        #expect(throws: KernelError.self) {
            _ = try PackedMatrix.bytesNeeded(format: .f32, rows: 1 << 24, columns: 1 << 24)
        }
        #expect(throws: KernelError.sizeMismatch(expected: 128, found: 100)) {
            _ = try [UInt8](repeating: 0, count: 100).withUnsafeBytes {
                try PackedMatrix(format: .f32, rows: 2, columns: 16, source: $0)
            }
        }
    }
}
