import Foundation

@testable import Sampling

/// A sampler as the definitions read: whole sorts, sums in double precision, the system's `exp`.
struct Oracle {
    var parameters: SamplingParameters

    /// The ids that the rules leave, with their probabilities, the likeliest first.
    func distribution(
        _ logits: [Float], history: [Int32] = [], answered: Int = 0, allowed: TokenMask? = nil
    ) -> [(id: Int, probability: Double)] {
        var logits = logits.map(Double.init)
        for (id, bias) in parameters.logitBias where Int(id) < logits.count {
            logits[Int(id)] += Double(bias)
        }
        let window = parameters.repetitionWindow == 0 ? history.count : parameters.repetitionWindow
        for id in Set(history.suffix(window)) {
            let penalty = Double(parameters.repetitionPenalty)
            logits[Int(id)] *= logits[Int(id)] > 0 ? 1 / penalty : penalty
        }
        for id in history.suffix(answered) {
            logits[Int(id)] -= Double(parameters.frequencyPenalty)
        }
        for id in Set(history.suffix(answered)) {
            logits[Int(id)] -= Double(parameters.presencePenalty)
        }
        var order = logits.indices.filter { allowed?.contains(Int32($0)) ?? true }
        order.sort { logits[$0] > logits[$1] || (logits[$0] == logits[$1] && $0 < $1) }
        if parameters.topK > 0 { order = Array(order.prefix(parameters.topK)) }
        let temperature = Double(parameters.temperature)
        let peak = logits[order[0]]
        var left = order.map {
            (id: $0, probability: exp((logits[$0] - peak) / temperature))
        }
        // The likeliest has 1 here.
        left.removeAll { $0.probability < Double(parameters.minP) }
        normalise(&left)
        if parameters.typicalP < 1 {
            let entropy = left.reduce(0) { $0 - $1.probability * log($1.probability) }
            let surprising = left.sorted {
                abs(-log($0.probability) - entropy) < abs(-log($1.probability) - entropy)
            }
            left = Self.prefix(surprising, reaching: Double(parameters.typicalP))
            left.sort { $0.probability > $1.probability }
            normalise(&left)
        }
        if parameters.topP < 1 {
            left = Self.prefix(left, reaching: Double(parameters.topP))
            normalise(&left)
        }
        return left
    }

    private func normalise(_ left: inout [(id: Int, probability: Double)]) {
        let total = left.reduce(0) { $0 + $1.probability }
        for place in left.indices { left[place].probability /= total }
    }

    private static func prefix(
        _ ordered: [(id: Int, probability: Double)], reaching share: Double
    ) -> [(id: Int, probability: Double)] {
        var sum: Double = 0
        var count = 0
        while count < ordered.count, sum < share || count == 0 {
            sum += ordered[count].probability
            count += 1
        }
        return Array(ordered.prefix(count))
    }
}

/// Random numbers for tests, the same in every run.
struct TestRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

    /// splitmix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// A number in `range`.
    mutating func next(_ range: ClosedRange<Float>) -> Float {
        let unit = Float(next() >> 40) * 0x1p-24
        return range.lowerBound + (range.upperBound - range.lowerBound) * unit
    }

    /// A number from 0 to below `bound`.
    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
