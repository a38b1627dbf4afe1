import GGUF
import Kernels

/// Widens stored rows to singles.
struct RowReader {
    private let format: WeightFormat

    /// Widening halves is exact, so the table does not matter to the result.
    private static let kernels = KernelTable.available.last.flatMap(KernelTable.init)

    /// A reader, or nil where the type has none.
    init?(_ type: GGUFTensorType) {
        switch type {
        case .f32: format = .f32
        case .f16: format = .f16
        case .bf16: format = .bf16
        case .q8_0: format = .q8_0
        case .q4_0: format = .q4_0
        case .q4_1: format = .q4_1
        case .q5_0: format = .q5_0
        case .q5_1: format = .q5_1
        case .iq4_nl: format = .iq4_nl
        case .q2_k: format = .q2_k
        case .q3_k: format = .q3_k
        case .q4_k: format = .q4_k
        case .q5_k: format = .q5_k
        case .q6_k: format = .q6_k
        default: return nil
        }
    }

    /// Widens `bytes`, one row of `count` elements.
    func read(
        _ bytes: UnsafeRawBufferPointer, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        guard format == .f16, let kernels = Self.kernels, let halves = bytes.baseAddress else {
            return format.unpackRow(
                bytes, into: UnsafeMutableBufferPointer(start: out, count: count))
        }
        // Most sources are halves, so they take the vector path. Tensors are aligned.
        kernels.widen(halves.assumingMemoryBound(to: UInt16.self), count: count, into: out)
    }
}
