/// BERT (Devlin et al. 2019): an encoder. Tokens, their positions and their kind are embedded and
/// summed; every token attends to all; the norms, of layers, come after each sum; all products have
/// biases; the feed-forward layer is gelu without a gate.
///
/// The vectors of a text's tokens are pooled as the file says (Reimers and Gurevych 2019).
enum Bert: ArchitectureDescription {
    static func configuration(
        _ metadata: MetadataReader
    ) throws(ModelError) -> ModelConfiguration {
        var shape = try ModelConfiguration(metadata)
        guard shape.contextLength <= ModelLimits.encoderContextMax else {
            throw metadata.invalid(
                "context_length", shape.contextLength,
                "an encoder takes at most \(ModelLimits.encoderContextMax) tokens")
        }
        shape.norm = .layer
        shape.normEpsilon = try metadata.number(
            "attention.layer_norm_epsilon", in: ModelLimits.normEpsilon)
        shape.activation = .gelu
        if try metadata.flag("attention.causal", default: false) {
            throw .unsupportedFeature("an encoder that looks back only")
        }
        let pooling = try metadata.whole("pooling_type", in: 0...255, default: 1)
        guard let known = ModelConfiguration.Pooling(rawValue: UInt32(pooling)) else {
            throw .unsupportedFeature("pooling of type \(pooling)")
        }
        shape.pooling = known
        return shape
    }

    static func ends(_ tensors: inout TensorFinder) throws(ModelError) -> ModelEndsInFile {
        ModelEndsInFile(
            embedding: try tensors.embedding("token_embd.weight"),
            positions: try tensors.matrix(
                "position_embd.weight", rows: tensors.shape.contextLength,
                columns: tensors.shape.embeddingLength),
            kind: tensors.has("token_types.weight")
                ? try tensors.firstRow(
                    "token_types.weight", columns: tensors.shape.embeddingLength) : nil,
            embeddingNorm: try tensors.norm("token_embd_norm"))
    }

    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile {
        let shape = tensors.shape
        return LayerInFile(
            attentionInputs: try tensors.queryKeyValue(bias: .required),
            attentionOutput: try tensors.attentionOutput(bias: .required),
            attentionStreamNorm: try tensors.norm("attn_output_norm"),
            feedForward: .dense(
                FeedForwardInFile(
                    inputs: [
                        try tensors.linear(
                            "ffn_up", rows: shape.feedForwardLength,
                            columns: shape.embeddingLength, bias: .required)
                    ],
                    output: try tensors.linear(
                        "ffn_down", rows: shape.embeddingLength,
                        columns: shape.feedForwardLength, bias: .required))),
            feedForwardStreamNorm: try tensors.norm("layer_output_norm"))
    }
}
