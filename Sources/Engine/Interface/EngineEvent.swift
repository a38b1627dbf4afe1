/// Why an answer ended.
public enum FinishReason: String, Sendable, Hashable, CaseIterable {
    /// The model ended it.
    case stop
    /// `maxTokens` or the context was reached.
    case length
    /// It contains a stop string.
    case stopString
}

/// What a request took.
public struct EngineUsage: Sendable, Hashable {
    /// Tokens of the prompt.
    public var promptTokens: Int
    /// Tokens made by this engine, all choices together; those continued from are not counted.
    public var generatedTokens: Int
    /// Tokens of the prompt whose keys and values were there from earlier requests of the caller.
    public var cachedPromptTokens: Int
    /// Seconds from the first pass that ran the request to its first token.
    public var prefillSeconds: Double
    /// Seconds from its first token to its last, other requests' part in the passes included.
    public var decodeSeconds: Double
}

/// How likely the model finds a token, and which it finds likeliest.
public struct EngineLogprobs: Sendable, Hashable {
    /// A token that might have been.
    public struct Alternative: Sendable, Hashable {
        /// The token.
        public var id: Int32
        /// What it would add to the text.
        public var bytes: [UInt8]
        /// The natural logarithm of its probability.
        public var logprob: Float
    }

    /// The natural logarithm of the token's probability.
    public var logprob: Float
    /// The likeliest tokens, the likeliest first.
    public var top: [Alternative]
}

/// What a stream brings: `accepted` first; then for each choice its tokens and `finished`, in
/// order, those of different choices in any; `completed` last.
public enum EngineEvent: Sendable, Hashable {
    /// The request waits for its turn; these are the ids of its prompt.
    case accepted(promptTokens: [Int32])
    /// The token at `index` of `choice`. `bytes` may be half a character, or part of a stop string.
    /// The token that ends a sequence is not delivered.
    /// `logprobs` are there if they were asked for.
    case token(
        choice: UInt32, index: UInt32, id: Int32, bytes: [UInt8], logprobs: EngineLogprobs? = nil)
    /// A choice is complete.
    case finished(choice: UInt32, reason: FinishReason)
    /// All choices are complete.
    case completed(EngineUsage)
}
