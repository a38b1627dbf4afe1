/// Numbers worked on together. The width is a matter of speed: lanes never mix.
typealias Lanes = SIMD16<Float>

/// eˣ, lane by lane, for x ≤ 0; the same bits on every machine: no libm (see the numerics id), no
/// fused operations, which Swift never introduces by itself.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; eʳ is the Taylor polynomial of degree 7, whose error there
/// is below 6·10⁻⁹, a tenth of the last place of a single. Below −87 the result is 0: such a token
/// is less likely than any draw can hit.
@inline(__always)
func exponential(_ x: Lanes) -> Lanes {
    // Added to a number of small magnitude, 1.5 · 2²³ leaves the nearest whole number, the even
    // one of two, in the sum's low bits.
    let shift = Lanes(repeating: 0x1.8p23)
    let shifted = x * 1.442_695 + shift
    let scaled = shifted - shift
    // ln 2 in two parts, the first with few bits, so that n · high is exact.
    let remainder = (x - scaled * 0.693_359_375) - scaled * -2.121_944_4e-4
    var sum = Lanes(repeating: 1 / 5040)
    sum = sum * remainder + 1 / 720
    sum = sum * remainder + 1 / 120
    sum = sum * remainder + 1 / 24
    sum = sum * remainder + 1 / 6
    sum = sum * remainder + 0.5
    sum = sum * remainder + 1
    sum = sum * remainder + 1
    // Lanes with x > −87 have −126 ≤ n ≤ 0; what the others hold is thrown away.
    let whole = unsafeBitCast(shifted, to: SIMD16<UInt32>.self)
    let power = unsafeBitCast(
        (whole &- (Float(0x1.8p23).bitPattern &- 127)) &<< 23, to: Lanes.self)
    return (sum * power).replacing(with: 0, where: x .<= -87)
}

/// eˣ for x ≤ 0.
func exponential(_ x: Float) -> Float { exponential(Lanes(repeating: x))[0] }
