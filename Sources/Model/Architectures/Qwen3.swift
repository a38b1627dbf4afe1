/// Qwen3 (Yang et al. 2025): Qwen2 without biases; instead each head of the queries and keys is
/// normalised before it is rotated.
enum Qwen3: ArchitectureDescription {
    static func configuration(
        _ metadata: MetadataReader
    ) throws(ModelError) -> ModelConfiguration {
        try ModelConfiguration(decoder: metadata, pairing: .halves)
    }

    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile {
        LayerInFile(
            attentionNorm: try tensors.norm("attn_norm"),
            attentionInputs: try tensors.queryKeyValue(bias: .optional),
            queryNorm: try tensors.headNorm("attn_q_norm"),
            keyNorm: try tensors.headNorm("attn_k_norm"),
            attentionOutput: try tensors.attentionOutput(bias: .optional),
            feedForwardNorm: try tensors.norm("ffn_norm"),
            feedForward: .dense(try tensors.gatedFeedForward(.none)))
    }
}
