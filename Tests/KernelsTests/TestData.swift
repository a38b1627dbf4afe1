import Kernels
import Testing

/// SplitMix64: a seeded source, so that a failure can be replayed from the seed it prints.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func float(in range: ClosedRange<Float> = -1...1) -> Float {
        Float.random(in: range, using: &self)
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in float(in: range) }
    }
}

extension WeightFormat {
    /// Random stored rows: every code, ordinary scales, some zeros and subnormals.
    func randomRows(_ rows: Int, columns: Int, using random: inout SeededRandom) -> [UInt8] {
        var bytes: [UInt8] = []
        func append<T: FixedWidthInteger>(_ value: T) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        func half(_ random: inout SeededRandom) -> UInt16 {
            // Exponents 0...17 of 31: magnitudes up to 8, subnormals included.
            UInt16.random(in: 0..<0x4800, using: &random)
                | (Bool.random(using: &random) ? 0x8000 : 0)
        }
        for _ in 0..<rows * columns / blockElements {
            switch self {
            case .f32: append(random.float(in: -2...2).bitPattern)
            case .f16: append(half(&random))
            case .bf16: append(UInt16(random.float(in: -2...2).bitPattern >> 16))
            default:
                let first = bytes.count
                for _ in 0..<(rowBytes(columns: blockElements) ?? 0) {
                    bytes.append(UInt8.random(in: 0...255, using: &random))
                }
                // Any byte is a valid code or scale, but halves must be numbers.
                for at in halves {
                    let value = half(&random)
                    bytes[first + at] = UInt8(truncatingIfNeeded: value)
                    bytes[first + at + 1] = UInt8(value >> 8)
                }
            }
        }
        return bytes
    }

    /// Where the halves are in a stored block.
    private var halves: [Int] {
        switch self {
        case .f32, .f16, .bf16: []
        case .q8_0, .q4_0, .q5_0, .iq4_nl: [0]
        case .q4_1, .q5_1, .q4_k, .q5_k: [0, 2]
        case .q2_k: [80, 82]
        case .q3_k: [108]
        case .q6_k: [208]
        }
    }

    /// Rows widened to singles.
    func widen(_ bytes: [UInt8], rows: Int, columns: Int) -> [[Float]] {
        let rowBytes = bytes.count / rows
        return (0..<rows).map { row in
            var out = [Float](repeating: .nan, count: columns)
            bytes.withUnsafeBytes { all in
                out.withUnsafeMutableBufferPointer { out in
                    unpackRow(
                        UnsafeRawBufferPointer(
                            rebasing: all[row * rowBytes..<(row + 1) * rowBytes]), into: out)
                }
            }
            return out
        }
    }
}

/// All tables that run here.
let tables = KernelTable.available.compactMap { KernelTable($0) }

/// All but the portable one.
let fastTables = tables.filter { $0.instructionSet != .portable }

extension [Float] {
    var bitPatterns: [UInt32] { map(\.bitPattern) }
}

/// The sum of 16 lanes, element i in lane i mod 16, folded 8, 4, 2, 1.
func tree(_ terms: [Float]) -> Float {
    var lanes = terms
    while lanes.count > 1 {
        let half = lanes.count / 2
        lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
    }
    return lanes[0]
}

/// The sum of products by fused operations in 16 lanes.
func laneDot(_ a: [Float], _ b: [Float]) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    for i in a.indices { lanes[i % 16] = lanes[i % 16].addingProduct(a[i], b[i]) }
    return tree(lanes)
}
