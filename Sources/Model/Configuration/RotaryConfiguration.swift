/// How positions turn queries and keys (RoFormer, Su et al. 2021).
public struct RotaryConfiguration: Sendable, Equatable {
    /// Which two elements of a head make a pair that turns.
    public enum Pairing: Sendable, Equatable {
        /// Neighbours: 2i and 2i + 1.
        case neighbours
        /// One of each half: i and i + dimension / 2 (GPT-NeoX, Black et al. 2022).
        case halves
    }

    /// How frequencies are stretched for contexts longer than those of the training.
    public enum Scaling: Sendable, Equatable {
        /// They are not, or by the divisors that a tensor gives.
        case none
        /// Positions are divided by `factor` (Chen et al. 2023).
        case linear(factor: Float)
        /// Low frequencies are divided by `factor`, high ones kept (YaRN, Peng et al. 2023).
        case yarn(YaRN)
    }

    /// The parameters of YaRN.
    public struct YaRN: Sendable, Equatable {
        /// What low frequencies are divided by.
        public var factor: Float
        /// Positions of the training, in tokens.
        public var originalContext: Int
        /// Turns over the original context above which a frequency is kept.
        public var fast: Float
        /// Turns over the original context below which it is divided.
        public var slow: Float
    }

    /// Which elements pair up.
    public var pairing = Pairing.neighbours
    /// Leading elements of a head that turn; even.
    public var dimension: Int
    /// The base of the frequencies: pair i turns by position * base^(-2i / dimension).
    public var base: Float
    /// The stretching of frequencies.
    public var scaling = Scaling.none
    /// What sines and cosines are multiplied by.
    public var magnitude: Float = 1
}

extension RotaryConfiguration {
    /// Reads the keys that all architectures share.
    init(_ metadata: MetadataReader, headDimension: Int) throws(ModelError) {
        let rotated = try metadata.count(
            "rope.dimension_count", max: headDimension, default: headDimension)
        guard rotated % 2 == 0 else {
            throw metadata.invalid(
                "rope.dimension_count", rotated, "elements are rotated in pairs")
        }
        dimension = rotated
        base = try metadata.number(
            "rope.freq_base", in: ModelLimits.ropeBase, default: 10_000)
        magnitude = try metadata.number(
            "rope.scaling.attn_factor", in: ModelLimits.ropeMagnitude, default: 1)
        try readScaling(metadata)
    }

    /// A factor without a type means linear scaling; older files call it `rope.scale_linear`.
    private mutating func readScaling(_ metadata: MetadataReader) throws(ModelError) {
        let key =
            metadata.has("rope.scale_linear") && !metadata.has("rope.scaling.factor")
            ? "rope.scale_linear" : "rope.scaling.factor"
        // Zero stands for none.
        let factor = try metadata.number(key, in: 0...ModelLimits.ropeScale.upperBound, default: 0)
        let isScaled = factor != 0
        guard !isScaled || ModelLimits.ropeScale ~= factor else {
            throw metadata.invalid(key, factor, "it must be 0 or in \(ModelLimits.ropeScale)")
        }
        switch try metadata.text("rope.scaling.type", default: "linear") {
        // The divisors of `longrope` and of Llama 3 are tensors.
        case "none", "", "longrope", "llama3": scaling = .none
        case "linear": scaling = isScaled ? .linear(factor: factor) : .none
        case "yarn":
            let context = try metadata.count(
                "rope.scaling.original_context_length", max: ModelLimits.contextLengthMax,
                default: metadata.count("context_length", max: ModelLimits.contextLengthMax))
            scaling = .yarn(
                YaRN(
                    factor: isScaled ? factor : 1, originalContext: context,
                    fast: try metadata.number(
                        "rope.scaling.yarn_beta_fast", in: ModelLimits.yarnTurns, default: 32),
                    slow: try metadata.number(
                        "rope.scaling.yarn_beta_slow", in: ModelLimits.yarnTurns, default: 1)))
        case let other: throw .unsupportedFeature("RoPE scaling of type '\(other.prefix(32))'")
        }
    }
}
