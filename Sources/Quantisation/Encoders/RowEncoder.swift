public import GGUF

/// Encodes rows of singles as one type.
public struct RowEncoder: Sendable {
    /// What rows become.
    public let type: GGUFTensorType

    /// The types that rows can be encoded as.
    public static let types: [GGUFTensorType] = [
        .f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_nl, .q2_k, .q3_k, .q4_k, .q5_k,
        .q6_k,
    ]

    /// An encoder, or nil where `type` can only be read.
    public init?(_ type: GGUFTensorType) {
        guard Self.types.contains(type) else { return nil }
        self.type = type
    }

    /// The largest magnitude the type can hold in any place: beyond it a scale or an offset would
    /// exceed half precision.
    public var magnitudeMax: Float {
        switch type {
        case .f32: .greatestFiniteMagnitude
        case .bf16: Float(bitPattern: 0x7F7F_0000)
        case .f16, .q4_1, .q5_1: Half.greatest
        case .q4_0: Half.greatest * 4
        case .q5_0: Half.greatest * 8
        case .q8_0, .iq4_nl: Half.greatest * 64
        case .q2_k: Half.greatest * 8
        default: Half.greatest * 32
        }
    }

    /// The bytes of one row, or nil where it is no whole number of blocks or holds a value that is
    /// not finite or above ``magnitudeMax``.
    public func encode(_ values: [Float]) -> [UInt8]? {
        guard !values.isEmpty, values.count % type.blockElements == 0,
            values.allSatisfy({ $0.magnitude <= magnitudeMax })
        else { return nil }
        let row = UnsafeMutableRawBufferPointer.allocate(
            byteCount: (values.count + 15) / 16 * 64, alignment: 64)
        defer { row.deallocate() }
        values.withUnsafeBytes { row.copyMemory(from: $0) }
        let byteCount = values.count / type.blockElements * type.blockBytes
        return [UInt8](unsafeUninitializedCapacity: byteCount) { out, count in
            guard let from = row.baseAddress, let to = out.baseAddress else { return }
            _ = encode(from.assumingMemoryBound(to: Float.self), count: values.count, into: to)
            count = byteCount
        }
    }

    /// Encodes one row, whole blocks of finite values of at most ``magnitudeMax``.
    ///
    /// - Parameters:
    ///   - row: the values; aligned to 64 bytes, and followed by room up to a multiple of 16.
    ///   - out: room for the row's bytes.
    /// - Returns: the sum of the squared differences between the values and what the bytes stand
    ///   for.
    func encode(
        _ row: UnsafeMutablePointer<Float>, count: Int, into out: UnsafeMutablePointer<UInt8>
    ) -> Double {
        switch type {
        case .f32: floats(row, count, 4, out, encodeF32)
        case .f16: floats(row, count, 2, out, encodeF16)
        case .bf16: floats(row, count, 2, out, encodeBF16)
        case .q8_0: blocks(row, count, out, encodeQ8_0)
        case .q4_0: blocks(row, count, out, encodeQ4_0)
        case .q4_1: blocks(row, count, out, encodeQ4_1)
        case .q5_0: blocks(row, count, out, encodeQ5_0)
        case .q5_1: blocks(row, count, out, encodeQ5_1)
        case .iq4_nl: blocks(row, count, out, encodeIQ4_NL)
        case .q2_k: blocks(row, count, out, encodeQ2_K)
        case .q3_k: blocks(row, count, out, encodeQ3_K)
        case .q4_k: blocks(row, count, out, encodeQ4_K)
        case .q5_k: blocks(row, count, out, encodeQ5_K)
        case .q6_k: blocks(row, count, out, encodeQ6_K)
        default: preconditionFailure("init refuses \(type)")
        }
    }

    private typealias Block = (UnsafePointer<Lanes>, UnsafeMutablePointer<UInt8>) -> Float

    @inline(__always)
    private func blocks(
        _ row: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>,
        _ encode: Block
    ) -> Double {
        var sum = 0.0
        row.withMemoryRebound(to: Lanes.self, capacity: count / 16) { vectors in
            for block in 0..<count / type.blockElements {
                sum += Double(
                    encode(
                        vectors + block * (type.blockElements / 16),
                        out + block * type.blockBytes))
            }
        }
        return sum
    }

    /// Formats without blocks: the last vector may stand for fewer than 16 values.
    @inline(__always)
    private func floats(
        _ row: UnsafeMutablePointer<Float>, _ count: Int, _ size: Int,
        _ out: UnsafeMutablePointer<UInt8>, _ encode: Block
    ) -> Double {
        var sum = 0.0
        let whole = count / 16
        row.withMemoryRebound(to: Lanes.self, capacity: whole + 1) { vectors in
            for index in 0..<whole {
                sum += Double(encode(vectors + index, out + index * 16 * size))
            }
            let rest = count - whole * 16
            guard rest > 0 else { return }
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 64) { last in
                guard let base = last.baseAddress else { return }
                for lane in rest..<16 { row[whole * 16 + lane] = 0 }
                let bytes = base.assumingMemoryBound(to: UInt8.self)
                sum += Double(encode(vectors + whole, bytes))
                (out + whole * 16 * size).update(from: bytes, count: rest * size)
            }
        }
        return sum
    }
}
