/// Qwen2 (Yang et al. 2024): Llama with biases on queries, keys and values, and rotary positions on
/// pairs across the halves of a head.
enum Qwen2: ArchitectureDescription {
    static func configuration(
        _ metadata: MetadataReader
    ) throws(ModelError) -> ModelConfiguration {
        try ModelConfiguration(decoder: metadata, pairing: .halves)
    }

    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile {
        LayerInFile(
            attentionNorm: try tensors.norm("attn_norm"),
            attentionInputs: try tensors.queryKeyValue(bias: .required),
            attentionOutput: try tensors.attentionOutput(bias: .optional),
            feedForwardNorm: try tensors.norm("ffn_norm"),
            feedForward: .dense(try tensors.gatedFeedForward(.none)))
    }
}
