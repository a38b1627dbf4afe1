/// Chooses tokens for one choice of one request: a pure function of the logits, the tokens so far,
/// what is allowed, the seed, the choice and the index.
///
/// In this order:
/// 1. `logitBias` is added to logits.
/// 2. The repetition penalty divides positive and multiplies other logits of tokens in the last
///    `repetitionWindow` tokens of prompt and answer; the presence and frequency penalties are taken
///    off those of tokens in the answer.
/// 3. Tokens that the constraint does not allow become impossible.
/// 4. At temperature 0, or with `topK` 1, the likeliest token is taken.
/// 5. The likeliest `topK` tokens are kept.
/// 6. Logits are divided by the temperature and become probabilities. Each rule from here on sees
///    what the ones before left, as if that were all.
/// 7. Those below `minP` times the likeliest are dropped.
/// 8. Locally typical sampling (Meister et al. 2022): those whose surprise, −ln p, is nearest the
///    expected one are kept until their sum reaches `typicalP`.
/// 9. The likeliest whose sum first reaches `topP` are kept, at least one.
/// 10. One is drawn, walking in the order of ids.
///
/// Of equals, the lower id is kept and taken.
public struct Sampler: Sendable {
    private let parameters: SamplingParameters
    private let penalties: Penalties
    private let random: CounterRandom
    private var workspace = SamplerWorkspace()

    /// A sampler for `choice`. Throws where a parameter is out of range.
    public init(parameters: SamplingParameters, choice: UInt32) throws(SamplingError) {
        try parameters.validate()
        self.parameters = parameters
        penalties = Penalties(parameters: parameters)
        random = CounterRandom(seed: parameters.seed, choice: choice)
    }

    /// The token at `index` of this choice. `logits` holds one number per token id; −∞ makes a
    /// token impossible. For rules that need the tokens so far or log probabilities, use
    /// ``sample(logits:index:history:allowed:)``.
    public func sample(logits: [Float], index: UInt32) throws(SamplingError) -> Int32 {
        var workspace = SamplerWorkspace()
        return try sample(logits: logits, index: index, history: [], workspace: &workspace).id
    }

    /// The token at `index` of this choice, in memory of this sampler's own.
    ///
    /// - Parameters:
    ///   - logits: one number per token id; −∞ makes a token impossible.
    ///   - index: how many tokens the answer has so far.
    ///   - history: the prompt's tokens and then the answer's; its last `index` are the answer's.
    ///   - allowed: what the constraint allows; nil for every token.
    public mutating func sample(
        logits: [Float], index: UInt32, history: [Int32], allowed: TokenMask? = nil
    ) throws(SamplingError) -> SampledToken {
        var workspace = workspace
        self.workspace = SamplerWorkspace()
        defer { self.workspace = workspace }
        return try sample(
            logits: logits, index: index, history: history, allowed: allowed,
            workspace: &workspace)
    }

    /// The same, with the logits of an array.
    public func sample(
        logits: [Float], index: UInt32, history: [Int32], allowed: TokenMask? = nil,
        workspace: inout SamplerWorkspace
    ) throws(SamplingError) -> SampledToken {
        let result = logits.withUnsafeBufferPointer { logits in
            Result { () throws(SamplingError) in
                try sample(
                    logits: logits, index: index, history: history, allowed: allowed,
                    workspace: &workspace)
            }
        }
        return try result.get()
    }

    /// The token at `index` of this choice, as ``sample(logits:index:history:allowed:)`` gives it,
    /// in memory that samplers can share.
    public func sample(
        logits: UnsafeBufferPointer<Float>, index: UInt32, history: [Int32],
        allowed: TokenMask? = nil, workspace: inout SamplerWorkspace
    ) throws(SamplingError) -> SampledToken {
        let raw = try LogitScan(logits, maxima: &workspace.maxima)
        let token: Int32
        if penalties.isActive || allowed != nil {
            // Moved out, so that the rest of the workspace can be changed while it is read.
            var adjusted = workspace.adjusted
            workspace.adjusted = []
            defer { workspace.adjusted = adjusted }
            adjusted.removeAll(keepingCapacity: true)
            adjusted.append(contentsOf: logits)
            penalties.apply(
                to: &adjusted, history: history, answered: Int(index), counts: &workspace.counts)
            if let allowed { Penalties.restrict(&adjusted, to: allowed) }
            let result = adjusted.withUnsafeBufferPointer { adjusted in
                Result { () throws(SamplingError) in
                    let scan = try LogitScan(adjusted, maxima: &workspace.maxima)
                    return choose(adjusted, scan, index, &workspace)
                }
            }
            token = try result.get()
        } else {
            token = choose(logits, raw, index, &workspace)
        }
        guard let count = parameters.logprobs else { return SampledToken(id: token) }
        if penalties.isActive || allowed != nil {
            _ = try LogitScan(logits, maxima: &workspace.maxima)
        }
        return Logprobs.report(token, count, logits, raw, &workspace)
    }

