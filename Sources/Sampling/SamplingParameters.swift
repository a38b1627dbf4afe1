/// How the next token is chosen. ``Sampler`` says in what order the rules apply.
public struct SamplingParameters: Sendable, Hashable {
    /// 0 takes the likeliest token; higher makes unlikely ones likelier.
    public var temperature: Float
    /// Only so many of the likeliest tokens are considered; 0 for all.
    public var topK: Int
    /// Only the likeliest tokens that together reach this probability are considered; 1 for all.
    public var topP: Float
    /// Only tokens at least this times as likely as the likeliest are considered; 0 for all.
    public var minP: Float
    /// Only the tokens whose surprise is nearest the expected one, that together reach this
    /// probability, are considered; 1 for all.
    public var typicalP: Float
    /// Positive logits of tokens that occurred, in the prompt or the answer, are divided by it,
    /// others multiplied; 1 changes nothing.
    public var repetitionPenalty: Float
    /// How many of the last tokens the repetition penalty looks at; 0 for all.
    public var repetitionWindow: Int
    /// Taken off the logit of every token that occurred in the answer.
    public var presencePenalty: Float
    /// Taken off a token's logit for each time it occurred in the answer.
    public var frequencyPenalty: Float
    /// What is added to the logits of tokens, by id.
    public var logitBias: [Int32: Float]
    /// How many of the likeliest tokens are reported with the chosen one's log probability; nil
    /// for no log probability at all.
    public var logprobs: Int?
    /// What the draws are made from.
    public var seed: UInt64

    /// Parameters, not yet checked; the defaults are greedy.
    public init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0,
        typicalP: Float = 1, repetitionPenalty: Float = 1, repetitionWindow: Int = 0,
        presencePenalty: Float = 0, frequencyPenalty: Float = 0, logitBias: [Int32: Float] = [:],
        logprobs: Int? = nil, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.typicalP = typicalP
        self.repetitionPenalty = repetitionPenalty
        self.repetitionWindow = repetitionWindow
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
        self.logprobs = logprobs
        self.seed = seed
    }

    /// Throws ``SamplingError/invalidParameter(field:reason:)`` for the first one out of range.
    public func validate() throws(SamplingError) {
        try Self.check(temperature, "temperature", 0...SamplingLimits.temperatureMax)
        guard topK >= 0 else {
            throw .invalidParameter(field: "top_k", reason: "\(topK) is negative; 0 means all")
        }
        try Self.check(topP, "top_p", 0...1)
        try Self.check(minP, "min_p", 0...1)
        try Self.check(typicalP, "typical_p", 0...1)
        try Self.check(
            repetitionPenalty, "repetition_penalty", SamplingLimits.repetitionPenaltyRange)
        guard repetitionWindow >= 0 else {
            throw .invalidParameter(
                field: "repetition_window",
                reason: "\(repetitionWindow) is negative; 0 means all tokens")
        }
        try Self.check(presencePenalty, "presence_penalty", SamplingLimits.penaltyRange)
        try Self.check(frequencyPenalty, "frequency_penalty", SamplingLimits.penaltyRange)
        guard logitBias.count <= SamplingLimits.logitBiasMax else {
            throw .invalidParameter(
                field: "logit_bias",
                reason: "\(logitBias.count) tokens; at most \(SamplingLimits.logitBiasMax)")
        }
        for (token, bias) in logitBias {
            guard token >= 0 else {
                throw .invalidParameter(field: "logit_bias", reason: "\(token) is no token id")
            }
            try Self.check(bias, "logit_bias", SamplingLimits.logitBiasRange)
        }
        if let logprobs, !(0...SamplingLimits.logprobsMax).contains(logprobs) {
            throw .invalidParameter(
                field: "top_logprobs",
                reason: "\(logprobs) is not from 0 to \(SamplingLimits.logprobsMax)")
        }
    }

    /// A value that is not a number is in no range.
    private static func check(
        _ value: Float, _ field: String, _ range: ClosedRange<Float>
    ) throws(SamplingError) {
        guard range.contains(value) else {
            throw .invalidParameter(
                field: field,
                reason: "\(value) is not from \(range.lowerBound) to \(range.upperBound)")
        }
    }
}
