public import GGUF
public import Kernels

/// Rewrites a model file with other tensor types, a slab of rows at a time.
///
/// Memory beside the mapped source is one slab of output and a row for each of the threads' turns.
public struct Quantiser {
    /// What to make.
    public struct Plan: Sendable {
        /// The scheme.
        public var scheme: QuantisationScheme
        /// Every matrix takes the scheme's base type.
        public var isPure: Bool
        /// Whether a file at the output's path is replaced.
        public var replacesOutput: Bool

        /// A plan.
        public init(
            scheme: QuantisationScheme, isPure: Bool = false, replacesOutput: Bool = false
        ) {
            self.scheme = scheme
            self.isPure = isPure
            self.replacesOutput = replacesOutput
        }
    }

    private let source: GGUFFile
    private let plan: Plan
    private let workers: WorkerPool
    private var report = QuantisationReport()
    private var done = 0

    /// Quantises `source` into a new file at `path`.
    ///
    /// The new file has the source's metadata in its order, but for `general.file_type` and
    /// `general.quantization_version`, and its tensors in their order. It appears at `path` only
    /// when it is whole.
    ///
    /// - Parameters:
    ///   - progress: called between slabs with the share that is done, 0...1.
    ///   - isCancelled: asked between slabs.
    public static func run(
        _ source: GGUFFile, to path: String, _ plan: Plan, workers: WorkerPool,
        progress: (Double) -> Void = { _ in }, isCancelled: () -> Bool = { false }
    ) throws(QuantisationError) -> QuantisationReport {
        if PartialFile.isSame(source.path, path) { throw .sameFile(path: path) }
        if !plan.replacesOutput, PartialFile.exists(path) { throw .exists(path: path) }
        var run = Quantiser(source: source, plan: plan, workers: workers)
        return try run.write(to: path, progress, isCancelled)
    }

    private init(source: GGUFFile, plan: Plan, workers: WorkerPool) {
        self.source = source
        self.plan = plan
        self.workers = workers
    }

    /// The metadata with the scheme's own entries, which follow the rest where they are new.
    private func header() throws(GGUFError) -> GGUFHeader {
        var header = try GGUFHeader()
        let own: [(String, GGUFValue)] = [
            ("general.quantization_version", .uint32(2)),
            ("general.file_type", .uint32(plan.scheme.fileType)),
        ]
        for key in source.metadataOrder {
            let original = try source.value(key)
            try header.add(key, own.first { $0.0 == key }?.1 ?? original)
        }
        for (key, value) in own where !source.has(key) { try header.add(key, value) }
        let types = TensorTypes(
            plan.scheme, shape: ModelShape(of: source), isPure: plan.isPure)
        for tensor in source.tensors {
            let type = types.type(name: tensor.name, dimensions: tensor.dimensions)
            try header.addTensor(
                name: tensor.name, dimensions: tensor.dimensions, type: type ?? tensor.type)
        }
        return header
    }

    private mutating func write(
        to path: String, _ progress: (Double) -> Void, _ isCancelled: () -> Bool
    ) throws(QuantisationError) -> QuantisationReport {
        let header: GGUFHeader
        do throws(GGUFError) {
            header = try self.header()
        } catch {
            throw .header(error)
        }
        // Whatever can be refused is refused before anything is written.
        for (tensor, entry) in zip(source.tensors, header.tensors) where entry.type != tensor.type {
            _ = try conversion(tensor, to: entry.type)
        }
        let output = try PartialFile(path: path)
        let headerBytes = header.bytes()
        try output.append(headerBytes)
        let total = max(source.tensors.reduce(0) { $0 + $1.elementCount }, 1)
        let buffer = SlabBuffer()
        for (tensor, entry) in zip(source.tensors, header.tensors) {
            report.count(entry.type) {
                $0.tensors += 1
                $0.elements += tensor.elementCount
                $0.bytesIn += tensor.byteCount
                $0.bytesOut += entry.byteCount
            }
            let slabs = try Slabs(tensor, conversion(tensor, to: entry.type))
            for rows in slabs {
                if isCancelled() { throw .cancelled }
                try encode(rows, of: tensor, slabs.conversion, buffer, output)
                done += rows.count * tensor.rowElements
                progress(Double(done) / Double(total))
            }
            try output.append([UInt8](repeating: 0, count: header.padding(after: entry.byteCount)))
        }
        if isCancelled() { throw .cancelled }
        try output.commit(replacing: plan.replacesOutput)
        report.bytesIn = source.byteCount
        report.bytesOut = headerBytes.count + header.dataBytes
        report.sort()
        return report
    }

    /// How a tensor's rows are converted; nil where they are copied.
    private func conversion(
        _ tensor: GGUFTensor, to type: GGUFTensorType
    ) throws(QuantisationError) -> Conversion? {
        if tensor.type == type { return nil }
        guard let reader = RowReader(tensor.type), let encoder = RowEncoder(type) else {
            throw .unreadable(tensor: tensor.name, type: tensor.type)
        }
        guard tensor.rowElements <= QuantisationLimits.rowElementsMax else {
            throw .rowTooLong(tensor: tensor.name, elements: tensor.rowElements)
        }
        return Conversion(reader: reader, encoder: encoder)
    }

    /// Converts or copies some rows of a tensor and appends them to the output.
    private mutating func encode(
        _ rows: Range<Int>, of tensor: GGUFTensor, _ conversion: Conversion?,
        _ buffer: SlabBuffer, _ output: borrowing PartialFile
    ) throws(QuantisationError) {
        let from = rows.lowerBound * tensor.rowBytes
        let end = rows.upperBound * tensor.rowBytes
        guard let conversion else {
            return try source.withBytes(of: tensor) { bytes throws(QuantisationError) in
                try output.append(UnsafeRawBufferPointer(rebasing: bytes[from..<end]))
            }
        }
        let outcomes = source.withBytes(of: tensor) { bytes in
            buffer.encode(
                UnsafeRawBufferPointer(rebasing: bytes[from..<end]), rows: rows.count,
                columns: tensor.rowElements, conversion, workers)
        }
        let type = conversion.encoder.type
        var sums = (error: 0.0, squares: 0.0)
        for (row, outcome) in zip(rows, outcomes) {
            switch outcome {
            case .encoded(let error, let squares):
                sums.error += error
                sums.squares += squares
            case .notFinite: throw .notFinite(tensor: tensor.name, row: row)
            case .tooLarge: throw .tooLarge(tensor: tensor.name, row: row, type: type)
            }
        }
        report.count(type) {
            $0.squaredError += sums.error
            $0.squares += sums.squares
        }
        if rows.lowerBound == 0, tensor.type.blockElements > 1 { report.requantised += 1 }
        try output.append(buffer.bytes(rows.count * conversion.rowBytes(tensor.rowElements)))
    }
}

/// The rows of a tensor in runs of at most ``QuantisationLimits/slabElements``.
private struct Slabs: Sequence, IteratorProtocol {
    let conversion: Conversion?
    private let rowCount: Int
    private let rowsPerSlab: Int
    private var following = 0

    init(_ tensor: GGUFTensor, _ conversion: Conversion?) {
        self.conversion = conversion
        rowCount = tensor.rowCount
        rowsPerSlab = Swift.max(QuantisationLimits.slabElements / tensor.rowElements, 1)
    }

    mutating func next() -> Range<Int>? {
        guard following < rowCount else { return nil }
        defer { following = Swift.min(following + rowsPerSlab, rowCount) }
        return following..<Swift.min(following + rowsPerSlab, rowCount)
    }
}
