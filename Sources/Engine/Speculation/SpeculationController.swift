/// Whether guesses are tried.
public enum SpeculationMode: String, Sendable, Hashable, CaseIterable {
    /// Never.
    case off
    /// Wherever the text repeats itself.
    case on
    /// Where it was measured to pay.
    case auto
}

/// Bounds of speculation.
enum SpeculationLimits {
    /// The most tokens guessed at once.
    static let draftMax = 8
    /// Tokens guessed while it is not known what they cost.
    static let probeLength = 4
    /// The fewest tokens that must be alike for a guess.
    static let matchMin = 2
    /// The most that are compared.
    static let matchMax = 8
    /// How far back a sequence is searched, in tokens.
    static let lookBackMax = 8192
    /// Passes without guesses after those that did not pay, at first.
    static let restPasses = 16
    /// The same at last: it doubles each time.
    static let restPassesMax = 256
    /// How much more a step with guesses must promise to be tried.
    static let gainMin = 1.1
}

/// What is known of guesses in one sequence.
struct SpeculationRecord: Sendable, Hashable {
    /// How likely a guess holds, those before it having held. Begins as a hope, so that it is
    /// tried.
    var likelihood = 0.7
    /// Passes to go before guesses are tried again.
    var rest = 0
    /// Passes to rest when they fail again.
    var nextRest = SpeculationLimits.restPasses
}

/// Decides how many tokens to guess, from what guesses brought and what rows cost. Pure.
///
/// A step with S rows that takes T(S) makes S tokens. With k guesses for one sequence it takes
/// T(S + k) and is expected to make p + p² + … + pᵏ more, where p is how likely a guess holds
/// (Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023). The k
/// with the most tokens a second is taken, if that is clearly more than without.
///
/// T is a line through the steps measured, fitted by least squares with old ones fading. Guesses
/// never change tokens: each is kept only if it is what sampling gives in its place.
struct SpeculationController: Sendable {
    let mode: SpeculationMode
    // Faded sums over steps: of 1, rows, rows², seconds, rows · seconds.
    private var sums = (weight: 0.0, x: 0.0, xx: 0.0, y: 0.0, xy: 0.0)

    init(mode: SpeculationMode) { self.mode = mode }

    /// Takes note of a step that only decoded.
    mutating func measured(rows: Int, seconds: Double) {
        guard seconds > 0, seconds.isFinite else { return }
        let (x, fade) = (Double(rows), 0.97)
        sums = (
            sums.weight * fade + 1, sums.x * fade + x, sums.xx * fade + x * x,
            sums.y * fade + seconds, sums.xy * fade + x * seconds
        )
    }

    /// What a step of so many rows is expected to take; nil while all steps were alike.
    func seconds(rows: Int) -> Double? {
        let spread = sums.weight * sums.xx - sums.x * sums.x
        guard spread > 0.01 * sums.weight * sums.weight else { return nil }
        let slope = max(0, (sums.weight * sums.xy - sums.x * sums.y) / spread)
        let base = (sums.y - slope * sums.x) / sums.weight
        return max(base + slope * Double(rows), 1e-9)
    }

    /// How many tokens to guess for a sequence in a step of `sequences`; at most `limit`.
    func draftLength(_ record: inout SpeculationRecord, sequences: Int, limit: Int) -> Int {
        let most = min(limit, SpeculationLimits.draftMax)
        switch mode {
        case .off: return 0
        case .on: return most
        case .auto: break
        }
        guard record.rest == 0 else {
            record.rest -= 1
            // After the rest, once more with a likelihood that gives them a chance.
            if record.rest == 0 { record.likelihood = max(record.likelihood, 0.7) }
            return 0
        }
        guard let plain = seconds(rows: sequences) else {
            // All steps were of one kind: the next is of the other.
            let onlyPlain = sums.weight > 0 && sums.x <= sums.weight * (Double(sequences) + 0.5)
            return onlyPlain ? min(most, SpeculationLimits.probeLength) : 0
        }
        var best = (length: 0, gain: SpeculationLimits.gainMin)
        var expected = Double(sequences)
        var chance = 1.0
        for length in 1...max(most, 1) where most > 0 {
            chance *= record.likelihood
            expected += chance
            guard let longer = seconds(rows: sequences + length) else { break }
            let gain = expected / Double(sequences) * plain / longer
            if gain > best.gain { best = (length, gain) }
        }
        if best.length == 0, most > 0 {
            record.rest = record.nextRest
            record.nextRest = min(record.nextRest * 2, SpeculationLimits.restPassesMax)
        }
        return best.length
    }

    /// Takes note of what guesses brought.
    func record(_ record: inout SpeculationRecord, drafted: Int, held: Int) {
        for _ in 0..<held { record.likelihood += (1 - record.likelihood) / 8 }
        if held < drafted { record.likelihood -= record.likelihood / 8 }
        if held == drafted { record.nextRest = SpeculationLimits.restPasses }
    }
}
