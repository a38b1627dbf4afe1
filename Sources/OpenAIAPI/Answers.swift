/// Why an answer ended. Other servers have more reasons, so any string is taken.
public struct FinishReason: RawRepresentable, Codable, Equatable, Sendable {
    /// The name on the wire.
    public var rawValue: String

    /// The reason with this name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The model ended it, or a stop string did.
    public static let stop = FinishReason(rawValue: "stop")
    /// The limit on tokens, or the end of the context, was reached.
    public static let length = FinishReason(rawValue: "length")
}

/// What a request cost, in tokens.
public struct TokenUsage: Codable, Equatable, Sendable {
    /// Tokens in the prompt.
    public var promptTokens: Int
    /// Tokens in all answers.
    public var completionTokens: Int
    /// Both.
    public var totalTokens: Int

    /// The cost of a request; the total is the sum.
    public init(promptTokens: Int, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        totalTokens = promptTokens + completionTokens
    }

    private enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
        case totalTokens = "total_tokens"
    }
}

/// Who answered and why: Shoal's addition, under `shoal` in a whole answer and in the last
/// event that finishes one.
public struct ShoalInfo: Codable, Equatable, Sendable {
    /// The request's id, 32 hexadecimal digits.
    public var request: String
    /// The name of the node that ran it.
    public var node: String
    /// Its node id, in hexadecimal.
    public var nodeID: String
    /// Why this node, for a person.
    public var reason: String
    /// How many nodes were tried, this one included.
    public var attempts: Int
    /// The round trip to it in milliseconds; nil if the request ran where it entered.
    public var roundTripMilliseconds: Double?
    /// The name of the node that carried request and answer, sealed; nil where the two nodes have a
    /// link of their own.
    public var through: String?

    /// Who answered.
    public init(
        request: String, node: String, nodeID: String, reason: String, attempts: Int,
        roundTripMilliseconds: Double?, through: String? = nil
    ) {
        self.request = request
        self.node = node
        self.nodeID = nodeID
        self.reason = reason
        self.attempts = attempts
        self.roundTripMilliseconds = roundTripMilliseconds
        self.through = through
    }

    private enum CodingKeys: String, CodingKey {
        case request, node, reason, attempts, through
        case nodeID = "node_id"
        case roundTripMilliseconds = "round_trip_ms"
    }
}

/// A whole answer to `POST /v1/chat/completions`.
public struct ChatCompletion: Codable, Equatable, Sendable {
    /// `chatcmpl-` and the request's id.
    public var id: String
    /// Always `chat.completion`.
    public var object: String
    /// When, in seconds since 1970.
    public var created: Int64
    /// The model that answered.
    public var model: String
    /// The answers.
    public var choices: [Choice]
    /// What it cost; some servers leave it out.
    public var usage: TokenUsage?
    /// Who answered; only Shoal says.
    public var shoal: ShoalInfo?

    /// One answer.
    public struct Choice: Codable, Equatable, Sendable {
        /// Its number, from 0.
        public var index: Int
        /// What the model says.
        public var message: Message
        /// Why it ended.
        public var finishReason: FinishReason?
        /// The log probabilities of its tokens, if asked for.
        public var logprobs: ChatLogprobs?

        /// An answer.
        public init(
            index: Int, message: Message, finishReason: FinishReason?,
            logprobs: ChatLogprobs? = nil
        ) {
            self.index = index
            self.message = message
            self.finishReason = finishReason
            self.logprobs = logprobs
        }

        private enum CodingKeys: String, CodingKey {
            case index, message, logprobs
            case finishReason = "finish_reason"
        }
    }

    /// What the model says. The content may be null, where another server called a tool.
    public struct Message: Codable, Equatable, Sendable {
        /// Always `assistant`.
        public var role: String
        /// The text.
        public var content: String?

        /// A message of the model's.
        public init(role: String = "assistant", content: String?) {
            self.role = role
            self.content = content
        }
    }

    /// A whole answer.
    public init(
        id: String, created: Int64, model: String, choices: [Choice], usage: TokenUsage?,
        shoal: ShoalInfo?
    ) {
        self.id = id
        object = "chat.completion"
        self.created = created
        self.model = model
        self.choices = choices
        self.usage = usage
        self.shoal = shoal
    }
}

