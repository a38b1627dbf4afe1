import CKernels

/// How a weight matrix is stored in a file, for those formats that have kernels.
public enum WeightFormat: Sendable, Hashable, CaseIterable {
    /// IEEE single precision.
    case f32
    /// IEEE half precision.
    case f16
    /// The upper half of single precision.
    case bf16
    /// Blocks of 32: a half-precision scale and 32 signed bytes.
    case q8_0
    /// Blocks of 32: a half-precision scale and 32 codes of 4 bits, standing for -8...7.
    case q4_0

    /// Whether products read the 8-bit codes of their inputs instead of the values.
    public var readsCodes: Bool {
        switch self {
        case .f32, .f16, .bf16: false
        case .q8_0, .q4_0: true
        }
    }

    /// Elements that share a scale: a row must hold a whole number of blocks.
    public var blockElements: Int { readsCodes ? Int(SHOAL_BLOCK) : 1 }

    /// Bytes of one row of `columns` elements in a file, or nil if they are not whole blocks.
    public func rowBytes(columns: Int) -> Int? {
        let bytes = shoal_row_bytes(code, Int64(columns))
        return bytes > 0 ? Int(bytes) : nil
    }

    /// Widens one stored row to singles, exactly.
    ///
    /// Traps if the row does not have the bytes that `out.count` columns need.
    public func unpackRow(
        _ row: UnsafeRawBufferPointer, into out: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(row.count == rowBytes(columns: out.count), "a row of another shape")
        guard let from = row.baseAddress, let to = out.baseAddress else { return }
        shoal_unpack_row(
            code, from.assumingMemoryBound(to: UInt8.self), Int64(out.count), to)
    }

    var code: shoal_format {
        switch self {
        case .f32: SHOAL_F32
        case .f16: SHOAL_F16
        case .bf16: SHOAL_BF16
        case .q8_0: SHOAL_Q8_0
        case .q4_0: SHOAL_Q4_0
        }
    }
}
