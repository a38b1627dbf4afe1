// The scale and offset of codes 0...levels that stand for value = scale * code + offset.
//
// For given codes both follow from a 2 x 2 system of least squares. Scales are tried around the
// one that spans the range; each try gives codes, the codes give scale and offset, and those with
// the least error win. The winner is then improved by turns.

/// A scale and an offset, and by how much they lower the squared error from |x|^2.
struct AffineFit {
    var scale: Float
    var offset: Float
    var gain: Float
}

/// The best scale and offset for the codes nearest to `(x - offset) * inverse`.
@inline(__always)
private func fit(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, inverse: Float, offset: Float, levels: Float,
    sum: Float, notAbove ceiling: Float
) -> AffineFit {
    var xc = Lanes.zero
    var cc = Lanes.zero
    var c = Lanes.zero
    for index in 0..<vectors {
        let codes = ((x[index] - offset) * inverse).limited(0, levels).nearest
        xc += x[index] * codes
        cc += codes * codes
        c += codes
    }
    let (sumXC, sumCC, sumC) = (xc.total, cc.total, c.total)
    let count = Float(vectors * 16)
    let determinant = count * sumCC - sumC * sumC
    guard determinant > 0 else {
        // All codes alike: a mean, or where that may not be, a scale above the ceiling.
        let mean = sum / count
        if mean > ceiling, sumCC > 0 {
            let scale = (sumXC - ceiling * sumC) / sumCC
            return AffineFit(scale: scale, offset: ceiling, gain: mean * sum)
        }
        let offset = min(mean, ceiling)
        return AffineFit(scale: 0, offset: offset, gain: offset * (2 * sum - count * offset))
    }
    var scale = (count * sumXC - sum * sumC) / determinant
    var shift = (sumCC * sum - sumC * sumXC) / determinant
    if shift > ceiling {
        shift = ceiling
        scale = (sumXC - shift * sumC) / sumCC
    }
    let gain =
        2 * (scale * sumXC + shift * sum)
        - (scale * scale * sumCC + 2 * scale * shift * sumC + count * shift * shift)
    return AffineFit(scale: scale, offset: shift, gain: gain)
}

/// The scale (not negative) and offset whose codes `0...levels` fit `x` best.
///
/// - Parameter ceiling: the offset is at most this: 0 where the format subtracts it.
@inline(__always)
func affineFit(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, levels: Float, notAbove ceiling: Float,
    from: Float, reach: Float, step: Float, turns: Int
) -> AffineFit {
    var (least, greatest) = range(x, vectors)
    guard max(greatest, -least) > QuantisationLimits.magnitudeMin else {
        return AffineFit(scale: 0, offset: 0, gain: 0)
    }
    var total = Lanes.zero
    for index in 0..<vectors { total += x[index] }
    let sum = total.total
    least = min(least, ceiling)
    guard greatest - least > QuantisationLimits.magnitudeMin else {
        return AffineFit(scale: 0, offset: least, gain: 0)
    }
    var best = AffineFit(scale: 0, offset: 0, gain: -.infinity)
    let reciprocal = 1 / (greatest - least)
    var beyond = from
    while beyond <= reach {
        let found = fit(
            x, vectors, inverse: (levels + beyond) * reciprocal, offset: least, levels: levels,
            sum: sum, notAbove: ceiling)
        if found.gain > best.gain, found.scale >= 0 { best = found }
        beyond += step
    }
    for _ in 0..<turns {
        guard best.scale > QuantisationLimits.magnitudeMin / 256 else { break }
        let found = fit(
            x, vectors, inverse: 1 / best.scale, offset: best.offset, levels: levels, sum: sum,
            notAbove: ceiling)
        guard found.gain > best.gain, found.scale >= 0 else { break }
        best = found
    }
    return best
}

/// The squared error of the codes nearest to `(x - offset) / scale`.
@inline(__always)
func affineError(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, scale: Float, offset: Float, levels: Float
) -> Float {
    let inverse = scale == 0 ? 0 : 1 / scale
    var sum = Lanes.zero
    for index in 0..<vectors {
        let shifted = x[index] - offset
        let codes = (shifted * inverse).limited(0, levels).nearest
        let rest = shifted - codes * scale
        sum += rest * rest
    }
    return sum.total
}

/// What a row of codes says about the scale and offset that fit it best.
struct AffineSums {
    var xc: Float
    var cc: Float
    var c: Float
    var x: Float
}

/// Writes the codes nearest to `(x - offset) / scale` as bytes.
@inline(__always) @discardableResult
func affineCodes(
    _ x: UnsafePointer<Lanes>, _ vectors: Int, scale: Float, offset: Float, levels: Float,
    into out: UnsafeMutablePointer<UInt8>
) -> AffineSums {
    let inverse = scale == 0 ? 0 : 1 / scale
    var xc = Lanes.zero
    var cc = Lanes.zero
    var c = Lanes.zero
    var total = Lanes.zero
    for index in 0..<vectors {
        let codes = ((x[index] - offset) * inverse).limited(0, levels).nearest
        store(codes.bytes, out + index * 16)
        xc += x[index] * codes
        cc += codes * codes
        c += codes
        total += x[index]
    }
    return AffineSums(xc: xc.total, cc: cc.total, c: c.total, x: total.total)
}
