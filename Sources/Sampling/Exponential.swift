/// eˣ for x ≤ 0, the same bits on every machine: no libm (see the numerics id), no fused
/// operations, which Swift never introduces by itself.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; eʳ is the Taylor polynomial of degree 7, whose error there
/// is below 6·10⁻⁹, a tenth of the last place of a single. Below −87 the result is 0: such a token
/// is less likely than any draw can hit.
func exponential(_ x: Float) -> Float {
    guard x > -87 else { return 0 }
    let scaled = (x * 1.442_695).rounded(.toNearestOrEven)
    // ln 2 in two parts, the first with few bits, so that n · high is exact.
    let remainder = (x - scaled * 0.693_359_375) - scaled * -2.121_944_4e-4
    var sum: Float = 1 / 5040
    sum = sum * remainder + 1 / 720
    sum = sum * remainder + 1 / 120
    sum = sum * remainder + 1 / 24
    sum = sum * remainder + 1 / 6
    sum = sum * remainder + 0.5
    sum = sum * remainder + 1
    sum = sum * remainder + 1
    // In range: −126 ≤ n ≤ 0.
    return sum * Float(bitPattern: UInt32(Int32(scaled) + 127) << 23)
}
