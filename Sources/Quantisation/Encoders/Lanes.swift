/// Sixteen values side by side: the unit in which rows are read and codes are searched.
///
/// Nothing here depends on the width of the machine's registers: sums fold by the standard
/// library's fixed tree, and nothing is contracted, so the same file comes out everywhere.
typealias Lanes = SIMD16<Float>

extension SIMD16<Float> {
    /// 1.5 * 2^23: added to a value below 2^22 it leaves the nearest integer (ties to even) in the
    /// low bits, without the rounding call that old x86 has no instruction for.
    @inline(__always) private static var integerShift: Float { 12_582_912 }

    /// The nearest integers, for magnitudes below 2^22.
    @inline(__always) var nearest: Lanes { (self + Self.integerShift) - Self.integerShift }

    /// The low bytes of values that are integers.
    @inline(__always) var bytes: SIMD16<UInt8> {
        let shifted = self + Self.integerShift
        return unsafeBitCast(
            unsafeBitCast(shifted, to: SIMD32<UInt16>.self).evenHalf, to: SIMD32<UInt8>.self
        ).evenHalf
    }

    /// The sum, by a fixed tree.
    @inline(__always) var total: Float {
        let eight = lowHalf + highHalf
        let four = eight.lowHalf + eight.highHalf
        return (four[0] + four[2]) + (four[1] + four[3])
    }

    /// The least lane.
    @inline(__always) var least: Float {
        let eight = lowHalf.replacing(with: highHalf, where: highHalf .< lowHalf)
        let (low, high) = (eight.lowHalf, eight.highHalf)
        let four = low.replacing(with: high, where: high .< low)
        let (a, b) = (four[1] < four[0] ? four[1] : four[0], four[3] < four[2] ? four[3] : four[2])
        return b < a ? b : a
    }

    /// The greatest lane.
    @inline(__always) var greatest: Float { -((0 - self).least) }

    @inline(__always) func limited(_ low: Float, _ high: Float) -> Lanes {
        let raised = replacing(with: low, where: self .< low)
        return raised.replacing(with: high, where: raised .> high)
    }

    @inline(__always) var magnitudes: Lanes {
        let bits = unsafeBitCast(self, to: SIMD16<UInt32>.self) & 0x7FFF_FFFF
        return unsafeBitCast(bits, to: Lanes.self)
    }

    @inline(__always) func larger(_ other: Lanes) -> Lanes {
        replacing(with: other, where: other .> self)
    }

    @inline(__always) func smaller(_ other: Lanes) -> Lanes {
        replacing(with: other, where: other .< self)
    }
}

/// The range of `vectors` times 16 values.
@inline(__always)
func range(_ x: UnsafePointer<Lanes>, _ vectors: Int) -> (least: Float, greatest: Float) {
    var least = x[0]
    var greatest = x[0]
    for index in 1..<max(vectors, 1) {
        least = least.smaller(x[index])
        greatest = greatest.larger(x[index])
    }
    return (least.least, greatest.greatest)
}

/// The sum of squares of `vectors` times 16 values.
@inline(__always)
func squares(_ x: UnsafePointer<Lanes>, _ vectors: Int) -> Float {
    var sum = Lanes.zero
    for index in 0..<vectors { sum += x[index] * x[index] }
    return sum.total
}
