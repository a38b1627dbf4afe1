import CKernels

/// How a weight matrix is stored in a file, for those formats that have kernels.
///
/// Named as in GGUF. What products of each compute is stated in `CKernels/products_*.h`.
public enum WeightFormat: Sendable, Hashable, CaseIterable {
    /// IEEE single precision.
    case f32
    /// IEEE half precision.
    case f16
    /// The upper half of single precision.
    case bf16
    /// Blocks of 32: a half-precision scale and 32 signed bytes.
    case q8_0
    /// Blocks of 32: a scale and codes of 4 bits, standing for -8...7.
    case q4_0
    /// Blocks of 32: a scale, a minimum and codes of 4 bits.
    case q4_1
    /// Blocks of 32: a scale and codes of 5 bits, standing for -16...15.
    case q5_0
    /// Blocks of 32: a scale, a minimum and codes of 5 bits.
    case q5_1
    /// Blocks of 32: a scale and codes of 4 bits that index a table of uneven steps.
    case iq4_nl
    /// Blocks of 256: codes of 2 bits, with 16 scales and minima of 4 bits.
    case q2_k
    /// Blocks of 256: codes of 3 bits, standing for -4...3, with 16 scales of 6 bits.
    case q3_k
    /// Blocks of 256: codes of 4 bits, with 8 scales and minima of 6 bits.
    case q4_k
    /// Blocks of 256: codes of 5 bits, with 8 scales and minima of 6 bits.
    case q5_k
    /// Blocks of 256: codes of 6 bits, standing for -32...31, with 16 scales of 8 bits.
    case q6_k

    /// The input codes that products of this format read; nil where they read the values.
    public var activationBlock: CodeBlocks? {
        switch blockElements {
        case 1: nil
        case Int(SHOAL_BLOCK): .b32
        default: .b256
        }
    }

    /// Whether products read the 8-bit codes of their inputs instead of the values.
    public var readsCodes: Bool { activationBlock != nil }

    /// Elements that share a scale: a row must hold a whole number of blocks.
    public var blockElements: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_nl: Int(SHOAL_BLOCK)
        case .q2_k, .q3_k, .q4_k, .q5_k, .q6_k: Int(SHOAL_K_BLOCK)
        }
    }

    /// Bytes of one row of `columns` elements in a file, or nil if they are not whole blocks.
    public func rowBytes(columns: Int) -> Int? {
        let bytes = shoal_row_bytes(code, Int64(columns))
        return bytes > 0 ? Int(bytes) : nil
    }

    /// Widens one stored row to singles, with one rounding where a minimum is added, else exactly.
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
        case .q4_1: SHOAL_Q4_1
        case .q5_0: SHOAL_Q5_0
        case .q5_1: SHOAL_Q5_1
        case .iq4_nl: SHOAL_IQ4_NL
        case .q2_k: SHOAL_Q2_K
        case .q3_k: SHOAL_Q3_K
        case .q4_k: SHOAL_Q4_K
        case .q5_k: SHOAL_Q5_K
        case .q6_k: SHOAL_Q6_K
        }
    }
}
