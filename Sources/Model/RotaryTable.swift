import Kernels

/// Rotary positions (RoFormer, Su et al. 2021): pair i of a head turns by position * base^(-2i/d).
///
/// Angles are computed in double precision by own series (`Kernels.Elementary`), never by the C
/// library, whose results differ between machines; the sines and cosines are then rounded once.
struct RotaryTable: Sendable {
    /// Radians per position, for each pair.
    let frequencies: [Double]

    /// - Parameter factors: what frequencies are divided by, one per pair (`rope_freqs.weight`, the
    ///   scaling of Llama 3); empty for none.
    init(configuration: ModelConfiguration, factors: [Float]) {
        let pairs = configuration.ropeDimension / 2
        frequencies = (0..<pairs).map { pair in
            let exponent = -Double(2 * pair) / Double(configuration.ropeDimension)
            let base = Elementary.pow(Double(configuration.ropeBase), exponent)
            let factor = factors.isEmpty ? 1 : Double(factors[pair])
            return base / factor / Double(configuration.ropeScale)
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
            cosines[pair] = Float(cosine)
            sines[pair] = Float(sine)
        }
    }
}
