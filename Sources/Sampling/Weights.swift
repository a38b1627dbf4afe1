/// Weights: how likely tokens are, as a multiple of the likeliest, between 0 and 1. Their sums are
/// taken over whole numbers of 2⁻⁴³, nearest even: exact, so no order of summing matters, and
/// within 64 bits for ``SamplingLimits/vocabularyMax`` tokens.
enum Weights {
    /// How many units the likeliest token weighs.
    static let unitsPerWhole: Double = 0x1p43

    /// The weight in units. Above 2⁵² a double's spacing is 1, so adding it rounds.
    @inline(__always)
    static func units(_ weight: Float) -> UInt64 {
        (Double(weight) * unitsPerWhole + 0x1p52).bitPattern & (1 << 52 - 1)
    }

    /// The sum of the weights, in units.
    @inline(__always)
    static func total(_ weights: UnsafeBufferPointer<Float>) -> UInt64 {
        var sum: UInt64 = 0
        for weight in weights { sum &+= units(weight) }
        return sum
    }

    /// Replaces each logit by e^((logit − peak) / temperature); subtracting first keeps a tiny
    /// temperature from overflowing. No logit is above `peak`.
    static func fromLogits(
        _ values: UnsafeMutableBufferPointer<Float>, peak: Float, temperature: Float
    ) {
        guard let base = values.baseAddress else { return }
        let peaks = Lanes(repeating: peak)
        let temperatures = Lanes(repeating: temperature)
        let raw = UnsafeMutableRawPointer(base)
        let whole = values.count / 16 * 16
        for start in stride(from: 0, to: whole, by: 16) {
            let logits = raw.loadUnaligned(fromByteOffset: start * 4, as: Lanes.self)
            let weights = exponential((logits - peaks) / temperatures)
            raw.storeBytes(of: weights, toByteOffset: start * 4, as: Lanes.self)
        }
        for place in whole..<values.count {
            values[place] = exponential((values[place] - peak) / temperature)
        }
    }
}

/// The tokens still considered, in the order of ids, with their weights.
struct Candidates: Sendable {
    /// The ids; unused while every token of the vocabulary is a candidate.
    var ids: [Int32] = []
    /// Whether `ids` says which tokens these are; else the place is the id.
    var isListed = false
    /// The weights, or on the way there the logits.
    var weights: [Float] = []

    /// The token at `place`.
    @inline(__always)
    func id(_ place: Int) -> Int32 { isListed ? ids[place] : Int32(place) }

    /// The sum of the weights, in units.
    var total: UInt64 { weights.withUnsafeBufferPointer { Weights.total($0) } }

    /// Leaves only the candidates with at least weight `floor`, which is above 0.
    mutating func drop(below floor: Float) {
        if !isListed {
            listAll(above: floor)
            return
        }
        var count = 0
        for place in weights.indices where weights[place] >= floor {
            ids[count] = ids[place]
            weights[count] = weights[place]
            count += 1
        }
        truncate(count)
    }

    /// Leaves only the candidates that `selector` keeps, which are its elements.
    mutating func keep(_ selector: Selector, _ border: Selector.Border) {
        if !isListed {
            ids = Array(0..<Int32(weights.count))
            isListed = true
        }
        let count = ids.withUnsafeMutableBufferPointer { ids in
            weights.withUnsafeMutableBufferPointer { weights in
                var count = 0
                selector.kept(border, weight: { Weights.units(weights[$0]) }) { place in
                    ids[count] = ids[place]
                    weights[count] = weights[place]
                    count += 1
                }
                return count
            }
        }
        truncate(count)
    }

    private mutating func truncate(_ count: Int) {
        ids.removeLast(ids.count - count)
        weights.removeLast(weights.count - count)
    }

    /// From the whole vocabulary to a list of those of at least weight `floor`.
    private mutating func listAll(above floor: Float) {
        if ids.count < weights.count {
            ids = [Int32](repeating: 0, count: weights.count)
        }
        let count = ids.withUnsafeMutableBufferPointer { ids in
            weights.withUnsafeMutableBufferPointer { weights in
                guard let base = weights.baseAddress else { return 0 }
                var count = 0
                // Written in any case, kept where it counts: chance can't mislead a branch that
                // is not there. A weight moves down to a place already read.
                func take(_ place: Int) {
                    let weight = weights[place]
                    ids[count] = Int32(truncatingIfNeeded: place)
                    weights[count] = weight
                    count &+= weight >= floor ? 1 : 0
                }
                let floors = Lanes(repeating: floor)
                let whole = weights.count / 16 * 16
                for start in stride(from: 0, to: whole, by: 16) {
                    // Most of a vocabulary is far below: sixteen at once.
                    guard any(LogitScan.load(base + start) .>= floors) else { continue }
                    for place in start..<start + 16 { take(place) }
                }
                for place in whole..<weights.count { take(place) }
                return count
            }
        }
        truncate(count)
        isListed = true
    }
}
