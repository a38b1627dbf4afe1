/// Phi-3 (Abdin et al. 2024): Llama with one matrix for queries, keys and values and one for gate
/// and up, rotary positions across the halves of a head, and possibly a window.
///
/// Long contexts divide the frequencies by `rope_factors_long.weight`, short ones by
/// `rope_factors_short.weight` (LongRoPE, Ding et al. 2024). Which is a property of the file, not
/// of a request, so that the same tokens always give the same logits: the long ones where the
/// model's context is longer than that of its training.
enum Phi3: ArchitectureDescription {
    static func configuration(
        _ metadata: MetadataReader
    ) throws(ModelError) -> ModelConfiguration {
        var shape = try ModelConfiguration(decoder: metadata, pairing: .halves)
        let original = try metadata.count(
            "rope.scaling.original_context_length", max: ModelLimits.contextLengthMax,
            default: shape.contextLength)
        shape.ropeFactors =
            shape.contextLength > original
            ? "rope_factors_long.weight" : "rope_factors_short.weight"
        return shape
    }

    static func ends(_ tensors: inout TensorFinder) throws(ModelError) -> ModelEndsInFile {
        tensors.ignore("rope_factors_long.weight")
        tensors.ignore("rope_factors_short.weight")
        return try tensors.decoderEnds()
    }

    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile {
        let shape = tensors.shape
        return LayerInFile(
            attentionNorm: try tensors.norm("attn_norm"),
            attentionInputs: tensors.has("blk.\(tensors.layer).attn_qkv.weight")
                ? [
                    try tensors.linear(
                        "attn_qkv", rows: shape.attentionInputLength,
                        columns: shape.embeddingLength, bias: .optional)
                ] : try tensors.queryKeyValue(bias: .optional),
            attentionOutput: try tensors.attentionOutput(bias: .optional),
            feedForwardNorm: try tensors.norm("ffn_norm"),
            feedForward: .dense(
                FeedForwardInFile(
                    inputs: [
                        try tensors.linear(
                            "ffn_up", rows: 2 * shape.feedForwardLength,
                            columns: shape.embeddingLength, bias: .none)
                    ],
                    output: try tensors.linear(
                        "ffn_down", rows: shape.embeddingLength,
                        columns: shape.feedForwardLength, bias: .none))))
    }
}
