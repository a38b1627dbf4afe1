import CKernels

/// The inputs of products: some vectors of equal length, with their 8-bit codes beside them.
///
/// Codes are made once, by one rule: per block of 32 the scale is the largest magnitude / 127, a
/// code is the value / scale rounded to nearest even. They are shared by all matrices that read
/// the same input. Owned by one thread at a time, except that many may read it during a product.
public final class KernelInput {
    /// Elements of each vector.
    public private(set) var columns = 0
    /// Vectors.
    public private(set) var count = 0
    /// Whether ``quantise(kernels:workers:)`` has run for the present values.
    public private(set) var hasCodes = false

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
        hasCodes = false
    }

    /// The vectors, one after the other. Writing to them makes their codes stale: reshape again.
    public var values: UnsafeMutablePointer<Float> {
        storage.elements(count: elementsMax).baseAddress
            ?? storage.base.assumingMemoryBound(
                to: Float.self)
    }

    /// Makes the codes, the vectors shared out among `workers`.
    ///
    /// Traps unless ``columns`` is a multiple of 32.
    public func quantise(kernels: KernelTable, workers: WorkerPool? = nil) {
        precondition(columns % Int(SHOAL_BLOCK) == 0, "rows of whole blocks only")
        let all = view
        let (columns, blocks) = (columns, columns / Int(SHOAL_BLOCK))
        let body = { (index: Int) in
            kernels.functions.pointee.quantise(
                all.values + index * columns, Int64(columns),
                UnsafeMutablePointer(
                    mutating: all.codes + index * columns),
                UnsafeMutablePointer(mutating: all.scales + index * blocks),
                UnsafeMutablePointer(mutating: all.sums + index * blocks))
        }
        if let workers {
            workers.run(chunks: count, body)
        } else {
            for index in 0..<count { body(index) }
        }
        hasCodes = true
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
            count: Int64(count), cols: Int64(columns))
    }
}
