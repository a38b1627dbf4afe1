// Q3_K and Q6_K: 256 weights in 16 sub-blocks of 16. Each sub-block has a signed whole number, its
// multiple, of one half-precision scale: value = scale * multiple * code.
//
// Sub-blocks are fitted alone, the scale is chosen so that the largest of theirs takes the extreme
// multiple, and then each sub-block takes the multiple near its own that errs least. With codes
// and multiples known the scale itself follows by least squares; the turn is kept if it helps.

/// What a symmetric format's codes and multiples may be.
struct SymmetricLevels {
    var low: Float
    var high: Float
    var multipleLow: Float
    var multipleHigh: Float
    var from: Float
    var reach: Float
    var step: Float
    /// How far from the nearest multiple others are tried.
    var spread: Float
}

/// Multiples for one choice of the scale, and the squared error they leave.
struct SymmetricChoice {
    var scaleBits: UInt16
    var multiples: SIMD16<Float>
    var error: Float
}

@inline(__always)
private func choose(
    _ x: UnsafePointer<Lanes>, scaleBits: UInt16, wanted: SIMD16<Float>, _ levels: SymmetricLevels
) -> SymmetricChoice {
    var choice = SymmetricChoice(scaleBits: scaleBits, multiples: .zero, error: 0)
    let scale = Half.value(scaleBits)
    let inverse = scale == 0 ? 0 : 1 / scale
    let nearest = (wanted * inverse).limited(levels.multipleLow, levels.multipleHigh).nearest
    for block in 0..<16 {
        let vector = x + block
        var best: Float = 0
        var least = Float.infinity
        var multiple = max(nearest[block] - levels.spread, levels.multipleLow)
        let last = min(nearest[block] + levels.spread, levels.multipleHigh)
        while multiple <= last {
            let error = symmetricError(
                vector, 1, scale: scale * multiple, low: levels.low, high: levels.high)
            if error < least { (least, best) = (error, multiple) }
            multiple += 1
        }
        choice.multiples[block] = best
        choice.error += least
    }
    return choice
}

/// Fits 256 weights. Writes each code plus `-low` into `codes`.
@inline(__always)
func symmetricSuperblock(
    _ x: UnsafePointer<Lanes>, _ levels: SymmetricLevels,
    codes: UnsafeMutablePointer<UInt8>
) -> SymmetricChoice {
    var wanted = SIMD16<Float>.zero
    var extreme: Float = 0
    for block in 0..<16 {
        let scale = symmetricScale(
            x + block, 1, low: levels.low, high: levels.high, from: levels.from,
            reach: levels.reach, step: levels.step, turns: 2)
        wanted[block] = scale
        if scale.magnitude > extreme.magnitude { extreme = scale }
    }
    var best = choose(
        x, scaleBits: Half.scaleBits(extreme / levels.multipleLow), wanted: wanted, levels)
    var sums = write(x, best, levels, codes)
    for _ in 0..<2 {
        guard sums.cc > 0 else { break }
        let bits = Half.scaleBits(sums.xc / sums.cc)
        guard bits != best.scaleBits else { break }
        let found = choose(x, scaleBits: bits, wanted: wanted, levels)
        guard found.error < best.error else { break }
        best = found
        sums = write(x, best, levels, codes)
    }
    return best
}

/// Writes the codes of a choice; gives <x, m c> and <m c, m c> for multiples m and codes c.
@inline(__always)
private func write(
    _ x: UnsafePointer<Lanes>, _ choice: SymmetricChoice, _ levels: SymmetricLevels,
    _ codes: UnsafeMutablePointer<UInt8>
) -> (xc: Float, cc: Float) {
    let scale = Half.value(choice.scaleBits)
    var sums: (xc: Float, cc: Float) = (0, 0)
    for block in 0..<16 {
        let multiple = choice.multiples[block]
        let found = symmetricCodes(
            x + block, 1, scale: scale * multiple, low: levels.low, high: levels.high,
            bias: -levels.low, into: codes + block * 16)
        sums.xc += multiple * found.xc
        sums.cc += multiple * multiple * found.cc
    }
    return sums
}
