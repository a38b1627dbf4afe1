import Kernels

/// Rotary positions (RoFormer, Su et al. 2021): pair i of a head turns by position * base^(-2i/d).
///
/// Angles are computed in double precision by own series (`Kernels.Elementary`), never by the C
/// library, whose results differ between machines; the sines and cosines are then rounded once.
struct RotaryTable: Sendable {
    /// Radians per position, for each pair.
    let frequencies: [Double]
    /// Which elements pair up.
    let pairing: RotaryConfiguration.Pairing
    private let magnitude: Double

    /// - Parameter factors: what frequencies are divided by, one per pair (`rope_freqs.weight`, the
    ///   scaling of Llama 3; `rope_factors_*.weight`, that of LongRoPE); empty for none.
    init(_ c: RotaryConfiguration, factors: [Float]) {
        pairing = c.pairing
        var magnitude = Double(c.magnitude)
        if case .yarn(let yarn) = c.scaling {
            magnitude *= 1 + 0.1 * Elementary.log(Double(yarn.factor))
        }
        self.magnitude = magnitude
        frequencies = (0..<c.dimension / 2).map { pair in
            let exponent = -Double(2 * pair) / Double(c.dimension)
            let base = Elementary.pow(Double(c.base), exponent)
            let frequency = base / (factors.isEmpty ? 1 : Double(factors[pair]))
            return frequency * Self.share(of: pair, c)
        }
    }

    /// What scaling leaves of a pair's frequency.
    private static func share(of pair: Int, _ c: RotaryConfiguration) -> Double {
        switch c.scaling {
        case .none: return 1
        case .linear(let factor): return 1 / Double(factor)
        case .yarn(let yarn):
            // The pair that makes `turns` turns over the original context.
            func pairTurning(_ turns: Float) -> Double {
                let circle = 2 * Double.pi * Double(turns)
                return Double(c.dimension) * Elementary.log(Double(yarn.originalContext) / circle)
                    / (2 * Elementary.log(Double(c.base)))
            }
            let low = max(pairTurning(yarn.fast).rounded(.down), 0)
            let high = min(pairTurning(yarn.slow).rounded(.up), Double(c.dimension - 1))
            let ramp = (Double(pair) - low) / max(0.001, high - low)
            let kept = 1 - min(1, max(0, ramp))
            return kept + (1 - kept) / Double(yarn.factor)
        }
    }

    /// Pairs that turn.
    var pairCount: Int { frequencies.count }

    /// Writes the cosines and sines of `position`, ``pairCount`` of each.
    func fill(
        position: Int, cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>
    ) {
        for (pair, frequency) in frequencies.enumerated() {
            let (sine, cosine) = Elementary.sinCos(Double(position) * frequency)
            cosines[pair] = Float(cosine * magnitude)
            sines[pair] = Float(sine * magnitude)
        }
    }

    /// Turns one head in place.
    func turn(
        _ head: UnsafeMutablePointer<Float>, cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>, kernels: KernelTable
    ) {
        switch pairing {
        case .neighbours:
            kernels.rotate(head, cosines: cosines, sines: sines, pairs: pairCount)
        case .halves:
            kernels.rotateHalves(head, cosines: cosines, sines: sines, pairs: pairCount)
        }
    }
}