    /// Steps 4 to 10.
    private func choose(
        _ logits: UnsafeBufferPointer<Float>, _ scan: LogitScan, _ index: UInt32,
        _ workspace: inout SamplerWorkspace
    ) -> Int32 {
        guard parameters.temperature > 0, parameters.topK != 1 else { return scan.best }
        var candidates = workspace.candidates
        workspace.candidates = Candidates()
        defer { workspace.candidates = candidates }
        consider(logits, scan, &candidates, &workspace)
        // The likeliest has weight 1 until the typical ones are chosen.
        if parameters.minP > 0 { candidates.drop(below: parameters.minP) }
        var total = candidates.total
        if parameters.typicalP < 1 {
            keepTypical(logits, scan, &candidates, total, &workspace.selector)
            total = candidates.total
        }
        if parameters.topP < 1 {
            keepNucleus(&candidates, total, &workspace.selector)
            total = candidates.total
        }
        return draw(candidates, total, index)
    }

    /// Fills `candidates` with the `topK` likeliest, or all, and their weights.
    private func consider(
        _ logits: UnsafeBufferPointer<Float>, _ scan: LogitScan, _ candidates: inout Candidates,
        _ workspace: inout SamplerWorkspace
    ) {
        candidates.weights.removeAll(keepingCapacity: true)
        candidates.isListed = parameters.topK > 0 && parameters.topK < logits.count
        if candidates.isListed {
            LogitScan.highest(
                parameters.topK, logits, maxima: workspace.maxima, selector: &workspace.selector,
                into: &candidates.ids)
            for id in candidates.ids { candidates.weights.append(logits[Int(id)]) }
        } else {
            candidates.weights.append(contentsOf: logits)
        }
        candidates.weights.withUnsafeMutableBufferPointer {
            Weights.fromLogits($0, peak: scan.peak, temperature: parameters.temperature)
        }
    }

    /// The weight that is `share` of `total`, rounded up, and at least one unit.
    private func wanted(_ share: Float, of total: UInt64) -> UInt64 {
        let units = (Double(share) * Double(total)).rounded(.up)
        return max(1, min(total, UInt64(units)))
    }

    /// Keeps the likeliest that reach `topP`.
    private func keepNucleus(
        _ candidates: inout Candidates, _ total: UInt64, _ selector: inout Selector
    ) {
        let wanted = wanted(parameters.topP, of: total)
        // Those below this share cannot be needed: all of them together weigh less than what may
        // be left out. It spares looking at a whole vocabulary.
        let floor = Double(total - wanted) / Double(candidates.weights.count)
        candidates.drop(
            below: max(.leastNonzeroMagnitude, Float(floor / Weights.unitsPerWhole) * 0.999))
        let weights = candidates.weights
        selector.load(weights.count) { ~weights[$0].bitPattern }
        guard let border = selector.border(wanted: wanted, weight: { Weights.units(weights[$0]) })
        else { return }
        candidates.keep(selector, border)
    }

    /// Keeps the typical that reach `typicalP`. Surprise is ln total − x with x = (logit − peak) /
    /// temperature, and the expected surprise ln total − Σ w·x / Σ w: their distance needs no
    /// logarithm.
    private func keepTypical(
        _ logits: UnsafeBufferPointer<Float>, _ scan: LogitScan, _ candidates: inout Candidates,
        _ total: UInt64, _ selector: inout Selector
    ) {
        candidates.drop(below: .leastNonzeroMagnitude)
        let (ids, weights) = (candidates.ids, candidates.weights)
        func scaled(_ place: Int) -> Float {
            (logits[Int(ids[place])] - scan.peak) / parameters.temperature
        }
        var sum: Double = 0
        for place in weights.indices { sum += Double(weights[place]) * Double(scaled(place)) }
        let mean = sum / (Double(total) / Weights.unitsPerWhole)
        selector.load(weights.count) { Float(abs(Double(scaled($0)) - mean)).bitPattern }
        guard
            let border = selector.border(
                wanted: wanted(parameters.typicalP, of: total),
                weight: { Weights.units(weights[$0]) })
        else { return }
        candidates.keep(selector, border)
    }

    /// Draws one candidate: the first whose running sum is above a random number below `total`.
    private func draw(_ candidates: Candidates, _ total: UInt64, _ index: UInt32) -> Int32 {
        // The high half of the product is uniform below `total`.
        var target = random.bits(index: index).multipliedFullWidth(by: total).high
        let place = candidates.weights.withUnsafeBufferPointer { weights in
            for start in stride(from: 0, to: weights.count, by: 512) {
                let part = start..<min(start + 512, weights.count)
                let sum = Weights.total(UnsafeBufferPointer(rebasing: weights[part]))
                guard target < sum else {
                    target -= sum
                    continue
                }
                for place in part {
                    let units = Weights.units(weights[place])
                    if target < units { return place }
                    target -= units
                }
            }
            // Not reached: the target is below the sum of all.
            return weights.count - 1
        }
        return candidates.id(place)
    }
}
