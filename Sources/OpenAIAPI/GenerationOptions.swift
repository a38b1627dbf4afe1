/// The fields that `/v1/chat/completions` and `/v1/completions` have in common.
public struct GenerationOptions: Codable, Equatable, Sendable {
    /// The model by name; nil leaves the choice to the server.
    public var model: String?
    /// How many answers; nil means 1.
    public var n: Int?
    /// The most tokens in one answer; nil means up to the end of the context.
    public var maxTokens: Int?
    /// 0 takes the most probable token; nil means 1.
    public var temperature: Double?
    /// The probability mass to draw from; nil means 1, all of it.
    public var topP: Double?
    /// How many of the most probable tokens to draw from, 0 for all. Not in OpenAI's interface.
    public var topK: Int?
    /// The least probability, as a share of the highest, 0 for none. Not in OpenAI's interface.
    public var minP: Double?
    /// Locally typical sampling up to this mass; nil means 1, off. Not in OpenAI's interface.
    public var typicalP: Double?
    /// Divides the logits of tokens that occurred; nil means 1, off. Not in OpenAI's interface.
    public var repetitionPenalty: Double?
    /// Taken off the logit of every token that occurred in the answer; nil means 0.
    public var presencePenalty: Double?
    /// Taken off a token's logit for each time it occurred in the answer; nil means 0.
    public var frequencyPenalty: Double?
    /// What is added to the logits of tokens, by id.
    public var logitBias: [Int32: Double]
    /// How many alternatives come with each token's log probability; nil means none, and no log
    /// probability either. The two routes spell it differently.
    public var logprobs: Int?
    /// The form the answer must have.
    public var responseFormat: ResponseFormat?
    /// A grammar the answer must follow. Not in OpenAI's interface.
    public var grammar: String?
    /// Makes the answer reproducible; nil lets the server draw one. Negative numbers are taken
    /// as their 64-bit pattern.
    public var seed: UInt64?
    /// Which of the requests that wait goes first, the higher before the lower; nil means 0. Not in
    /// OpenAI's interface.
    public var priority: Int?
    /// Seconds after which the answer is of no use any more. Not in OpenAI's interface.
    public var deadline: Double?
    /// Strings at which an answer ends; they are not part of it.
    public var stop: [String]
    /// Whether the answer comes as events.
    public var stream: Bool
    /// What the events contain.
    public var streamOptions: StreamOptions?

    /// What a stream of events contains.
    public struct StreamOptions: Codable, Equatable, Sendable {
        /// Whether token counts come in an event of their own before the end.
        public var includeUsage: Bool

        /// Options of a stream.
        public init(includeUsage: Bool) { self.includeUsage = includeUsage }

        private enum CodingKeys: String, CodingKey { case includeUsage = "include_usage" }

