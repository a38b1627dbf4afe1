// Q2_K, Q4_K and Q5_K: 256 weights in sub-blocks of 16 or 32. Each sub-block has two whole numbers,
// multiples of two half-precision numbers: value = scale * m * code - offset * n.
//
// As for the symmetric formats: sub-blocks alone first, then the two shared numbers, then each
// sub-block's pair of multiples near its own that errs least, then the shared numbers again by
// least squares over the whole block, kept if that helps.

/// What an affine format's codes and multiples may be.
struct AffineLevels {
    /// Vectors of 16 in a sub-block.
    var vectors: Int
    /// The largest code.
    var levels: Float
    /// The largest multiple.
    var multiple: Float
    var from: Float
    var reach: Float
    var step: Float

    var blocks: Int { 16 / vectors }
}

/// Multiples for one choice of the shared numbers, and the squared error they leave.
struct AffineChoice {
    var scaleBits: UInt16
    var offsetBits: UInt16
    var scales = SIMD16<Float>.zero
    var offsets = SIMD16<Float>.zero
    var error: Float = 0
}

@inline(__always)
private func choose(
    _ x: UnsafePointer<Lanes>, scaleBits: UInt16, offsetBits: UInt16,
    _ wantedScales: SIMD16<Float>, _ wantedOffsets: SIMD16<Float>, _ levels: AffineLevels
) -> AffineChoice {
    var choice = AffineChoice(scaleBits: scaleBits, offsetBits: offsetBits)
    let scale = Half.value(scaleBits)
    let offset = Half.value(offsetBits)
    let nearScales =
        (wantedScales * (scale == 0 ? 0 : 1 / scale)).limited(0, levels.multiple).nearest
    let nearOffsets =
        (wantedOffsets * (offset == 0 ? 0 : 1 / offset)).limited(0, levels.multiple).nearest
    for block in 0..<levels.blocks {
        let vector = x + block * levels.vectors
        var least = Float.infinity
        let lastScale = min(nearScales[block] + 1, scale == 0 ? 0 : levels.multiple)
        let lastOffset = min(nearOffsets[block] + 1, offset == 0 ? 0 : levels.multiple)
        var n = max(nearOffsets[block] - 1, 0)
        while n <= lastOffset {
            var m = max(nearScales[block] - 1, 0)
            while m <= lastScale {
                let error = affineError(
                    vector, levels.vectors, scale: scale * m, offset: -(offset * n),
                    levels: levels.levels)
                if error < least {
                    least = error
                    choice.scales[block] = m
                    choice.offsets[block] = n
                }
                m += 1
            }
            n += 1
        }
        choice.error += least
    }
    return choice
}

/// Fits 256 weights. Writes the codes into `codes`.
@inline(__always)
func affineSuperblock(
    _ x: UnsafePointer<Lanes>, _ levels: AffineLevels, codes: UnsafeMutablePointer<UInt8>
) -> AffineChoice {
    var scales = SIMD16<Float>.zero
    var offsets = SIMD16<Float>.zero
    for block in 0..<levels.blocks {
        let fit = affineFit(
            x + block * levels.vectors, levels.vectors, levels: levels.levels, notAbove: 0,
            from: levels.from, reach: levels.reach, step: levels.step, turns: 2)
        scales[block] = fit.scale
        offsets[block] = -fit.offset
    }
    var best = choose(
        x, scaleBits: Half.scaleBits(scales.max() / levels.multiple),
        offsetBits: Half.scaleBits(offsets.max() / levels.multiple), scales, offsets, levels)
    var shared = write(x, best, levels, codes)
    for _ in 0..<2 {
        let scaleBits = Half.scaleBits(shared.scale)
        let offsetBits = Half.scaleBits(shared.offset)
        guard scaleBits != best.scaleBits || offsetBits != best.offsetBits else { break }
        let found = choose(
            x, scaleBits: scaleBits, offsetBits: offsetBits, scales, offsets, levels)
        guard found.error < best.error else { break }
        best = found
        shared = write(x, best, levels, codes)
    }
    return best
}

/// Writes the codes of a choice; gives the shared numbers that fit codes and multiples best.
@inline(__always)
private func write(
    _ x: UnsafePointer<Lanes>, _ choice: AffineChoice, _ levels: AffineLevels,
    _ codes: UnsafeMutablePointer<UInt8>
) -> (scale: Float, offset: Float) {
    let scale = Half.value(choice.scaleBits)
    let offset = Half.value(choice.offsetBits)
    // With a = m * code and b = n: |x - scale * a + offset * b|^2.
    var (xa, xb, aa, ab, bb): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
    for block in 0..<levels.blocks {
        let (m, n) = (choice.scales[block], choice.offsets[block])
        let sums = affineCodes(
            x + block * levels.vectors, levels.vectors, scale: scale * m, offset: -(offset * n),
            levels: levels.levels, into: codes + block * levels.vectors * 16)
        xa += m * sums.xc
        xb += n * sums.x
        aa += m * m * sums.cc
        ab += m * n * sums.c
        bb += n * n * Float(levels.vectors * 16)
    }
    let determinant = aa * bb - ab * ab
    if determinant > 0 {
        let fitted = (xa * bb - xb * ab) / determinant
        let shift = (xa * ab - xb * aa) / determinant
        if fitted > 0, shift >= 0 { return (fitted, shift) }
    }
    if bb == 0, aa > 0, xa > 0 { return (xa / aa, 0) }
    return (scale, offset)
}
