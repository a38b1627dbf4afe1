/// A token and how likely the model finds it.
public struct TokenLogprob: Sendable, Hashable {
    /// The token's id.
    public var id: Int32
    /// The natural logarithm of its probability.
    public var logprob: Float

    /// A token with its log probability.
    public init(id: Int32, logprob: Float) {
        self.id = id
        self.logprob = logprob
    }
}

/// A chosen token.
///
/// Log probabilities are the model's own: of its raw logits, before bias, penalties, constraint
/// and temperature. So they say how the model sees a token, whatever made the sampler take it.
public struct SampledToken: Sendable, Hashable {
    /// The token's id.
    public var id: Int32
    /// Its log probability; nil unless it was asked for.
    public var logprob: Float?
    /// The likeliest tokens, the likeliest first, the lower id of equals; as many as asked for,
    /// whether or not the chosen one is among them.
    public var top: [TokenLogprob]

    /// A chosen token.
    public init(id: Int32, logprob: Float? = nil, top: [TokenLogprob] = []) {
        self.id = id
        self.logprob = logprob
        self.top = top
    }
}
