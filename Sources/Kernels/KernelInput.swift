import CKernels

/// The inputs of products: some vectors of equal length, with their 8-bit codes beside them.
///
/// Codes are made once, by one rule: per block of 32 the scale is the largest magnitude / 127, a
/// code is the value / scale rounded to nearest even. They are shared by all matrices that read
/// the same input. Where 8 bits are too coarse there is a second plane: what the codes of the first
/// leave out, encoded by the same rule; the product is then the sum of two.
///
/// Owned by one thread at a time, except that many may read it during a product.
public final class KernelInput {
    /// Elements of each vector.
    public private(set) var columns = 0
    /// Vectors.
    public private(set) var count = 0
    /// Planes of codes made of the present values: 0 before ``quantise(planes:kernels:workers:)``.
    public private(set) var planes = 0

    private let storage: AlignedBuffer
    private let elementsMax: Int

    /// Room for `elementsMax` elements in all: vectors times columns.
    public init(elementsMax: Int) throws(KernelError) {
        self.elementsMax = elementsMax
        storage = try AlignedBuffer(byteCount: Self.bytesNeeded(elementsMax: elementsMax))
    }

    /// Bytes of memory for `elementsMax` elements.
    public static func bytesNeeded(elementsMax: Int) -> Int {
        let blocks = elementsMax / Int(SHOAL_BLOCK) + 1
        return elementsMax * 5 + blocks * 8 + 3 * AlignedBuffer.alignment
    }

    /// Makes room for `count` vectors of `columns` elements; their values are then written through
    /// ``values``. Traps beyond the room given at the start.
    public func reshape(count: Int, columns: Int) {
        precondition(count >= 0 && columns > 0 && count * columns <= elementsMax, "too large")
        self.count = count
        self.columns = columns
        planes = 0
    }

    /// The vectors, one after the other. Writing to them makes their codes stale: reshape again.
    public var values: UnsafeMutablePointer<Float> {
        storage.elements(count: elementsMax).baseAddress
            ?? storage.base.assumingMemoryBound(
                to: Float.self)
    }

    /// Makes the codes, the vectors shared out among `workers`.
    ///
    /// - Parameter planes: 1, or 2 for 16 bits in all; two planes leave the residues in ``values``
    ///   and take the room of twice the vectors.
    /// Traps unless ``columns`` is a multiple of 32.
    public func quantise(planes: Int = 1, kernels: KernelTable, workers: WorkerPool? = nil) {
        let (columns, blocks) = (columns, columns / Int(SHOAL_BLOCK))
        precondition(columns % Int(SHOAL_BLOCK) == 0, "rows of whole blocks only")
        precondition(1...2 ~= planes && count * planes * columns <= elementsMax, "too large")
        self.planes = planes
        let all = view
        let values = values
        let codes = UnsafeMutablePointer(mutating: all.codes)
        let scales = UnsafeMutablePointer(mutating: all.scales)
        let sums = UnsafeMutablePointer(mutating: all.sums)
        guard let codes, let scales, let sums else { return }
        let table = kernels.functions.pointee
        let body = { (index: Int) in
            let vector = values + index * columns
            for plane in index * planes..<(index + 1) * planes {
                table.quantise(
                    vector, Int64(columns), codes + plane * columns, scales + plane * blocks,
                    sums + plane * blocks)
                if planes == 2 {
                    table.residual(
                        vector, Int64(columns), codes + plane * columns, scales + plane * blocks)
                }
            }
        }
        if let workers {
            workers.run(chunks: count, body)
        } else {
            for index in 0..<count { body(index) }
        }
    }

    /// What the C kernels see. Sections begin at multiples of 64 bytes.
    var view: shoal_inputs {
        let codes = (elementsMax * 4 + 63) & ~63
        let scales = (codes + elementsMax + 63) & ~63
        let sums = scales + (elementsMax / Int(SHOAL_BLOCK)) * 4
        return shoal_inputs(
            values: values,
            codes: (storage.base + codes).assumingMemoryBound(to: Int8.self),
            scales: (storage.base + scales).assumingMemoryBound(to: Float.self),
            sums: (storage.base + sums).assumingMemoryBound(to: Int32.self),
            count: Int64(count * max(planes, 1)), cols: Int64(columns))
    }
}
