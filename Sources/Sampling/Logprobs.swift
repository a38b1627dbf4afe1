/// Log probabilities of the model's own distribution.
enum Logprobs {
    /// ln Σ e^(logit − peak) of all tokens. The sum is of whole units, so it has one value; the
    /// cut to units changes the logarithm by less than 10⁻⁷.
    static func logTotal(_ logits: UnsafeBufferPointer<Float>, peak: Float, _ buffer: inout [Float])
        -> Double
    {
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: logits)
        let units = buffer.withUnsafeMutableBufferPointer { values in
            Weights.fromLogits(values, peak: peak, temperature: 1)
            return Weights.total(UnsafeBufferPointer(values))
        }
        return logarithm(Double(units) / Weights.unitsPerWhole)
    }

    /// `token` with its log probability and the `count` likeliest.
    static func report(
        _ token: Int32, _ count: Int, _ logits: UnsafeBufferPointer<Float>, _ scan: LogitScan,
        _ workspace: inout SamplerWorkspace
    ) -> SampledToken {
        let logTotal = logTotal(logits, peak: scan.peak, &workspace.candidates.weights)
        func logprob(_ id: Int32) -> Float {
            Float(Double(logits[Int(id)]) - Double(scan.peak) - logTotal)
        }
        LogitScan.highest(
            count, logits, maxima: workspace.maxima, selector: &workspace.selector,
            into: &workspace.candidates.ids)
        let top = workspace.candidates.ids.sorted {
            let (left, right) = (logits[Int($0)], logits[Int($1)])
            return left > right || (left == right && $0 < $1)
        }
        return SampledToken(
            id: token, logprob: logprob(token),
            top: top.map { TokenLogprob(id: $0, logprob: logprob($0)) })
    }
}
