import GGUF
import Kernels
import Model

/// A small valid model whose metadata and tensors a test may then damage.
struct Draft {
    var metadata: [(String, GGUFValue)] = [
        ("general.architecture", .string("llama")),
        ("llama.block_count", .uint32(1)),
        ("llama.context_length", .uint32(64)),
        ("llama.embedding_length", .uint32(32)),
        ("llama.feed_forward_length", .uint32(64)),
        ("llama.attention.head_count", .uint32(4)),
        ("llama.attention.head_count_kv", .uint32(2)),
        ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
    ]
    var tensors: [(name: String, dimensions: [Int], type: GGUFTensorType)] = [
        ("token_embd.weight", [32, 48], .f32),
        ("blk.0.attn_norm.weight", [32], .f32),
        ("blk.0.attn_q.weight", [32, 32], .f16),
        ("blk.0.attn_k.weight", [32, 16], .q8_0),
        ("blk.0.attn_v.weight", [32, 16], .q4_0),
        ("blk.0.attn_output.weight", [32, 32], .bf16),
        ("blk.0.ffn_norm.weight", [32], .f32),
        ("blk.0.ffn_gate.weight", [32, 64], .f32),
        ("blk.0.ffn_up.weight", [32, 64], .f32),
        ("blk.0.ffn_down.weight", [64, 32], .f32),
        ("output_norm.weight", [32], .f32),
    ]
    /// What singles are filled with, by tensor; else a small number that depends on the place.
    var fill: [String: Float] = [:]

    /// All weights in F32, so that none is zero.
    static var singles: Draft {
        var draft = Draft()
        draft.tensors = draft.tensors.map { ($0.name, $0.dimensions, .f32) }
        return draft
    }

    func with(_ key: String, _ value: GGUFValue?) -> Draft {
        var copy = self
        copy.metadata.removeAll { $0.0 == key }
        if let value { copy.metadata.append((key, value)) }
        return copy
    }

    func without(_ tensor: String) -> Draft {
        var copy = self
        copy.tensors.removeAll { $0.name == tensor }
        return copy
    }

    func with(_ tensor: String, _ dimensions: [Int], _ type: GGUFTensorType = .f32) -> Draft {
        var copy = without(tensor)
        copy.tensors.append((tensor, dimensions, type))
        return copy
    }

    func file() throws -> GGUFFile { try GGUFFile(bytes: bytes()) }

    func bytes() throws -> [UInt8] {
        var writer = try GGUFWriter()
        for (key, value) in metadata { try writer.add(key, value) }
        for (name, dimensions, type) in tensors {
            let count = dimensions.reduce(1, *)
            var data = [UInt8](repeating: 0, count: count / type.blockElements * type.blockBytes)
            if type == .f32 {
                let values = (0..<count).map { fill[name] ?? Float(($0 * 37) % 101) / 500 - 0.1 }
                data = values.withUnsafeBytes { Array($0) }
            }
            if type == .q8_0 {
                // A scale of 2^-8 and codes that depend on the place.
                for index in data.indices {
                    let place = index % type.blockBytes
                    data[index] = place == 0 ? 0 : place == 1 ? 0x1c : UInt8(index * 37 % 251)
                }
            }
            try writer.addTensor(name: name, dimensions: dimensions, type: type, data: data)
        }
        return writer.bytes()
    }

    func model() throws -> LoadedModel {
        try LoadedModel(file: file(), kernels: KernelTable.best())
    }
}
