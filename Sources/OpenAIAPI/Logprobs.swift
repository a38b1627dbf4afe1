/// The log probabilities of a chat answer's tokens, natural logarithms.
public struct ChatLogprobs: Codable, Equatable, Sendable {
    /// One entry per token.
    public var content: [Token]

    /// A token that was chosen, and what else was likely in its place.
    public struct Token: Codable, Equatable, Sendable {
        /// Its text; where its bytes are no whole characters, with U+FFFD for what is missing.
        public var token: String
        /// Its log probability under the model, before any sampling parameter.
        public var logprob: Double
        /// Its bytes.
        public var bytes: [UInt8]
        /// The likeliest tokens, the likeliest first.
        public var topLogprobs: [Alternative]

        /// A token.
        public init(
            token: String, logprob: Double, bytes: [UInt8], topLogprobs: [Alternative]
        ) {
            self.token = token
            self.logprob = logprob
            self.bytes = bytes
            self.topLogprobs = topLogprobs
        }

        private enum CodingKeys: String, CodingKey {
            case token, logprob, bytes
            case topLogprobs = "top_logprobs"
        }
    }

    /// A token that might have been chosen.
    public struct Alternative: Codable, Equatable, Sendable {
        /// Its text.
        public var token: String
        /// Its log probability.
        public var logprob: Double
        /// Its bytes.
        public var bytes: [UInt8]

        /// An alternative.
        public init(token: String, logprob: Double, bytes: [UInt8]) {
            self.token = token
            self.logprob = logprob
            self.bytes = bytes
        }
    }

    /// Log probabilities of some tokens.
    public init(content: [Token]) { self.content = content }
}

/// The log probabilities of a completion's tokens, in the older form: parallel arrays.
public struct CompletionLogprobs: Codable, Equatable, Sendable {
    /// The texts of the tokens.
    public var tokens: [String]
    /// Their log probabilities.
    public var tokenLogprobs: [Double]
    /// For each, the likeliest tokens and their log probabilities.
    public var topLogprobs: [[String: Double]]

    /// The same figures as of a chat.
    public init(_ logprobs: ChatLogprobs) {
        tokens = logprobs.content.map(\.token)
        tokenLogprobs = logprobs.content.map(\.logprob)
        topLogprobs = logprobs.content.map { token in
            // Different bytes may show as the same text; the likelier stays.
            Dictionary(token.topLogprobs.map { ($0.token, $0.logprob) }) { first, _ in first }
        }
    }

    private enum CodingKeys: String, CodingKey {
        case tokens
        case tokenLogprobs = "token_logprobs"
        case topLogprobs = "top_logprobs"
    }
}
