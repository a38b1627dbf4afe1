/// Llama (Touvron et al. 2023): RMS norms before attention and feed-forward, rotary positions on
/// neighbouring pairs, grouped queries, SwiGLU. Also Mistral (Jiang et al. 2023), which may see a
/// window, and Mixtral (Jiang et al. 2024), whose feed-forward layers are experts.
///
/// The frequencies of Llama 3 are divided by `rope_freqs.weight`.
enum Llama: ArchitectureDescription {
    static func configuration(
        _ metadata: MetadataReader
    ) throws(ModelError) -> ModelConfiguration {
        var shape = try ModelConfiguration(decoder: metadata, pairing: .neighbours)
        shape.expertCount = try metadata.whole(
            "expert_count", in: 0...ModelLimits.expertsMax, default: 0)
        if shape.expertCount > 0 {
            shape.expertsUsed = try metadata.count(
                "expert_used_count", max: shape.expertCount)
        }
        return shape
    }

    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile {
        LayerInFile(
            attentionNorm: try tensors.norm("attn_norm"),
            attentionInputs: try tensors.queryKeyValue(bias: .optional),
            attentionOutput: try tensors.attentionOutput(bias: .optional),
            feedForwardNorm: try tensors.norm("ffn_norm"),
            feedForward: tensors.shape.expertCount > 0
                ? .experts(try tensors.experts()) : .dense(try tensors.gatedFeedForward(.optional)))
    }
}
