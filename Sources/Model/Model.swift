// Model: architectures as forward passes over a range of layers, and the KV cache.
//
// An architecture is a small file that reads like the paper. Knows nothing of requests or text.
//
// A model file is not trusted: every number in its metadata is checked against ``ModelLimits`` and
// every tensor's shape against the metadata before memory is reserved, so a forward pass may rely
// on both.

/// Bounds on the models that are accepted, and on one pass.
public enum ModelLimits {
    /// Layers.
    public static let layersMax = 1024
    /// Elements of the residual stream.
    public static let embeddingLengthMax = 1 << 16
    /// Elements between the two products of a feed-forward layer.
    public static let feedForwardLengthMax = 1 << 20
    /// Query heads.
    public static let headsMax = 1024
    /// Elements of one head.
    public static let headDimensionMax = 1024
    /// Tokens in the vocabulary.
    public static let vocabularyMax = 1 << 20
    /// Positions of a context, in tokens.
    public static let contextLengthMax = 1 << 22
    /// Tokens that go through the layers together; a longer input takes several passes.
    public static let tokensPerPass = 128
    /// Rows of logits computed together.
    public static let logitsRowsPerProduct = 16
    /// The range of `rope.freq_base`.
    public static let ropeBase: ClosedRange<Float> = 1...1e12
    /// The range of a linear RoPE scaling factor.
    public static let ropeScale: ClosedRange<Float> = 1...1e6
    /// The range of a divisor in `rope_freqs.weight`.
    public static let ropeFactor: ClosedRange<Float> = 0.5...1e6
    /// The range of the epsilon of a norm.
    public static let normEpsilon: ClosedRange<Float> = 0...1
}
