import GGUF
import Quantisation
import Testing

@Suite struct MixTests {
    private func type(
        _ scheme: QuantisationScheme, _ name: String, _ dimensions: [Int] = [2048, 2048],
        _ shape: ModelShape = ModelShape(blocks: 16, headsPerKey: 4), pure: Bool = false
    ) -> GGUFTensorType? {
        TensorTypes(scheme, shape: shape, isPure: pure).type(name: name, dimensions: dimensions)
    }

    private func layers(
        _ scheme: QuantisationScheme, _ part: String, like wanted: GGUFTensorType,
        of count: Int = 16
    ) -> [Int] {
        (0..<count).filter {
            type(scheme, "blk.\($0).\(part).weight", [2048, 2048], ModelShape(blocks: count))
                == wanted
        }
    }

    @Test("Names are taken in either case, and list every scheme") func names() {
        #expect(QuantisationScheme(name: "q4_k_m") == .q4_k_m)
        #expect(QuantisationScheme(name: "Iq4_nL") == .iq4_nl)
        #expect(QuantisationScheme(name: "q4") == nil)
        for scheme in QuantisationScheme.allCases {
            #expect(QuantisationScheme(name: scheme.rawValue) == scheme)
            #expect(RowEncoder(scheme.base) != nil)
        }
    }

    @Test(
        "Vectors, norms, routers, small and unnamed matrices are kept",
        arguments: QuantisationScheme.allCases)
    func kept(scheme: QuantisationScheme) {
        #expect(type(scheme, "output_norm.weight", [2048]) == nil)
        #expect(type(scheme, "blk.0.attn_norm.weight", [2048, 2]) == nil)
        #expect(type(scheme, "blk.0.ffn_gate_inp.weight", [2048, 8]) == nil)
        #expect(type(scheme, "blk.0.attn_q.bias", [2048, 2]) == nil)
        #expect(type(scheme, "blk.0.attn_q.weight", [2048, 1]) == nil)
        #expect(type(scheme, "blk.0.attn_q.weight", [32, 16]) == nil)
        #expect(type(scheme, "token_types.weight", [2048, 2]) == nil)
        #expect(type(scheme, "blk.0.attn_q.weight", [2048, 2048]) == scheme.base)
    }

    @Test("Q4_K_M and Q5_K_M spend Q6_K on the ends and every third layer between")
    func moreBits() {
        for scheme in [QuantisationScheme.q4_k_m, .q5_k_m] {
            for part in ["attn_v", "ffn_down"] {
                #expect(layers(scheme, part, like: .q6_k) == [0, 1, 4, 7, 10, 13, 14, 15])
            }
            #expect(layers(scheme, "ffn_up", like: .q6_k).isEmpty)
            #expect(type(scheme, "blk.3.attn_v.weight") == scheme.base)
            #expect(type(scheme, "output.weight") == .q6_k)
        }
        #expect(
            layers(.q4_k_m, "ffn_down", like: .q6_k, of: 24)
                == [0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23])
    }

    @Test("The other mixes follow their table") func table() {
        #expect(type(.q2_k, "blk.5.attn_v.weight") == .q4_k)
        #expect(type(.q2_k, "blk.5.attn_v.weight", [256, 256], ModelShape(blocks: 16)) == .q3_k)
        #expect(type(.q2_k, "blk.5.ffn_down.weight") == .q3_k)
        #expect(type(.q2_k, "blk.5.attn_output.weight") == .q3_k)
        #expect(type(.q2_k, "blk.5.ffn_up.weight") == .q2_k)
        #expect(layers(.q3_k_m, "attn_v", like: .q5_k) == [0, 1])
        #expect(layers(.q3_k_m, "ffn_down", like: .q5_k) == [0])
        #expect(type(.q3_k_m, "blk.9.ffn_down.weight") == .q4_k)
        #expect(type(.q3_k_l, "blk.9.attn_output.weight") == .q5_k)
        #expect(layers(.q4_k_s, "attn_v", like: .q5_k) == [0, 1, 2, 3])
        #expect(layers(.q4_k_s, "ffn_down", like: .q5_k) == [0, 1])
        #expect(type(.q4_k_m, "blk.9.attn_qkv.weight") == .q5_k)
        #expect(type(.q5_k_s, "blk.0.ffn_down.weight") == .q5_k)
        #expect(type(.q4_k_m, "blk.0.ffn_down_exps.weight", [2048, 64, 4]) == .q6_k)
    }

    @Test("The output, or the embeddings where they are tied to it, take Q6_K in a mix")
    func output() {
        let tied = ModelShape(blocks: 16, isTied: true)
        for scheme in [QuantisationScheme.q4_0, .q4_k_m, .q2_k, .iq4_nl] {
            #expect(type(scheme, "output.weight") == .q6_k)
            #expect(type(scheme, "token_embd.weight") == scheme.base)
            #expect(type(scheme, "token_embd.weight", [2048, 9], tied) == .q6_k)
            #expect(type(scheme, "token_embd.weight", [576, 9], tied) == .q8_0)
            #expect(type(scheme, "output.weight", pure: true) == scheme.base)
        }
        for scheme in [QuantisationScheme.q8_0, .f16, .q4_k] {
            #expect(type(scheme, "output.weight") == scheme.base)
        }
    }

    @Test("With eight experts the few shared matrices get more bits") func experts() {
        let shape = ModelShape(blocks: 16, headsPerKey: 4, experts: 8)
        #expect(type(.q4_k_m, "blk.3.attn_v.weight", [256, 256], shape) == .q8_0)
        #expect(type(.q4_k_m, "blk.3.attn_k.weight", [256, 256], shape) == .q8_0)
        #expect(type(.q4_k_m, "blk.3.attn_output.weight", [256, 256], shape) == .q5_k)
        #expect(type(.q5_k_m, "blk.3.attn_output.weight", [256, 256], shape) == .q5_k)
    }

    @Test("Rows that are not whole blocks fall back to a type that fits") func fallback() {
        let cases: [(QuantisationScheme, GGUFTensorType)] = [
            (.q2_k, .iq4_nl), (.q3_k, .iq4_nl), (.q4_k, .q5_0), (.q5_k, .q5_1), (.q6_k, .q8_0),
            (.q4_0, .q4_0), (.bf16, .bf16),
        ]
        for (scheme, wanted) in cases {
            #expect(type(scheme, "blk.0.attn_q.weight", [96, 96]) == wanted)
        }
        #expect(type(.q8_0, "blk.0.attn_q.weight", [100, 100]) == .f16)
        #expect(type(.f32, "blk.0.attn_q.weight", [100, 100]) == .f32)
    }

    @Test("A file's own name for its type is the scheme that made it") func fileTypes() {
        for scheme in QuantisationScheme.allCases {
            // Of the plain K types and their small mixes a file can't tell which it is.
            let name = GGUFFile.fileTypeName(scheme.fileType)
            #expect(name == scheme.rawValue || name == scheme.rawValue + "_S")
        }
        #expect(GGUFFile.fileTypeName(9999) == nil)
    }
}
