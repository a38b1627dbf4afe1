import CKernels

/// Lengths of the blocks in which inputs are encoded to 8 bits.
public struct CodeBlocks: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt8

    /// A set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Blocks of 32, which the formats in blocks of 32 read.
    public static let b32 = CodeBlocks(rawValue: 1)
    /// Blocks of 256, which the K formats read.
    public static let b256 = CodeBlocks(rawValue: 2)
}

/// The inputs of products: some vectors of equal length, with their 8-bit codes beside them.
///
/// Codes are made once for each block length that the readers need, by one rule: per block the
/// scale is the largest magnitude / 127, a code is the value / scale rounded to nearest even. They
/// are shared by all matrices that read the same input. Where 8 bits are too coarse there is a
/// second plane: what the codes of the first leave out, encoded by the same rule; the product is
/// then the sum of two.
///
/// Owned by one thread at a time, except that many may read it during a product, and encode
/// different vectors of it between ``prepare(blocks:planes:)`` and the products.
public final class KernelInput {
    /// Elements of each vector.
    public private(set) var columns = 0
    /// Vectors.
    public private(set) var count = 0
    /// Planes of codes prepared: 0 before ``prepare(blocks:planes:)``.
    public private(set) var planes = 0
    /// Block lengths of the codes prepared.
    public private(set) var blocks: CodeBlocks = []

    private let storage: AlignedBuffer
    private let elementsMax: Int

    /// Room for `elementsMax` elements in all: vectors times columns times planes.
    public init(elementsMax: Int) throws(KernelError) {
        self.elementsMax = elementsMax
        storage = try AlignedBuffer(byteCount: Self.bytesNeeded(elementsMax: elementsMax))
    }

    /// Bytes of memory for `elementsMax` elements. Those of codes that are never made are never
    /// touched, so they cost address space alone.
    public static func bytesNeeded(elementsMax: Int) -> Int {
        Sections(elementsMax: elementsMax).end
    }

    /// Makes room for `count` vectors of `columns` elements; their values are then written through
    /// ``values``. Traps beyond the room given at the start.
    public func reshape(count: Int, columns: Int) {
        precondition(count >= 0 && columns > 0 && count * columns <= elementsMax, "too large")
        self.count = count
        self.columns = columns
        planes = 0
        blocks = []
    }

    /// The vectors, one after the other. Writing to them makes their codes stale: encode again.
    public var values: UnsafeMutablePointer<Float> {
        storage.base.assumingMemoryBound(to: Float.self)
    }

    /// Makes the codes of all vectors, shared out among `workers`. The values stay as they are.
    ///
    /// - Parameters:
    ///   - blocks: the block lengths that the readers of this input need.
    ///   - planes: 1, or 2 for 16 bits in all, which take the room of twice the vectors.
    /// Traps unless ``columns`` is a multiple of the block length.
    public func encode(
        blocks: CodeBlocks, planes: Int = 1, kernels: KernelTable, workers: WorkerPool? = nil
    ) {
        prepare(blocks: blocks, planes: planes)
        if let workers {
            workers.split(count) { encode(rows: $0, kernels: kernels) }
        } else {
            encode(rows: 0..<count, kernels: kernels)
        }
    }

    /// Says which codes ``encode(rows:kernels:)`` makes. Traps as
    /// ``encode(blocks:planes:kernels:workers:)`` does.
    public func prepare(blocks: CodeBlocks, planes: Int = 1) {
        precondition(1...2 ~= planes && count * planes * columns <= elementsMax, "too large")
        precondition(
            (!blocks.contains(.b32) || columns % Int(SHOAL_BLOCK) == 0)
                && (!blocks.contains(.b256) || columns % Int(SHOAL_K_BLOCK) == 0),
            "rows of whole blocks only")
        self.planes = planes
        self.blocks = blocks
    }