        /// Reads the options; what is absent is off.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            includeUsage = try container.decodeIfPresent(Bool.self, forKey: .includeUsage) ?? false
        }
    }

    /// Options, all at their defaults unless given.
    public init(
        model: String? = nil, n: Int? = nil, maxTokens: Int? = nil, temperature: Double? = nil,
        topP: Double? = nil, topK: Int? = nil, minP: Double? = nil, seed: UInt64? = nil,
        stop: [String] = [], stream: Bool = false, streamOptions: StreamOptions? = nil
    ) {
        logitBias = [:]
        self.model = model
        self.n = n
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.seed = seed
        self.stop = stop
        self.stream = stream
        self.streamOptions = streamOptions
    }

    private enum CodingKeys: String, CodingKey {
        case model, n, temperature, seed, stop, stream, grammar, priority, logprobs
        case typicalP = "typical_p"
        case repetitionPenalty = "repetition_penalty"
        case presencePenalty = "presence_penalty"
        case frequencyPenalty = "frequency_penalty"
        case logitBias = "logit_bias"
        case responseFormat = "response_format"
        case topLogprobs = "top_logprobs"
        case deadline = "deadline_seconds"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case topP = "top_p"
        case topK = "top_k"
        case minP = "min_p"
        case streamOptions = "stream_options"
    }

    /// Reads the fields in every form that clients use; ranges are checked by ``validate()``.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        model = try container.optional(String.self, .model)
        n = try container.optional(Int.self, .n)
        temperature = try container.optional(Double.self, .temperature)
        topP = try container.optional(Double.self, .topP)
        topK = try container.optional(Int.self, .topK)
        minP = try container.optional(Double.self, .minP)
        typicalP = try container.optional(Double.self, .typicalP)
        repetitionPenalty = try container.optional(Double.self, .repetitionPenalty)
        presencePenalty = try container.optional(Double.self, .presencePenalty)
        frequencyPenalty = try container.optional(Double.self, .frequencyPenalty)
        logitBias = try Self.logitBias(in: container)
        logprobs = try Self.logprobs(in: container)
        responseFormat = try container.optional(ResponseFormat.self, .responseFormat)
        grammar = try container.optional(String.self, .grammar)
        priority = try container.optional(Int.self, .priority)
        deadline = try container.optional(Double.self, .deadline)
        stream = try container.optional(Bool.self, .stream) ?? false
        streamOptions = try container.optional(StreamOptions.self, .streamOptions)

        let older = try container.optional(Int.self, .maxTokens)
        let newer = try container.optional(Int.self, .maxCompletionTokens)
        if let older, let newer, older != newer {
            throw OpenAIRequestError(
                "'max_tokens' and 'max_completion_tokens' mean the same and differ; send one",
                parameter: "max_completion_tokens", code: "invalid_value")
        }
        maxTokens = newer ?? older

        if let signed = try? container.decodeIfPresent(Int64.self, forKey: .seed) {
            seed = UInt64(bitPattern: signed)
        } else {
            seed = try container.optional(UInt64.self, .seed)
        }
        if let one = try? container.decodeIfPresent(String.self, forKey: .stop) {
            stop = [one]
        } else {
            stop = try container.optional([String].self, .stop) ?? []
        }
    }

    /// `logit_bias`: token ids as strings, as JSON's keys are.
    private static func logitBias(
        in container: KeyedDecodingContainer<CodingKeys>
    ) throws -> [Int32: Double] {
        var bias: [Int32: Double] = [:]
        for (key, value) in try container.optional([String: Double].self, .logitBias) ?? [:] {
            guard let id = Int32(key), id >= 0 else {
                throw OpenAIRequestError.range("logit_bias", "keyed by token ids", got: key)
            }
            bias[id] = value
        }
        return bias
    }

    /// A number in `/v1/completions`; in `/v1/chat/completions` a switch, with the number beside.
    private static func logprobs(
        in container: KeyedDecodingContainer<CodingKeys>
    ) throws -> Int? {
        let top = try container.optional(Int.self, .topLogprobs)
        if let isOn = try? container.decodeIfPresent(Bool.self, forKey: .logprobs) {
            guard isOn || (top ?? 0) == 0 else {
                throw OpenAIRequestError(
                    "'top_logprobs' is only allowed with 'logprobs': true",
                    parameter: "top_logprobs", code: "invalid_value")
            }
            return isOn ? top ?? 0 : nil
        }
        return try container.optional(Int.self, .logprobs) ?? (top == 0 ? nil : top)
    }

    /// Writes only what differs from the defaults.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(model, forKey: .model)
        try container.encodeIfPresent(n, forKey: .n)
        try container.encodeIfPresent(maxTokens, forKey: .maxTokens)
        try container.encodeIfPresent(temperature, forKey: .temperature)
        try container.encodeIfPresent(topP, forKey: .topP)
        try container.encodeIfPresent(topK, forKey: .topK)
        try container.encodeIfPresent(minP, forKey: .minP)
        try container.encodeIfPresent(typicalP, forKey: .typicalP)
        try container.encodeIfPresent(repetitionPenalty, forKey: .repetitionPenalty)
        try container.encodeIfPresent(presencePenalty, forKey: .presencePenalty)
        try container.encodeIfPresent(frequencyPenalty, forKey: .frequencyPenalty)
        if !logitBias.isEmpty {
            let keyed = logitBias.map { (String($0.key), $0.value) }
            try container.encode(
                Dictionary(uniqueKeysWithValues: keyed), forKey: .logitBias)
        }
        if let logprobs {
            try container.encode(true, forKey: .logprobs)
            try container.encode(logprobs, forKey: .topLogprobs)
        }
        try container.encodeIfPresent(responseFormat, forKey: .responseFormat)
        try container.encodeIfPresent(grammar, forKey: .grammar)
        try container.encodeIfPresent(priority, forKey: .priority)
        try container.encodeIfPresent(deadline, forKey: .deadline)
        try container.encodeIfPresent(seed, forKey: .seed)
        if !stop.isEmpty { try container.encode(stop, forKey: .stop) }
        if stream { try container.encode(stream, forKey: .stream) }
        try container.encodeIfPresent(streamOptions, forKey: .streamOptions)
    }

    /// Throws, naming the parameter and its range, unless every value is one that is allowed.
    public func validate() throws(OpenAIRequestError) {
        if let model, model.isEmpty || model.utf8.count > OpenAILimits.modelNameBytesMax {
            throw .range(
                "model", "1 to \(OpenAILimits.modelNameBytesMax) bytes long",
                got: model.utf8.count)
        }
        try Self.check(n, "n", 1...OpenAILimits.choicesMax)
        try Self.check(maxTokens, "max_tokens", 1...OpenAILimits.maxTokensMax)
        try Self.check(temperature, "temperature", 0...2)
        try Self.check(topP, "top_p", 0...1)
        try Self.check(topK, "top_k", 0...OpenAILimits.topKMax)
        try Self.check(minP, "min_p", 0...1)
        try Self.check(typicalP, "typical_p", 0...1)
        try Self.check(
            repetitionPenalty, "repetition_penalty", OpenAILimits.repetitionPenaltyRange)
        try Self.check(presencePenalty, "presence_penalty", OpenAILimits.penaltyRange)
        try Self.check(frequencyPenalty, "frequency_penalty", OpenAILimits.penaltyRange)
        guard logitBias.count <= OpenAILimits.logitBiasMax else {
            throw .range(
                "logit_bias", "at most \(OpenAILimits.logitBiasMax) tokens",
                got: logitBias.count)
        }
        for bias in logitBias.values {
            try Self.check(bias, "logit_bias", OpenAILimits.logitBiasRange)
        }
        try Self.check(logprobs, "top_logprobs", 0...OpenAILimits.topLogprobsMax)
        try Self.check(priority, "priority", OpenAILimits.priorityRange)
        try Self.check(deadline, "deadline_seconds", OpenAILimits.deadlineRange)
        if grammar != nil, responseFormat?.constrains == true {
            throw OpenAIRequestError(
                "'grammar' and 'response_format' each constrain the answer; send one",
                parameter: "grammar", code: "invalid_value")
        }
        let constraint = grammar ?? responseFormat?.schema ?? ""
        guard constraint.utf8.count <= OpenAILimits.constraintBytesMax else {
            throw .range(
                grammar == nil ? "response_format" : "grammar",
                "at most \(OpenAILimits.constraintBytesMax) bytes", got: constraint.utf8.count)
        }
        guard stop.count <= OpenAILimits.stopStringsMax else {
            throw .range(
                "stop", "at most \(OpenAILimits.stopStringsMax) strings", got: stop.count)
        }
        for string in stop
        where string.isEmpty || string.utf8.count > OpenAILimits.stopStringBytesMax {
            throw .range(
                "stop", "strings of 1 to \(OpenAILimits.stopStringBytesMax) bytes",
                got: string.utf8.count)
        }
        if streamOptions != nil, !stream {
            throw OpenAIRequestError(
                "'stream_options' is only allowed with 'stream': true",
                parameter: "stream_options", code: "invalid_value")
        }
    }

    private static func check<Value: Comparable>(
        _ value: Value?, _ name: String, _ range: ClosedRange<Value>
    ) throws(OpenAIRequestError) {
        guard let value, !range.contains(value) else { return }
        throw .range(name, "from \(range.lowerBound) to \(range.upperBound)", got: value)
    }
}
