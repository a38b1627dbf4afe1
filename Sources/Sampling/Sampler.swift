/// Chooses tokens for one choice of one request: a pure function of the logits, the seed, the
/// choice and the index.
///
/// In order: the likeliest `topK` tokens are kept (ties to the lower id); logits are divided by the
/// temperature and become probabilities; those below `minP` times the likeliest are dropped; of
/// the rest, the likeliest whose sum first reaches `topP` of what is left are kept; one is drawn,
/// walking in the order of ids.
public struct Sampler: Sendable {
    private let parameters: SamplingParameters
    private let random: CounterRandom

    private struct Candidate {
        var id: Int32
        var logit: Float
        var weight: Float = 0

        /// Likelier, the lower id of equals.
        func precedes(_ other: Candidate) -> Bool {
            logit > other.logit || (logit == other.logit && id < other.id)
        }
    }

    /// A sampler for `choice`. Throws where a parameter is out of range.
    public init(parameters: SamplingParameters, choice: UInt32) throws(SamplingError) {
        try parameters.validate()
        self.parameters = parameters
        random = CounterRandom(seed: parameters.seed, choice: choice)
    }

    /// The token at `index` of this choice. `logits` holds one number per token id; −∞ makes a
    /// token impossible.
    public func sample(logits: [Float], index: UInt32) throws(SamplingError) -> Int32 {
        let best = try Self.likeliest(logits)
        guard parameters.temperature > 0, parameters.topK != 1 else { return best }
        var candidates = kept(logits)
        let peak = logits[Int(best)]
        var total: Float = 0
        for place in candidates.indices {
            // Subtracting first keeps a tiny temperature from overflowing.
            let weight = exponential((candidates[place].logit - peak) / parameters.temperature)
            candidates[place].weight = weight
            total += weight
        }
        // The likeliest has weight 1, so `minP` is compared as it is, and keeps at least that one.
        if parameters.minP > 0 {
            candidates.removeAll { $0.weight < parameters.minP }
            total = candidates.reduce(0) { $0 + $1.weight }
        }
        if parameters.topP < 1 {
            candidates = nucleus(candidates, total: total)
            total = candidates.reduce(0) { $0 + $1.weight }
        }
        let target = random.uniform(index: index) * total
        var sum: Float = 0
        var last = best
        for candidate in candidates where candidate.weight > 0 {
            sum += candidate.weight
            last = candidate.id
            if target < sum { return last }
        }
        // Rounding can leave the sum at the target: the last possible token it is.
        return last
    }

    /// The id of the highest logit, the lowest of equals; checks that all are numbers.
    static func likeliest(_ logits: [Float]) throws(SamplingError) -> Int32 {
        var best = -1
        var peak = -Float.infinity
        var faulty = -1
        logits.withUnsafeBufferPointer { buffer in
            for id in buffer.indices {
                let logit = buffer[id]
                // False for a value that is not a number as well.
                guard logit < .infinity else {
                    faulty = id
                    return
                }
                if logit > peak {
                    peak = logit
                    best = id
                }
            }
        }
        guard faulty < 0 else { throw .notANumber(token: faulty) }
        guard best >= 0 else { throw .nothingToSample }
        return Int32(best)
    }

    /// The `topK` likeliest in the order of ids, or all.
    private func kept(_ logits: [Float]) -> [Candidate] {
        var all: [Candidate] = []
        all.reserveCapacity(logits.count)
        for id in logits.indices where logits[id] > -.infinity {
            all.append(Candidate(id: Int32(id), logit: logits[id]))
        }
        guard parameters.topK > 0, parameters.topK < all.count else { return all }
        all.sort { $0.precedes($1) }
        all.removeLast(all.count - parameters.topK)
        all.sort { $0.id < $1.id }
        return all
    }

    /// The likeliest candidates whose weights first reach `topP` of `total`, in the order of ids.
    private func nucleus(_ candidates: [Candidate], total: Float) -> [Candidate] {
        let wanted = parameters.topP * total
        // Those below this share cannot be needed: all of them together weigh less than what may
        // be left out. It spares sorting a whole vocabulary.
        let floor = (total - wanted) / Float(candidates.count)
        var ordered = candidates.filter { $0.weight >= floor }
        ordered.sort { $0.precedes($1) }
        var sum: Float = 0
        var count = 0
        for candidate in ordered {
            sum += candidate.weight
            count += 1
            if sum >= wanted { break }
        }
        ordered.removeLast(ordered.count - count)
        ordered.sort { $0.id < $1.id }
        return ordered
    }
}
