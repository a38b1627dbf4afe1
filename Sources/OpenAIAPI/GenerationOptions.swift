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
    /// Makes the answer reproducible; nil lets the server draw one. Negative numbers are taken
    /// as their 64-bit pattern.
    public var seed: UInt64?
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
        case model, n, temperature, seed, stop, stream
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
