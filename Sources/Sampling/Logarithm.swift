/// ln x for a normal x > 0, the same bits on every machine: no libm, no fused operations.
///
/// x = m · 2ⁿ with √½ ≤ m < √2, and ln m = 2 artanh s with s = (m − 1) / (m + 1), |s| < 0.172. The
/// series of artanh is cut where its terms are below 10⁻¹⁸.
func logarithm(_ x: Double) -> Double {
    var fraction = x.significand
    var exponent = Double(x.exponent)
    if fraction >= 1.414_213_562_373_095_1 {
        fraction /= 2
        exponent += 1
    }
    let s = (fraction - 1) / (fraction + 1)
    let square = s * s
    var sum: Double = 1 / 23
    for odd in stride(from: 21.0, through: 1, by: -2) { sum = sum * square + 1 / odd }
    return exponent * 0.693_147_180_559_945_3 + 2 * s * sum
}
