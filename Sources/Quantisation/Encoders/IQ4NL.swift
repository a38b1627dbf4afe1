// IQ4_NL: blocks of 32 with a half-precision scale and 4-bit codes that stand for 16 unequally
// spaced steps, closer near zero, where weights are dense. Bytes are packed as in Q4_0.

/// The least step.
private let leastStep: Float = -127

/// Between each step and the next: the middle, where the nearer one changes, and the distance.
private let gaps: [(middle: Float, distance: Float)] = [
    (-115.5, 23), (-93.5, 21), (-74, 18), (-57, 16), (-42, 14), (-28.5, 13), (-16, 12),
    (-4.5, 11), (7, 12), (19, 12), (31.5, 13), (45.5, 15), (61, 16), (79, 20), (101, 24),
]

/// The steps nearest to values.
@inline(__always)
private func steps(_ x: Lanes, _ gaps: UnsafePointer<(middle: Float, distance: Float)>) -> Lanes {
    var result = Lanes(repeating: leastStep)
    for index in 0..<15 {
        let distance = Lanes(repeating: gaps[index].distance)
        result += Lanes.zero.replacing(with: distance, where: x .> gaps[index].middle)
    }
    return result
}

/// <x, s> and <s, s> for the steps s nearest to `x * inverse`.
@inline(__always)
private func sums(
    _ x: UnsafePointer<Lanes>, inverse: Float,
    _ gaps: UnsafePointer<(middle: Float, distance: Float)>
) -> (xs: Float, ss: Float) {
    let (a, b) = (steps(x[0] * inverse, gaps), steps(x[1] * inverse, gaps))
    return ((x[0] * a + x[1] * b).total, (a * a + b * b).total)
}

/// Encodes one block; gives its squared error.
func encodeIQ4_NL(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    gaps.withUnsafeBufferPointer { buffer in
        guard let gaps = buffer.baseAddress else { return 0 }
        // No code stands for zero, so below the spacing of halves only a scale of zero does.
        let bits = Half.bits(scale(x, gaps))
        let scale = Half.value(bits)
        storeHalf(bits, out)
        let inverse = scale == 0 ? 0 : 1 / scale
        var error = Lanes.zero
        var halves = (SIMD16<UInt8>.zero, SIMD16<UInt8>.zero)
        for index in 0..<2 {
            let scaled = x[index] * inverse
            var codes = Lanes.zero
            for gap in 0..<15 {
                codes += Lanes.zero.replacing(
                    with: Lanes(repeating: 1), where: scaled .> gaps[gap].middle)
            }
            if index == 0 { halves.0 = codes.bytes } else { halves.1 = codes.bytes }
            let rest = x[index] - steps(scaled, gaps) * scale
            error += rest * rest
        }
        store(halves.0 | (halves.1 &<< 4), out + 2)
        return error.total
    }
}

/// As `symmetricScale`, for these steps: the extreme is tried around -127 and around 113.
@inline(__always)
private func scale(
    _ x: UnsafePointer<Lanes>, _ gaps: UnsafePointer<(middle: Float, distance: Float)>
) -> Float {
    let (least, greatest) = range(x, 2)
    let extreme = greatest > -least ? greatest : least
    guard extreme.magnitude > QuantisationLimits.magnitudeMin else { return 0 }
    var (bestXS, bestSS): (Float, Float) = (0, 1)
    let reciprocal = 1 / extreme
    for end: Float in [-127, 113] {
        var stretch: Float = 0.8
        while stretch < 1.2 {
            let (xs, ss) = sums(x, inverse: end * stretch * reciprocal, gaps)
            if xs * xs * bestSS > bestXS * bestXS * ss { (bestXS, bestSS) = (xs, ss) }
            stretch += 0.04
        }
    }
    for _ in 0..<2 {
        guard bestXS != 0 else { return 0 }
        let (xs, ss) = sums(x, inverse: bestSS / bestXS, gaps)
        guard xs * xs * bestSS > bestXS * bestXS * ss else { break }
        (bestXS, bestSS) = (xs, ss)
    }
    return bestXS / bestSS
}
