// Sampling: from logits to a token.
//
// Samplers, counter-based random numbers and stop strings live here. Pure: a draw depends on
// (seed, choice, index) and on nothing else, so that a request continued on another machine gives
// the tokens it would have given here.
//
// Part of what the numerics id names: the exponential is one polynomial, sums run in the order of
// token ids, ties go to the lower id. Changing any of it changes that id.

/// Bounds on parameters and stop strings.
public enum SamplingLimits {
    /// The highest temperature.
    public static let temperatureMax: Float = 100
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
    /// There are no logits, or every token is impossible.
    case nothingToSample

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .invalidParameter(let field, let reason): "\(field): \(reason)"
        case .notANumber(let token):
            "the logit of token \(token) is not a finite number; the model file may be damaged"
        case .nothingToSample:
            "the model allows no token at all; the model file may be damaged"
        }
    }
}
