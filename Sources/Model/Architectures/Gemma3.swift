/// Gemma 3 (Gemma Team 2025): norms before and after each sublayer, normalised queries and keys,
/// a gate of gelu, embeddings times the root of their length. Five layers see a window of
/// positions, rotated on the base 10000; each sixth sees all of them, rotated on the file's base
/// and stretched as the file says.
///
/// The published weights of norms are offsets from one; files hold the sums.
enum Gemma3: ArchitectureDescription {
    static func configuration(
        _ metadata: MetadataReader
    ) throws(ModelError) -> ModelConfiguration {
        var shape = try ModelConfiguration(decoder: metadata, pairing: .halves)
        shape.activation = .geGLU
        shape.embeddingScale = Float(shape.embeddingLength).squareRoot()
        // The model of 27 billion, known by its layers, scales by the width that its heads would
        // have had; the others by the width that they have.
        if shape.layerCount == 62 {
            let width = Float(shape.embeddingLength) / Float(shape.headCount)
            shape.attentionScale = 1 / width.squareRoot()
        }
        shape.globalLayerEvery = try metadata.count(
            "attention.sliding_window_pattern", max: ModelLimits.layersMax, default: 6)
        if var local = shape.rotation {
            local.scaling = .none
            local.magnitude = 1
            local.base = try metadata.number(
                "rope.freq_base_swa", in: ModelLimits.ropeBase, default: 10_000)
            shape.windowRotation = local
        }
        return shape
    }

    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile {
        LayerInFile(
            attentionNorm: try tensors.norm("attn_norm"),
            attentionInputs: try tensors.queryKeyValue(bias: .none),
            queryNorm: try tensors.headNorm("attn_q_norm"),
            keyNorm: try tensors.headNorm("attn_k_norm"),
            attentionOutput: try tensors.attentionOutput(bias: .none),
            attentionResultNorm: try tensors.norm("post_attention_norm"),
            feedForwardNorm: try tensors.norm("ffn_norm"),
            feedForward: .dense(try tensors.gatedFeedForward(.none)),
            feedForwardResultNorm: try tensors.norm("post_ffw_norm"))
    }
}
