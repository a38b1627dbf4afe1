// Sampling: from logits to a token.
//
// Samplers, penalties, log probabilities, counter-based random numbers, the set of tokens that a
// constraint allows, and stop strings live here. Pure: a draw depends on the logits, the tokens so
// far and (seed, choice, index), and on nothing else, so that a request continued on another
// machine gives the tokens it would have given here. What a constraint means is not known here
// (that is `Grammar`), nor what a token spells.
//
// Part of what the numerics id names: the exponential is one polynomial, probabilities are whole
// numbers of a fixed unit, so that their sums are exact in any order, and ties go to the lower id.
// Changing any of it changes that id.

/// Bounds on parameters, vocabularies and stop strings.
public enum SamplingLimits {
    /// The highest temperature.
    public static let temperatureMax: Float = 100
    /// The most logits of one step: with the unit of ``SamplerWorkspace`` sums stay within 64 bits.
    public static let vocabularyMax = 1 << 20
    /// The range of a repetition penalty.
    public static let repetitionPenaltyRange: ClosedRange<Float> = 0.01...100
    /// The range of a presence or frequency penalty.
    public static let penaltyRange: ClosedRange<Float> = -2...2
    /// The range of a bias on a logit.
    public static let logitBiasRange: ClosedRange<Float> = -100...100
    /// The most tokens with a bias.
    public static let logitBiasMax = 1_024
    /// The most alternatives with a token's log probability.
    public static let logprobsMax = 20
    /// The most stop strings of a request.
    public static let stopStringsMax = 16
    /// The longest stop string, in bytes of UTF-8.
    public static let stopStringBytesMax = 256
}

/// Why parameters or logits were refused.
public enum SamplingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A parameter out of its range; `field` is its name in the OpenAI interface.
    case invalidParameter(field: String, reason: String)
    /// A logit that is not a number, or infinitely high: the model or its file is broken.
    case notANumber(token: Int)
    /// There are no logits, or every token is impossible or not allowed.
    case nothingToSample

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .invalidParameter(let field, let reason): "\(field): \(reason)"
        case .notANumber(let token):
            "the logit of token \(token) is not a finite number; the model file may be damaged"
        case .nothingToSample:
            "no token is possible: the constraint allows none that the model has, or the model "
                + "file is damaged"
        }
    }
}
