import GGUF

extension Draft {
    /// A draft of each architecture, with all that is optional.
    static let all: [(name: String, draft: Draft)] = [
        ("llama", Draft()), ("llama with biases", biased), ("llama with experts", experts),
        ("llama with split experts", splitExperts), ("qwen2", qwen2), ("qwen3", qwen3),
        ("phi3", phi3), ("gemma3", gemma3), ("bert", bert),
    ]

    /// The Llama draft under another name.
    private func renamed(_ architecture: String) -> Draft {
        var copy = self
        copy.metadata = metadata.map { key, value in
            key == "general.architecture"
                ? (key, .string(architecture))
                : (key.replacing("llama.", with: architecture + "."), value)
        }
        return copy
    }

    static var biased: Draft {
        Draft().with("blk.0.attn_q.bias", [32]).with("blk.0.attn_k.bias", [16])
            .with("blk.0.attn_v.bias", [16]).with("blk.0.attn_output.bias", [32])
            .with("blk.0.ffn_gate.bias", [64]).with("blk.0.ffn_up.bias", [64])
            .with("blk.0.ffn_down.bias", [32]).with("output.weight", [32, 48], .q8_0)
    }

    static var experts: Draft {
        Draft().without("blk.0.ffn_gate.weight").without("blk.0.ffn_up.weight")
            .without("blk.0.ffn_down.weight")
            .with("llama.expert_count", .uint32(3)).with("llama.expert_used_count", .uint32(2))
            .with("blk.0.ffn_gate_inp.weight", [32, 3])
            .with("blk.0.ffn_gate_exps.weight", [32, 64, 3], .q8_0)
            .with("blk.0.ffn_up_exps.weight", [32, 64, 3])
            .with("blk.0.ffn_down_exps.weight", [64, 32, 3])
    }

    static var splitExperts: Draft {
        var draft = experts
        for (name, shape) in [("gate", [32, 64]), ("up", [32, 64]), ("down", [64, 32])] {
            draft = draft.without("blk.0.ffn_\(name)_exps.weight")
            for expert in 0..<3 {
                draft = draft.with("blk.0.ffn_\(name).\(expert).weight", shape)
            }
        }
        return draft
    }

    static var qwen2: Draft {
        Draft().renamed("qwen2").with("blk.0.attn_q.bias", [32])
            .with("blk.0.attn_k.bias", [16]).with("blk.0.attn_v.bias", [16])
    }

    static var qwen3: Draft {
        Draft().renamed("qwen3").with("qwen3.attention.key_length", .uint32(16))
            .with("qwen3.attention.value_length", .uint32(16))
            .with("blk.0.attn_q.weight", [32, 64]).with("blk.0.attn_k.weight", [32, 32])
            .with("blk.0.attn_v.weight", [32, 32]).with("blk.0.attn_output.weight", [64, 32])
            .with("blk.0.attn_q_norm.weight", [16]).with("blk.0.attn_k_norm.weight", [16])
    }

    static var phi3: Draft {
        Draft().renamed("phi3").without("blk.0.attn_q.weight").without("blk.0.attn_k.weight")
            .without("blk.0.attn_v.weight").without("blk.0.ffn_gate.weight")
            .with("blk.0.attn_qkv.weight", [32, 64]).with("blk.0.ffn_up.weight", [32, 128])
            .with("phi3.attention.sliding_window", .uint32(5))
            .with("phi3.rope.scaling.original_context_length", .uint32(64))
    }

    static var gemma3: Draft {
        Draft().renamed("gemma3").with("blk.0.attn_q_norm.weight", [8])
            .with("blk.0.attn_k_norm.weight", [8]).with("blk.0.post_attention_norm.weight", [32])
            .with("blk.0.post_ffw_norm.weight", [32])
            .with("gemma3.attention.sliding_window", .uint32(3))
    }

    static var bert: Draft {
        var draft = Draft()
        draft.metadata = [
            ("general.architecture", .string("bert")),
            ("bert.block_count", .uint32(1)),
            ("bert.context_length", .uint32(64)),
            ("bert.embedding_length", .uint32(32)),
            ("bert.feed_forward_length", .uint32(64)),
            ("bert.attention.head_count", .uint32(4)),
            ("bert.attention.layer_norm_epsilon", .float32(1e-12)),
            ("bert.attention.causal", .bool(false)),
            ("bert.pooling_type", .uint32(1)),
        ]
        draft.tensors = [
            ("token_embd.weight", [32, 48], .f32), ("position_embd.weight", [32, 64], .f32),
            ("token_types.weight", [32, 2], .f32), ("token_embd_norm.weight", [32], .f32),
            ("token_embd_norm.bias", [32], .f32),
        ]
        for (name, rows, columns) in [
            ("attn_q", 32, 32), ("attn_k", 32, 32), ("attn_v", 32, 32), ("attn_output", 32, 32),
            ("ffn_up", 64, 32), ("ffn_down", 32, 64),
        ] {
            draft.tensors.append(("blk.0.\(name).weight", [columns, rows], .f32))
            draft.tensors.append(("blk.0.\(name).bias", [rows], .f32))
        }
        for name in ["attn_output_norm", "layer_output_norm"] {
            draft.tensors.append(("blk.0.\(name).weight", [32], .f32))
            draft.tensors.append(("blk.0.\(name).bias", [32], .f32))
        }
        return draft
    }

    /// With all weights in F32, so that none is zero.
    var inSingles: Draft {
        var copy = self
        copy.tensors = tensors.map { ($0.name, $0.dimensions, .f32) }
        return copy
    }
}
