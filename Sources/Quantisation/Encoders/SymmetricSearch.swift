// The scale of codes that stand for multiples of one number: value = scale * code.
//
// For given codes the squared error is least at scale = <x, c> / <c, c>, where it is
// |x|^2 - <x, c>^2 / <c, c>. So scales are tried over the range that can be best, each is turned
// into codes, and the codes with the largest gain <x, c>^2 / <c, c> win. The codes are lopsided
// (-8...7), so the value of largest magnitude is tried at both ends. The winner is then improved
// by turns: codes for the scale, the scale for the codes.

/// <x, c> and <c, c> of the codes `c` nearest to `x * inverse`.
@inline(__always)
private func sums(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, inverse: Float, low: Float, high: Float
) -> (xc: Float, cc: Float) {
    var xc = Lanes.zero
    var cc = Lanes.zero
    for index in 0..<vectors {
        let codes = (x[index] * inverse).limited(low, high).nearest
        xc += x[index] * codes
        cc += codes * codes
    }
    return (xc.total, cc.total)
}

/// The scale, which may be negative, whose codes `low...high` fit `x` best; 0 where the values are
/// too small for any half-precision scale.
///
/// - Parameters:
///   - reach: how far beyond the end of the codes the largest value is tried, in codes: what is
///     beyond is cut off, which pays when it is rare.
///   - step: the distance between tries, in codes.
@inline(__always)
func symmetricScale(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, low: Float, high: Float,
    from: Float, reach: Float, step: Float, turns: Int
) -> Float {
    let (least, greatest) = range(x, vectors)
    let extreme = greatest > -least ? greatest : least
    guard extreme.magnitude > QuantisationLimits.magnitudeMin else { return 0 }
    var bestXC: Float = 0
    var bestCC: Float = 1
    let reciprocal = 1 / extreme
    for end in 0..<2 {
        let code = end == 0 ? -low : high
        var offset = from
        while offset <= reach {
            // The lower end takes the extreme at -code, so its scale has the opposite sign.
            let inverse = (code + offset) * (end == 0 ? -reciprocal : reciprocal)
            let (xc, cc) = sums(x, vectors, inverse: inverse, low: low, high: high)
            if xc * xc * bestCC > bestXC * bestXC * cc { (bestXC, bestCC) = (xc, cc) }
            offset += step
        }
    }
    for _ in 0..<turns {
        guard bestXC != 0 else { return 0 }
        let (xc, cc) = sums(x, vectors, inverse: bestCC / bestXC, low: low, high: high)
        guard xc * xc * bestCC > bestXC * bestXC * cc else { break }
        (bestXC, bestCC) = (xc, cc)
    }
    return bestXC / bestCC
}

/// The squared error of the codes nearest to `x / scale`.
@inline(__always)
func symmetricError(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, scale: Float, low: Float, high: Float
) -> Float {
    guard scale != 0 else { return squares(x, vectors) }
    let inverse = 1 / scale
    var sum = Lanes.zero
    for index in 0..<vectors {
        let codes = (x[index] * inverse).limited(low, high).nearest
        let rest = x[index] - codes * scale
        sum += rest * rest
    }
    return sum.total
}

/// Writes the codes nearest to `x / scale`, each plus `bias`, as bytes. Gives <x, c> and <c, c>.
@inline(__always) @discardableResult
func symmetricCodes(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, scale: Float, low: Float, high: Float, bias: Float,
    into out: UnsafeMutablePointer<UInt8>
) -> (xc: Float, cc: Float) {
    let inverse = scale == 0 ? 0 : 1 / scale
    var xc = Lanes.zero
    var cc = Lanes.zero
    for index in 0..<vectors {
        let codes = (x[index] * inverse).limited(low, high).nearest
        store((codes + bias).bytes, out + index * 16)
        xc += x[index] * codes
        cc += codes * codes
    }
    return (xc.total, cc.total)
}

@inline(__always)
func store(_ bytes: SIMD16<UInt8>, _ out: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(out).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
}

@inline(__always)
func load(_ bytes: UnsafePointer<UInt8>) -> SIMD16<UInt8> {
    UnsafeRawPointer(bytes).loadUnaligned(as: SIMD16<UInt8>.self)
}
