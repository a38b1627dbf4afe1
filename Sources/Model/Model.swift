// Model: architectures, their weights, their forward pass, and pages of keys and values.
//
// An architecture (`Architectures`) is a small file that reads like the paper: it says which numbers
// and tensors a model has. `Configuration` reads the numbers, `Weights` finds and loads the tensors,
// `Forward` computes, the same for all; `Cache` keeps keys and values. Knows nothing of requests or
// text.
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
    public static let tokensPerPass = 256
    /// Tokens of a text that an encoder takes; they go through the layers together.
    public static let encoderContextMax = 8192
    /// Sequences of one batch.
    public static let entriesPerBatch = 4096
    /// Queries that attend together, of one sequence at successive positions.
    public static let queriesPerTile = 32
    /// Multiplications between two questions whether the result is still wanted.
    public static let multiplicationsBetweenChecks = 1 << 28
    /// Elements that one thread sees to sooner than it could wake another.
    public static let elementsPerThread = 8192
    /// Pages of one set of keys and values.
    public static let pagesMax = 1 << 24
    /// Experts of one layer.
    public static let expertsMax = 512
    /// Rows of logits computed together.
    public static let logitsRowsPerProduct = 16
    /// The range of `rope.freq_base`.
    public static let ropeBase: ClosedRange<Float> = 1...1e12
    /// The range of a linear RoPE scaling factor.
    public static let ropeScale: ClosedRange<Float> = 1...1e6
    /// The range of what sines and cosines are multiplied by.
    public static let ropeMagnitude: ClosedRange<Float> = 0.01...100
    /// The range of the turns that bound YaRN's ramp.
    public static let yarnTurns: ClosedRange<Float> = 0.01...1e6
    /// The range of a divisor in `rope_freqs.weight`.
    public static let ropeFactor: ClosedRange<Float> = 0.5...1e6
    /// The range of the epsilon of a norm.
    public static let normEpsilon: ClosedRange<Float> = 0...1
}