/// A whole answer to `POST /v1/completions`, and also each event of a streamed one: the two
/// have the same form.
public struct Completion: Codable, Equatable, Sendable {
    /// `cmpl-` and the request's id.
    public var id: String
    /// Always `text_completion`.
    public var object: String
    /// When, in seconds since 1970.
    public var created: Int64
    /// The model that answered.
    public var model: String
    /// The answers, or pieces of them; empty in the event with the usage.
    public var choices: [Choice]
    /// What it cost.
    public var usage: TokenUsage?
    /// Who answered; only Shoal says.
    public var shoal: ShoalInfo?

    /// One answer, or a piece of it.
    public struct Choice: Codable, Equatable, Sendable {
        /// Its number, from 0.
        public var index: Int
        /// The text.
        public var text: String
        /// Why it ended; nil until it has.
        public var finishReason: FinishReason?
        /// The log probabilities of its tokens, if asked for.
        public var logprobs: CompletionLogprobs?

        /// An answer, or a piece of it.
        public init(
            index: Int, text: String, finishReason: FinishReason?,
            logprobs: CompletionLogprobs? = nil
        ) {
            self.index = index
            self.text = text
            self.finishReason = finishReason
            self.logprobs = logprobs
        }

        private enum CodingKeys: String, CodingKey {
            case index, text, logprobs
            case finishReason = "finish_reason"
        }

        /// Writes `finish_reason` as null until there is one, as OpenAI does.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(text, forKey: .text)
            try container.encode(finishReason, forKey: .finishReason)
            try container.encodeIfPresent(logprobs, forKey: .logprobs)
        }
    }

    /// A whole answer, or an event.
    public init(
        id: String, created: Int64, model: String, choices: [Choice], usage: TokenUsage? = nil,
        shoal: ShoalInfo? = nil
    ) {
        self.id = id
        object = "text_completion"
        self.created = created
        self.model = model
        self.choices = choices
        self.usage = usage
        self.shoal = shoal
    }
}

/// One event of a streamed answer to `POST /v1/chat/completions`.
public struct ChatCompletionChunk: Codable, Equatable, Sendable {
    /// `chatcmpl-` and the request's id.
    public var id: String
    /// Always `chat.completion.chunk`.
    public var object: String
    /// When, in seconds since 1970.
    public var created: Int64
    /// The model that answers.
    public var model: String
    /// Pieces of the answers; empty in the event with the usage.
    public var choices: [Choice]
    /// What it cost, in the event before the end, if asked for.
    public var usage: TokenUsage?
    /// Who answered, in the last event that finishes an answer; only Shoal says.
    public var shoal: ShoalInfo?

    /// A piece of one answer.
    public struct Choice: Codable, Equatable, Sendable {
        /// The answer's number, from 0.
        public var index: Int
        /// What is new.
        public var delta: Delta
        /// Why it ended; nil until it has.
        public var finishReason: FinishReason?
        /// The log probabilities of its tokens, if asked for.
        public var logprobs: ChatLogprobs?

        /// A piece of an answer.
        public init(
            index: Int, delta: Delta, finishReason: FinishReason? = nil,
            logprobs: ChatLogprobs? = nil
        ) {
            self.index = index
            self.delta = delta
            self.finishReason = finishReason
            self.logprobs = logprobs
        }

        private enum CodingKeys: String, CodingKey {
            case index, delta, logprobs
            case finishReason = "finish_reason"
        }

        /// Writes `finish_reason` as null until there is one, as OpenAI does.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(delta, forKey: .delta)
            try container.encode(finishReason, forKey: .finishReason)
            try container.encodeIfPresent(logprobs, forKey: .logprobs)
        }
    }

    /// What is new in an event.
    public struct Delta: Codable, Equatable, Sendable {
        /// `assistant`, in an answer's first event.
        public var role: String?
        /// More text.
        public var content: String?

        /// What is new.
        public init(role: String? = nil, content: String? = nil) {
            self.role = role
            self.content = content
        }
    }

    /// An event.
    public init(
        id: String, created: Int64, model: String, choices: [Choice], usage: TokenUsage? = nil,
        shoal: ShoalInfo? = nil
    ) {
        self.id = id
        object = "chat.completion.chunk"
        self.created = created
        self.model = model
        self.choices = choices
        self.usage = usage
        self.shoal = shoal
    }
}
