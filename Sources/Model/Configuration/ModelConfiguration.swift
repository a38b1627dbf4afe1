public import GGUF
import Kernels

/// A model's shape, read from its metadata and checked.
///
/// Everything that distinguishes one architecture's arithmetic from another's and is no tensor is a
/// field here; which tensors a layer has is in ``Layer``.
public struct ModelConfiguration: Sendable, Equatable {
    /// What describes it.
    public let architecture: Architecture
    /// Layers.
    public let layerCount: Int
    /// Elements of the residual stream.
    public let embeddingLength: Int
    /// Elements between the products of a feed-forward layer, or of one expert.
    public let feedForwardLength: Int
    /// Query heads.
    public let headCount: Int
    /// Key and value heads; divides ``headCount``.
    public let kvHeadCount: Int
    /// Elements of one head.
    public let headDimension: Int
    /// Tokens in the vocabulary: the rows of the embedding.
    public let vocabularySize: Int
    /// Positions the model was made for, in tokens.
    public let contextLength: Int

    /// The norm before and after sublayers.
    public var norm = Norm.rootMeanSquare
    /// Added to the mean square or the variance in a norm.
    public var normEpsilon: Float = 0
    /// The function between the products of a feed-forward layer.
    public var activation = Activation.swiGLU
    /// What an embedding is multiplied by.
    public var embeddingScale: Float = 1
    /// What a query's product with a key is multiplied by.
    public var attentionScale: Float
    /// The rotation of queries and keys; none where positions are embedded.
    public var rotation: RotaryConfiguration?
    /// The rotation in layers that see a window, where it is another.
    public var windowRotation: RotaryConfiguration?
    /// Positions that a query sees, its own included, in layers that see a window; 0 for all.
    public var window = 0
    /// Every so many layers the last sees all positions; 0: each layer sees the window.
    public var globalLayerEvery = 0
    /// The tensor of divisors of the rotation's frequencies, one per pair; it may be absent.
    public var ropeFactors = "rope_freqs.weight"
    /// Experts of a feed-forward layer; 0 for a layer without (Shazeer et al. 2017).
    public var expertCount = 0
    /// Experts that a token is sent to.
    public var expertsUsed = 0
    /// How the vectors of a text become one; nil for a model of the next token.
    public var pooling: Pooling?

    /// A norm's kind.
    public enum Norm: Sendable, Equatable {
        /// x / sqrt(mean(x^2)) (RMSNorm, Zhang and Sennrich 2019).
        case rootMeanSquare
        /// (x - mean(x)) / sqrt(variance(x)) (Ba et al. 2016).
        case layer
    }

    /// What stands between the products of a feed-forward layer.
    public enum Activation: Sendable, Equatable {
        /// silu(gate) * up (Shazeer 2020).
        case swiGLU
        /// gelu(gate) * up, gelu by tanh (Shazeer 2020; Hendrycks and Gimpel 2016).
        case geGLU
        /// gelu(up), gelu by erf.
        case gelu

        /// Products of the input that it takes: with a gate, two.
        var inputs: Int { self == .gelu ? 1 : 2 }
    }

    /// How the vectors of a text's tokens become the text's. Raw values are those of files.
    public enum Pooling: UInt32, Sendable {
        /// Their mean.
        case mean = 1
        /// That of the first token.
        case first = 2
        /// That of the last token.
        case last = 3
    }

    /// Elements of all query heads.
    var queryLength: Int { headCount * headDimension }
    /// Elements of all key heads, and of all value heads.
    var keyLength: Int { kvHeadCount * headDimension }
    /// Elements of queries, keys and values.
    var attentionInputLength: Int { queryLength + 2 * keyLength }
    /// Query heads that share a key head.
    var groupSize: Int { headCount / kvHeadCount }
    /// Whether it makes vectors of texts instead of a next token.
    public var isEncoder: Bool { pooling != nil }
    /// Planes of codes of what products read: an encoder's vector, which no later layer averages,
    /// takes two, as the logits of other models do.
    var inputPlanes: Int { isEncoder ? 2 : 1 }
    /// Tokens that go through the layers together. Each token of an encoder sees all others, so
    /// they go together.
    var tokensPerPass: Int {
        isEncoder ? max(contextLength, ModelLimits.tokensPerPass) : ModelLimits.tokensPerPass
    }

