import GGUF
import Kernels

/// Widens stored rows to singles.
struct RowReader {
    private let format: WeightFormat

    /// A reader, or nil where the type has none.
    init?(_ type: GGUFTensorType) {
        switch type {
        case .f32: format = .f32
        case .f16: format = .f16
        case .bf16: format = .bf16
        case .q8_0: format = .q8_0
        case .q4_0: format = .q4_0
        default: return nil
        }
    }

    /// Widens `bytes`, one row of `count` elements.
    func read(
        _ bytes: UnsafeRawBufferPointer, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        let halves = bytes.count / 32 * 16
        switch format {
        case .f16 where bytes.count == count * 2:
            // Sixteen at a time; the rest below.
            for index in stride(from: 0, to: halves, by: 16) {
                let bits = bytes.loadUnaligned(
                    fromByteOffset: index * 2, as: SIMD16<UInt16>.self)
                UnsafeMutableRawPointer(out + index).storeBytes(
                    of: Half.values(bits), as: Lanes.self)
            }
            guard halves < count else { return }
            format.unpackRow(
                UnsafeRawBufferPointer(rebasing: bytes[(halves * 2)...]),
                into: UnsafeMutableBufferPointer(start: out + halves, count: count - halves))
        default:
            format.unpackRow(bytes, into: UnsafeMutableBufferPointer(start: out, count: count))
        }
    }
}
