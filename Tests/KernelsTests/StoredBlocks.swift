import Kernels

/// One block of a row read as the file format says, by code that shares nothing with the kernels.
///
/// An element is `scale * subscale * code - minimum * subminimum`.
struct StoredBlock {
    /// d and dmin (or, positive, -m of Q4_1 and Q5_1).
    var scale: Float = 0
    var minimum: Float = 0
    /// Of each sub-block: one of 32, or 8 of 32, or 16 of 16.
    var scales: [Int] = [1]
    var minima: [Int] = [1]
    /// What a code stands for.
    var codes: [Int] = []

    /// The values of codes 0...15 of IQ4_NL.
    static let table = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    /// The block that begins with `p`.
    init(_ format: WeightFormat, _ bytes: ArraySlice<UInt8>) {
        let p = Array(bytes)
        func half(_ i: Int) -> Float { singleOfHalf(UInt16(p[i]) | UInt16(p[i + 1]) << 8) }
        func nibbles(_ from: Int) -> [Int] {
            (0..<32).map { Int($0 < 16 ? p[from + $0] & 15 : p[from + $0 - 16] >> 4) }
        }
        func fifth(_ from: Int) -> [Int] { (0..<32).map { Int(p[from + $0 / 8] >> ($0 % 8) & 1) } }
        func bits(_ from: Int, per: Int, run: Int) -> [Int] {
            // Bytes of `run` columns each, the lowest field first, then the next `run` bytes.
            (0..<256).map { k in
                let fields = 8 / per
                let byte = p[from + k / (run * fields) * run + k % run]
                return Int(byte >> (k / run % fields * per)) & ((1 << per) - 1)
            }
        }
        scale = half(format == .q2_k ? 80 : format == .q3_k ? 108 : format == .q6_k ? 208 : 0)
        switch format {
        case .f32, .f16, .bf16: break
        case .q8_0: codes = p[2..<34].map { Int(Int8(bitPattern: $0)) }
        case .q4_0: codes = nibbles(2).map { $0 - 8 }
        case .iq4_nl: codes = nibbles(2).map { Self.table[$0] }
        case .q5_0: codes = zip(nibbles(6), fifth(2)).map { $0 + 16 * $1 - 16 }
        case .q4_1:
            minimum = -half(2)
            codes = nibbles(4)
        case .q5_1:
            minimum = -half(2)
            codes = zip(nibbles(8), fifth(4)).map { $0 + 16 * $1 }
        case .q2_k:
            minimum = half(82)
            scales = p[0..<16].map { Int($0 & 15) }
            minima = p[0..<16].map { Int($0 >> 4) }
            codes = bits(16, per: 2, run: 32)
        case .q3_k:
            scales = (0..<16).map { j in
                let low = Int(p[96 + j % 8] >> (j < 8 ? 0 : 4) & 15)
                return low + 16 * Int(p[104 + j % 4] >> (2 * (j / 4)) & 3) - 32
            }
            codes = zip(bits(32, per: 2, run: 32), bits(0, per: 1, run: 32)).map { $0 + 4 * $1 - 4 }
        case .q4_k, .q5_k:
            minimum = half(2)
            let s = p[4..<16].map { Int($0) }
            scales = (0..<8).map { $0 < 4 ? s[$0] % 64 : s[$0 + 4] % 16 + s[$0 - 4] / 64 * 16 }
            minima = (0..<8).map { $0 < 4 ? s[$0 + 4] % 64 : s[$0 + 4] / 16 + s[$0] / 64 * 16 }
            codes =
                format == .q4_k
                ? bits(16, per: 4, run: 32)
                : zip(bits(48, per: 4, run: 32), bits(16, per: 1, run: 32)).map { $0 + 16 * $1 }
        case .q6_k:
            scales = p[192..<208].map { Int(Int8(bitPattern: $0)) }
            codes = zip(bits(0, per: 4, run: 64), bits(128, per: 2, run: 32)).map {
                $0 + 16 * $1 - 32
            }
        }
    }

    /// This block times a block of input codes, added to `sum` by the rule of the format.
    func addProduct(of input: EncodedBlock, to sum: inout Float) {
        let length = codes.count / scales.count
        var (products, sums) = (0, 0)
        for j in scales.indices {
            let part = j * length..<(j + 1) * length
            products += scales[j] * part.reduce(0) { $0 + codes[$1] * input.codes[$1] }
            sums += (minima.count > j ? minima[j] : 0) * part.reduce(0) { $0 + input.codes[$1] }
        }
        sum.addProduct(Float(products), scale * input.scale)
        guard minimum != 0 else { return }
        if codes.count == 32 {
            sum.addProduct(-minimum, input.scale * Float(sums))
        } else {
            sum.addProduct(Float(-sums), minimum * input.scale)
        }
    }
}

/// A block of an input in 8 bits.
struct EncodedBlock {
    var scale: Float
    var codes: [Int]

    /// The scalar reading of the activation rule: largest magnitude / 127, nearest even.
    static func blocks(of values: some Collection<Float>, length: Int) -> [EncodedBlock] {
        let values = Array(values)
        return stride(from: 0, to: values.count, by: length).map { start in
            let block = values[start..<start + length]
            let scale = (block.map(abs).max() ?? 0) / 127
            guard scale != 0 else {
                return EncodedBlock(scale: 0, codes: [Int](repeating: 0, count: length))
            }
            return EncodedBlock(
                scale: scale,
                codes: block.map { Int(max(-127, min(127, $0 / scale)).rounded(.toNearestOrEven)) })
        }
    }
}

/// A half as a single, by arithmetic.
func singleOfHalf(_ half: UInt16) -> Float {
    let exponent = Int(half >> 10 & 31), fraction = Float(half & 1023)
    let magnitude =
        exponent == 0
        ? fraction * 0x1p-24
        : (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    return half & 0x8000 == 0 ? magnitude : -magnitude
}
