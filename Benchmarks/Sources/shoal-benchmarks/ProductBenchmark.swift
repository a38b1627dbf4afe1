import Kernels

/// Figures of one format with one instruction set.
struct ProductFigures: Encodable {
    /// Products with so many columns at once.
    struct Product: Encodable {
        /// Bytes of weights, as packed, that went through the product.
        let weightGigabytesPerSecond: Double
        /// That, in percent of the read bandwidth measured just before.
        let shareOfReadBandwidthPercent: Double
        /// 10^9 multiplications and additions.
        let gigaoperationsPerSecond: Double
        /// Over the portable kernels in the same round.
        let speedUpOverPortable: Double
    }

    let format: String
    let instructionSet: String
    let readGigabytesPerSecond: Double
    let decode: Product
    let prefill: Product
}

/// Products of matrices that do not fit in a cache.
struct ProductBenchmark {
    let rows: Int
    let columns: Int
    let workingSetBytes: Int
    let rounds: Int
    let workers: WorkerPool
    let probe: MachineProbe

    /// Columns of a prefill product.
    static let prefillColumns = 64
    /// A sample lasts at least this long, in seconds.
    private static let sampleSeconds = 0.05

    /// Figures of every instruction set that runs here.
    func figures(of format: WeightFormat) throws -> [ProductFigures] {
        let matrices = try copies(of: format)
        let tables = InstructionSet.allCases.compactMap { KernelTable($0) }
        let input = try KernelInput(elementsMax: columns * Self.prefillColumns)
        let out = try AlignedBuffer(byteCount: rows * Self.prefillColumns * 4)
        var read = tables.map { _ in Rounds() }
        var decode = tables.map { _ in Rounds() }
        var prefill = tables.map { _ in Rounds() }
        // The first round warms up and does not count.
        for round in 0...rounds {
            for (index, table) in tables.enumerated() {
                let gigabytes = probe.readBytesPerSecond() / 1e9
                fill(input, count: 1, format: format, kernels: table)
                // At least once round all copies: fewer of them might stay in a cache.
                let one = seconds(matrices, input, table, out, passes: matrices.count)
                fill(input, count: Self.prefillColumns, format: format, kernels: table)
                let many = seconds(matrices, input, table, out, passes: 1)
                guard round > 0 else { continue }
                read[index].append(gigabytes)
                decode[index].append(Double(matrices[0].byteCount) / one / 1e9)
                prefill[index].append(Double(matrices[0].byteCount) / many / 1e9)
            }
        }
        return tables.indices.map { index in
            ProductFigures(
                format: "\(format)", instructionSet: tables[index].instructionSet.rawValue,
                readGigabytesPerSecond: read[index].median,
                decode: product(
                    decode[index], portable: decode[0], read: read[index],
                    bytes: matrices[0].byteCount,
                    columnsAtOnce: 1),
                prefill: product(
                    prefill[index], portable: prefill[0], read: read[index],
                    bytes: matrices[0].byteCount,
                    columnsAtOnce: Self.prefillColumns))
        }
    }

    private func product(
        _ figures: Rounds, portable: Rounds, read: Rounds, bytes: Int, columnsAtOnce: Int
    ) -> ProductFigures.Product {
        let productsPerSecond = figures.median * 1e9 / Double(bytes)
        return ProductFigures.Product(
            weightGigabytesPerSecond: figures.median,
            shareOfReadBandwidthPercent: 100 * figures.over(read).median,
            gigaoperationsPerSecond: productsPerSecond * 2 * Double(rows * columns * columnsAtOnce)
                / 1e9,
            speedUpOverPortable: figures.over(portable).median)
    }

    /// Seconds of one product, from at least `passes` of them. Making the codes of the input is
    /// not part of it: several matrices share them.
    private func seconds(
        _ matrices: [PackedMatrix], _ input: KernelInput, _ kernels: KernelTable,
        _ out: AlignedBuffer, passes: Int
    ) -> Double {
        // A buffer may go after its last mention, and that must not be before the products.
        defer { withExtendedLifetime(out) {} }
        let to = out.base.assumingMemoryBound(to: Float.self)
        let begin = Clock.now(threads: workers.threadCount)
        var done = 0
        var seconds = 0.0
        while done < passes || seconds < Self.sampleSeconds {
            let matrix = matrices[done % matrices.count]
            workers.split(matrix.panelCount) { panels in
                matrix.multiply(input, panels: panels, kernels: kernels, into: to, stride: rows)
            }
            done += 1
            seconds = Clock.now(threads: workers.threadCount) - begin
        }
        return seconds / Double(done)
    }

    private func fill(
        _ input: KernelInput, count: Int, format: WeightFormat, kernels: KernelTable
    ) {
        var random = SeededGenerator(seed: 1)
        input.reshape(count: count, columns: columns)
        for index in 0..<count * columns {
            input.values[index] = Float(random.next() >> 40) / Float(1 << 23) - 1
        }
        if let blocks = format.activationBlock {
            input.encode(blocks: blocks, kernels: kernels, workers: workers)
        }
    }

    /// As many equal matrices as fill the working set.
    private func copies(of format: WeightFormat) throws -> [PackedMatrix] {
        let bytes = try PackedMatrix.bytesNeeded(format: format, rows: rows, columns: columns)
        let source = weights(of: format)
        return try (0..<max(1, (workingSetBytes + bytes - 1) / bytes)).map { _ in
            try source.withUnsafeBytes {
                try PackedMatrix(
                    format: format, rows: rows, columns: columns, source: $0, workers: workers)
            }
        }
    }

    /// Rows as a file has them, of numbers that are neither special nor subnormal.
    private func weights(of format: WeightFormat) -> [UInt8] {
        var random = SeededGenerator(seed: 2)
        let count = rows * columns
        func bytes(_ integer: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: integer.littleEndian) { Array($0) }
        }
        var source: [UInt8] = []
        source.reserveCapacity(count * 4)
        switch format {
        case .f32, .f16, .bf16:
            for _ in 0..<count {
                let word = random.next()
                let sign = word >> 63
                // From 0.25 up to 1, of either sign.
                switch format {
                case .f16: source += bytes(UInt16(sign << 15 | 0x3400 + word & 0x7ff))
                case .bf16: source += bytes(UInt16(sign << 15 | 0x3e80 + word & 0xff))
                default: source += bytes(UInt32(sign << 31 | 0x3e80_0000 + word & 0xff_ffff))
                }
            }
        default:
            // No byte above 0x3f: whatever place has a scale, it is finite and at most 2.
            let total = rows * (format.rowBytes(columns: columns) ?? 0)
            while source.count < total { source += bytes(random.next() & 0x3f3f_3f3f_3f3f_3f3f) }
            source.removeLast(source.count - total)
        }
        return source
    }
}
