/// IEEE half precision by integer arithmetic: `Float16` would be a library call for every value
/// on x86, and is missing on some systems.
enum Half {
    /// The largest finite half.
    static let greatest: Float = 65_504
    /// The least positive half, a subnormal.
    static let least: Float = 0x1p-24

    /// The nearest half, ties to even; beyond the range the largest finite one.
    static func bits(_ value: Float) -> UInt16 {
        let word = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: (word >> 16) & 0x8000)
        let magnitude = Float(bitPattern: word & 0x7FFF_FFFF)
        if !(magnitude < greatest) { return sign | 0x7BFF }
        if magnitude < 0x1p-14 {
            // The spacing of singles near 0.5 is 2^-24, that of subnormal halves.
            let steps = (magnitude + 0.5).bitPattern - Float(0.5).bitPattern
            return sign | UInt16(truncatingIfNeeded: steps)
        }
        let bits = magnitude.bitPattern - (112 << 23)
        return sign | UInt16(truncatingIfNeeded: (bits + 0x0FFF + ((bits >> 13) & 1)) >> 13)
    }

    /// The value of a finite half.
    static func value(_ bits: UInt16) -> Float {
        let magnitude = Float(bitPattern: UInt32(bits & 0x7FFF) << 13) * 0x1p112
        return bits & 0x8000 == 0 ? magnitude : -magnitude
    }

    /// The nearest half of a scale, but never zero where the smallest half still says more.
    ///
    /// The scale of a K block is the largest of its sub-blocks' divided by up to 128, so it
    /// underflows long before the weights do; a larger scale with smaller multiples saves them.
    static func scaleBits(_ value: Float) -> UInt16 {
        let rounded = bits(value)
        if rounded & 0x7FFF != 0 || value == 0 { return rounded }
        return value < 0 ? 0x8001 : 0x0001
    }

    /// Sixteen values as halves, ties to even. Magnitudes must be below 65520.
    @inline(__always)
    static func bits(_ values: Lanes) -> SIMD16<UInt16> {
        let words = unsafeBitCast(values, to: SIMD16<UInt32>.self)
        let magnitudes = words & 0x7FFF_FFFF
        let small =
            unsafeBitCast(
                unsafeBitCast(magnitudes, to: Lanes.self) + 0.5, to: SIMD16<UInt32>.self)
            &- Float(0.5).bitPattern
        let shifted = magnitudes &- (112 << 23)
        let normal = (shifted &+ 0x0FFF &+ ((shifted &>> 13) & 1)) &>> 13
        let least = SIMD16<UInt32>(repeating: Float(0x1p-14).bitPattern)
        let chosen = normal.replacing(with: small, where: magnitudes .< least)
        let result = chosen | ((words &>> 16) & 0x8000)
        return unsafeBitCast(result, to: SIMD32<UInt16>.self).evenHalf
    }

    /// The values of sixteen halves; those that are no numbers stay so.
    @inline(__always)
    static func values(_ bits: SIMD16<UInt16>) -> Lanes {
        let words = SIMD16<UInt32>(truncatingIfNeeded: bits)
        let magnitudes = words & 0x7FFF
        let finite = unsafeBitCast(magnitudes &<< 13, to: Lanes.self) * 0x1p112
        var result = unsafeBitCast(finite, to: SIMD16<UInt32>.self)
        let special = (magnitudes &<< 13) | 0x7F80_0000
        result.replace(with: special, where: magnitudes .>= 0x7C00)
        return unsafeBitCast(result | ((words & 0x8000) &<< 16), to: Lanes.self)
    }
}
