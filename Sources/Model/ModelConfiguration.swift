public import GGUF
import Kernels

/// An architecture that this build can run. The raw value is `general.architecture`.
public enum Architecture: String, Sendable, CaseIterable {
    /// Llama and what shares its shape: RMS norms, rotary positions, grouped queries, SwiGLU.
    case llama
}

/// A model's shape, read from its metadata and checked.
public struct ModelConfiguration: Sendable, Equatable {
    /// Which forward pass it takes.
    public let architecture: Architecture
    /// Layers.
    public let layerCount: Int
    /// Elements of the residual stream.
    public let embeddingLength: Int
    /// Elements between the products of a feed-forward layer.
    public let feedForwardLength: Int
    /// Query heads.
    public let headCount: Int
    /// Key and value heads; divides ``headCount``.
    public let kvHeadCount: Int
    /// Elements of one head.
    public let headDimension: Int
    /// Leading elements of a head that are rotated; even.
    public let ropeDimension: Int
    /// The base of the rotation's frequencies.
    public let ropeBase: Float
    /// What positions are divided by before rotation (linear scaling).
    public let ropeScale: Float
    /// Added to the mean square in a norm.
    public let normEpsilon: Float
    /// Tokens in the vocabulary: the rows of the embedding.
    public let vocabularySize: Int
    /// Positions the model was made for, in tokens.
    public let contextLength: Int

    /// Elements of all query heads.
    var queryLength: Int { headCount * headDimension }
    /// Elements of all key heads, and of all value heads.
    var keyLength: Int { kvHeadCount * headDimension }
    /// Query heads that share a key head.
    var groupSize: Int { headCount / kvHeadCount }

    /// Reads and checks the metadata of `file`.
    public init(file: GGUFFile) throws(ModelError) {
        let name = try readingMetadata { () throws(GGUFError) in
            try file.string("general.architecture")
        }
        guard let architecture = Architecture(rawValue: name) else {
            throw .unsupportedArchitecture(
                name: String(name.prefix(64)), supported: Architecture.allCases.map(\.rawValue))
        }
        let reader = MetadataReader(file: file, prefix: name + ".")
        self.architecture = architecture
        layerCount = try reader.count("block_count", max: ModelLimits.layersMax)
        embeddingLength = try reader.count(
            "embedding_length", max: ModelLimits.embeddingLengthMax)
        feedForwardLength = try reader.count(
            "feed_forward_length", max: ModelLimits.feedForwardLengthMax)
        contextLength = try reader.count("context_length", max: ModelLimits.contextLengthMax)

        let heads = try reader.count("attention.head_count", max: ModelLimits.headsMax)
        let kvHeads = try reader.count(
            "attention.head_count_kv", max: heads, default: heads)
        guard heads % kvHeads == 0 else {
            throw reader.invalid(
                "attention.head_count_kv", kvHeads, "it does not divide the \(heads) heads")
        }
        guard heads / kvHeads <= KernelsLimits.headsPerGroupMax else {
            throw reader.invalid(
                "attention.head_count_kv", kvHeads,
                "more than \(KernelsLimits.headsPerGroupMax) of \(heads) heads share one")
        }
        (headCount, kvHeadCount) = (heads, kvHeads)

        if !file.has(name + ".attention.key_length"), embeddingLength % heads != 0 {
            throw reader.invalid(
                "attention.head_count", heads,
                "it does not divide the embedding length \(embeddingLength)")
        }
        let dimension = try reader.count(
            "attention.key_length", max: ModelLimits.headDimensionMax,
            default: embeddingLength / heads)
        let valueDimension = try reader.count(
            "attention.value_length", max: ModelLimits.headDimensionMax, default: dimension)
        guard valueDimension == dimension else {
            throw .unsupportedFeature(
                "value heads of \(valueDimension) elements beside key heads of \(dimension)")
        }
        headDimension = dimension
        let rotated = try reader.count(
            "rope.dimension_count", max: dimension, default: dimension)
        guard rotated % 2 == 0 else {
            throw reader.invalid("rope.dimension_count", rotated, "elements are rotated in pairs")
        }
        ropeDimension = rotated
        ropeBase = try reader.number(
            "rope.freq_base", in: ModelLimits.ropeBase, default: 10_000)
        ropeScale = try reader.ropeScale()
        normEpsilon = try reader.number(
            "attention.layer_norm_rms_epsilon", in: ModelLimits.normEpsilon)
        if try reader.optional("expert_count", default: 0) > 0 {
            throw .unsupportedFeature("a mixture of experts")
        }

        guard let embedding = file.tensor("token_embd.weight") else {
            throw .missingTensor("token_embd.weight")
        }
        let tokens = embedding.dimensions.count == 2 ? embedding.dimensions[1] : 0
        guard 1...ModelLimits.vocabularyMax ~= tokens else {
            throw .invalidConfiguration(
                key: "token_embd.weight", value: "\(embedding.dimensions)",
                reason: "it must have a row for each of 1...\(ModelLimits.vocabularyMax) tokens")
        }
        vocabularySize = tokens
    }
}

/// Reads the keys of one architecture with their bounds.
struct MetadataReader {
    let file: GGUFFile
    let prefix: String

    func invalid(_ key: String, _ value: some Any, _ reason: String) -> ModelError {
        .invalidConfiguration(key: prefix + key, value: "\(value)", reason: reason)
    }

    /// A whole number that may be absent.
    func optional(_ key: String, default fallback: UInt32) throws(ModelError) -> UInt32 {
        try readingMetadata { () throws(GGUFError) in
            try file.uint32(prefix + key, default: fallback)
        }
    }

    /// A number of things, 1...max. Required unless there is a default.
    func count(_ key: String, max: Int, default fallback: Int? = nil) throws(ModelError) -> Int {
        if let fallback, !file.has(prefix + key) {
            guard 1...max ~= fallback else {
                throw invalid(key, fallback, "it must be in 1...\(max)")
            }
            return fallback
        }
        let value = try readingMetadata { () throws(GGUFError) in
            Int(try file.uint32(prefix + key))
        }
        guard 1...max ~= value else { throw invalid(key, value, "it must be in 1...\(max)") }
        return value
    }

    /// A real number within a range. Required unless there is a default.
    func number(
        _ key: String, in range: ClosedRange<Float>, default fallback: Float? = nil
    ) throws(ModelError) -> Float {
        if let fallback, !file.has(prefix + key) { return fallback }
        let value = try readingMetadata { () throws(GGUFError) in try file.float(prefix + key) }
        // A NaN is in no range.
        guard range ~= value else {
            throw invalid(key, value, "it must be in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    /// The linear scaling of positions: 1 where there is none.
    func ropeScale() throws(ModelError) -> Float {
        let kind = try readingMetadata { () throws(GGUFError) in
            try file.string(prefix + "rope.scaling.type", default: "none")
        }
        switch kind {
        case "none", "": return 1
        case "linear":
            return try number("rope.scaling.factor", in: ModelLimits.ropeScale, default: 1)
        default: throw .unsupportedFeature("RoPE scaling of type '\(kind.prefix(32))'")
        }
    }
}