    /// Whether queries of a layer see the window only.
    func isLocal(layer: Int) -> Bool {
        globalLayerEvery == 0 ? window > 0 : (layer + 1) % globalLayerEvery != 0
    }

    /// Reads and checks the metadata of `file`.
    public init(file: GGUFFile) throws(ModelError) {
        let architecture = try Architecture(file: file)
        self = try architecture.description.configuration(
            MetadataReader(file: file, architecture: architecture))
    }

    /// Reads what all architectures have.
    init(_ metadata: MetadataReader) throws(ModelError) {
        architecture = metadata.architecture
        layerCount = try metadata.count("block_count", max: ModelLimits.layersMax)
        embeddingLength = try metadata.count(
            "embedding_length", max: ModelLimits.embeddingLengthMax)
        feedForwardLength = try metadata.count(
            "feed_forward_length", max: ModelLimits.feedForwardLengthMax)
        contextLength = try metadata.count("context_length", max: ModelLimits.contextLengthMax)
        (headCount, kvHeadCount, headDimension) = try Self.heads(
            metadata, embeddingLength: embeddingLength)
        attentionScale = 1 / Float(headDimension).squareRoot()

        guard let embedding = metadata.file.tensor("token_embd.weight") else {
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

    /// Reads what all models of the next token have: RMS norms and rotary positions.
    init(
        decoder metadata: MetadataReader, pairing: RotaryConfiguration.Pairing
    ) throws(ModelError) {
        try self.init(metadata)
        normEpsilon = try metadata.number(
            "attention.layer_norm_rms_epsilon", in: ModelLimits.normEpsilon)
        var rotation = try RotaryConfiguration(metadata, headDimension: headDimension)
        rotation.pairing = pairing
        self.rotation = rotation
        window = try metadata.whole(
            "attention.sliding_window", in: 0...ModelLimits.contextLengthMax, default: 0)
        try metadata.refuse("attn_logit_softcapping", "capped attention scores")
        try metadata.refuse("final_logit_softcapping", "capped logits")
        try metadata.refuse("attention.clamp_kqv", "clamped queries, keys and values")
        try metadata.refuse("attention.max_alibi_bias", "positions by attention bias")
    }

    private static func heads(
        _ metadata: MetadataReader, embeddingLength: Int
    ) throws(ModelError) -> (count: Int, kvCount: Int, dimension: Int) {
        let heads = try metadata.count("attention.head_count", max: ModelLimits.headsMax)
        let kvHeads = try metadata.count("attention.head_count_kv", max: heads, default: heads)
        guard heads % kvHeads == 0 else {
            throw metadata.invalid(
                "attention.head_count_kv", kvHeads, "it does not divide the \(heads) heads")
        }
        guard heads / kvHeads <= KernelsLimits.headsPerGroupMax else {
            throw metadata.invalid(
                "attention.head_count_kv", kvHeads,
                "more than \(KernelsLimits.headsPerGroupMax) of \(heads) heads share one")
        }
        if !metadata.has("attention.key_length"), embeddingLength % heads != 0 {
            throw metadata.invalid(
                "attention.head_count", heads,
                "it does not divide the embedding length \(embeddingLength)")
        }
        let dimension = try metadata.count(
            "attention.key_length", max: ModelLimits.headDimensionMax,
            default: embeddingLength / heads)
        let valueDimension = try metadata.count(
            "attention.value_length", max: ModelLimits.headDimensionMax, default: dimension)
        guard valueDimension == dimension else {
            throw .unsupportedFeature(
                "value heads of \(valueDimension) elements beside key heads of \(dimension)")
        }
        return (heads, kvHeads, dimension)
    }
}
