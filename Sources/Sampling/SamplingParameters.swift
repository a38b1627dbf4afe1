/// How the next token is chosen.
public struct SamplingParameters: Sendable, Hashable {
    /// 0 takes the likeliest token; higher makes unlikely ones likelier.
    public var temperature: Float
    /// Only so many of the likeliest tokens are considered; 0 for all.
    public var topK: Int
    /// Only the likeliest tokens that together reach this probability are considered; 1 for all.
    public var topP: Float
    /// Only tokens at least this times as likely as the likeliest are considered; 0 for all.
    public var minP: Float
    /// What the draws are made from.
    public var seed: UInt64

    /// Parameters, not yet checked; the defaults are greedy.
    public init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
    }

    /// Throws ``SamplingError/invalidParameter(field:reason:)`` for the first one out of range.
    public func validate() throws(SamplingError) {
        // Written so that a value that is not a number fails too.
        guard temperature >= 0, temperature <= SamplingLimits.temperatureMax else {
            throw .invalidParameter(
                field: "temperature",
                reason: "\(temperature) is not from 0 to \(SamplingLimits.temperatureMax)")
        }
        guard topK >= 0 else {
            throw .invalidParameter(field: "top_k", reason: "\(topK) is negative; 0 means all")
        }
        guard topP >= 0, topP <= 1 else {
            throw .invalidParameter(field: "top_p", reason: "\(topP) is not from 0 to 1")
        }
        guard minP >= 0, minP <= 1 else {
            throw .invalidParameter(field: "min_p", reason: "\(minP) is not from 0 to 1")
        }
    }
}