    /// Makes the codes of some vectors. Several threads may call it at once, each for vectors of
    /// its own, once ``prepare(blocks:planes:)`` has returned and before any product reads them.
    public func encode(rows: Range<Int>, kernels: KernelTable) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "no such vector")
        let table = kernels.functions.pointee
        for row in rows {
            for plane in 0..<planes {
                if blocks.contains(.b32) { encode(.b32, row: row, plane: plane, table) }
                if blocks.contains(.b256) { encode(.b256, row: row, plane: plane, table) }
            }
        }
    }

    private func encode(_ block: CodeBlocks, row: Int, plane: Int, _ table: shoal_kernels) {
        let sections = Sections(elementsMax: elementsMax)
        let at = sections.pointers(block, in: storage)
        let length = block == .b32 ? Int(SHOAL_BLOCK) : Int(SHOAL_K_BLOCK)
        let blocks = columns / length
        let index = row * planes + plane
        var vector = values + row * columns
        if plane == 1 {
            // The room of the second plane's vectors holds what the first leaves out.
            vector = values + (count + row) * columns
            vector.update(from: values + row * columns, count: columns)
            let first = row * planes
            table.residual(
                vector, Int64(columns), at.codes + first * columns, at.scales + first * blocks,
                Int64(length))
        }
        if block == .b32 {
            table.quantise(
                vector, Int64(columns), at.codes + index * columns, at.scales + index * blocks,
                at.sums + index * blocks)
        } else {
            table.quantise_k(
                vector, Int64(columns), at.codes + index * columns, at.scales + index * blocks,
                at.sums + index * blocks * Int(SHOAL_K_SUMS),
                at.pairs + index * blocks * Int(SHOAL_K_PAIRS))
        }
    }

    /// Whether a product of `format` can read what is here.
    func serves(_ format: WeightFormat) -> Bool {
        format.activationBlock.map { planes > 0 && blocks.contains($0) } ?? true
    }

    /// What the C kernels see for `format`.
    func view(for format: WeightFormat) -> shoal_inputs {
        guard let block = format.activationBlock else {
            return shoal_inputs(
                values: values, codes: nil, scales: nil, sums: nil, pairs: nil,
                count: Int64(count), cols: Int64(columns))
        }
        let at = Sections(elementsMax: elementsMax).pointers(block, in: storage)
        return shoal_inputs(
            values: values, codes: at.codes, scales: at.scales, sums: at.sums, pairs: at.pairs,
            count: Int64(count * planes), cols: Int64(columns))
    }
}

/// Where the parts of an input's memory begin, at multiples of 64 bytes: values, then for either
/// block length codes, scales, sums and, for blocks of 256, pairs of sums.
private struct Sections {
    private let small: (codes: Int, scales: Int, sums: Int)
    private let large: (codes: Int, scales: Int, sums: Int)
    private let pairs: Int
    let end: Int

    init(elementsMax: Int) {
        var next = 0
        func section(_ bytes: Int) -> Int {
            defer { next = (next + bytes + 63) & ~63 }
            return next
        }
        _ = section(elementsMax * 4)
        let blocks = elementsMax / Int(SHOAL_BLOCK) + 1
        small = (section(elementsMax), section(blocks * 4), section(blocks * 4))
        let largeBlocks = elementsMax / Int(SHOAL_K_BLOCK) + 1
        large = (
            section(elementsMax), section(largeBlocks * 4),
            section(largeBlocks * 4 * Int(SHOAL_K_SUMS))
        )
        pairs = section(largeBlocks * 4 * Int(SHOAL_K_PAIRS))
        end = next
    }

    typealias Pointers = (
        codes: UnsafeMutablePointer<Int8>, scales: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Int32>, pairs: UnsafeMutablePointer<Int32>
    )

    func pointers(_ block: CodeBlocks, in storage: AlignedBuffer) -> Pointers {
        let at = block == .b32 ? small : large
        return (
            (storage.base + at.codes).assumingMemoryBound(to: Int8.self),
            (storage.base + at.scales).assumingMemoryBound(to: Float.self),
            (storage.base + at.sums).assumingMemoryBound(to: Int32.self),
            (storage.base + pairs).assumingMemoryBound(to: Int32.self)
        )
    }
}
