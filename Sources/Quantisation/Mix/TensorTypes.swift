public import GGUF

/// Which type each tensor of a model takes.
///
/// Kept as they are: vectors, norms, the experts' router (`ffn_gate_inp`), position and segment
/// embeddings, whatever is not called `….weight`, and matrices of fewer than
/// ``QuantisationLimits/matrixElementsMin`` elements.
///
/// Every other matrix takes the scheme's base type, except as this table says. It follows the
/// mixes that downloads under these names have; `more(l)` is: layer `l` of `n` is in the first
/// eighth, the last eighth, or every third between.
///
/// | scheme | output, or tied embeddings | attn_v | ffn_down | attn_output | attn_qkv |
/// |---|---|---|---|---|---|
/// | F32 F16 BF16 Q8_0 Q3_K Q4_K Q5_K Q6_K | | | | | |
/// | Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL | Q6_K | | | | |
/// | Q2_K | Q6_K | Q4_K if ≥ 4 heads share a key, else Q3_K | Q3_K | Q3_K | |
/// | Q3_K_S | Q6_K | | | | |
/// | Q3_K_M | Q6_K | Q5_K in layers 0 and 1, else Q4_K | Q5_K in the first 16th, else Q4_K | Q4_K | Q4_K |
/// | Q3_K_L | Q6_K | Q5_K | Q5_K | Q5_K | Q4_K |
/// | Q4_K_S | Q6_K | Q5_K in layers 0 to 3 | Q5_K in the first 8th | | |
/// | Q4_K_M | Q6_K | Q6_K if more(l) | Q6_K if more(l) | | Q5_K |
/// | Q5_K_S | Q6_K | | | | |
/// | Q5_K_M | Q6_K | Q6_K if more(l) | Q6_K if more(l) | | Q6_K |
///
/// With eight experts, every scheme but the first row's gives attn_v and attn_k Q8_0, for they are
/// a small part, and Q2_K, Q3_K_S, Q3_K_M, Q4_K_S, Q4_K_M and IQ4_NL give attn_output Q5_K.
///
/// A row that is no multiple of 256 cannot be a K type: Q2_K and Q3_K become IQ4_NL, Q4_K Q5_0,
/// Q5_K Q5_1, Q6_K Q8_0. A row that is no multiple of 32 becomes F16.
public struct TensorTypes: Sendable {
    private let scheme: QuantisationScheme
    private let shape: ModelShape
    private let isPure: Bool

    /// The rule of one scheme for one model; `isPure` gives every matrix the base type.
    public init(_ scheme: QuantisationScheme, shape: ModelShape, isPure: Bool = false) {
        self.scheme = scheme
        self.shape = shape
        self.isPure = isPure || scheme.isUniform
    }

    /// The type that a tensor takes, or nil where it is kept as it is.
    public func type(name: String, dimensions: [Int]) -> GGUFTensorType? {
        guard Self.isMatrix(name: name, dimensions: dimensions) else { return nil }
        let wanted = isPure ? scheme.base : mixed(name)
        return Self.fitting(wanted, columns: dimensions.first ?? 0)
    }

    private static func isMatrix(name: String, dimensions: [Int]) -> Bool {
        guard dimensions.dropFirst().contains(where: { $0 > 1 }), name.hasSuffix(".weight"),
            dimensions.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue })
                >= QuantisationLimits.matrixElementsMin
        else { return false }
        let kept = ["_norm.weight", "position_embd.weight", "token_types.weight"]
        return !kept.contains(where: name.hasSuffix) && !name.contains("ffn_gate_inp")
    }

    /// `type`, or its replacement where `columns` are not whole blocks.
    static func fitting(_ type: GGUFTensorType, columns: Int) -> GGUFTensorType {
        var type = type
        if columns % type.blockElements != 0 {
            switch type {
            case .q2_k, .q3_k: type = .iq4_nl
            case .q4_k: type = .q5_0
            case .q5_k: type = .q5_1
            case .q6_k: type = .q8_0
            default: break
            }
        }
        return columns % type.blockElements == 0 ? type : .f16
    }

    /// The layer and the part, of `blk.LAYER.PART.weight`.
    private static func place(_ name: String) -> (layer: Int, part: Substring)? {
        let fields = name.split(separator: ".")
        guard fields.count == 4, fields[0] == "blk", let layer = Int(fields[1]) else { return nil }
        return (layer, fields[2])
    }

    private func more(_ layer: Int) -> Bool {
        let eighth = shape.blocks / 8
        return layer < eighth || layer >= 7 * shape.blocks / 8 || (layer - eighth) % 3 == 2
    }

    private func mixed(_ name: String) -> GGUFTensorType {
        let base = scheme.base
        if name == "output.weight" || (shape.isTied && name == "token_embd.weight") {
            return .q6_k
        }
        guard let (layer, part) = Self.place(name) else { return base }
        switch part {
        case "attn_v": return shape.experts == 8 ? .q8_0 : attentionValues(layer)
        case "attn_k": return shape.experts == 8 ? .q8_0 : base
        case "ffn_down", "ffn_down_exps": return down(layer)
        case "attn_output": return attentionOutput
        case "attn_qkv":
            switch scheme {
            case .q3_k_m, .q3_k_l: return .q4_k
            case .q4_k_m: return .q5_k
            case .q5_k_m: return .q6_k
            default: return base
            }
        default: return base
        }
    }

    private func attentionValues(_ layer: Int) -> GGUFTensorType {
        switch scheme {
        case .q2_k: shape.headsPerKey >= 4 ? .q4_k : .q3_k
        case .q3_k_m: layer < 2 ? .q5_k : .q4_k
        case .q3_k_l: .q5_k
        case .q4_k_s: layer < 4 ? .q5_k : .q4_k
        case .q4_k_m, .q5_k_m: more(layer) ? .q6_k : scheme.base
        default: scheme.base
        }
    }

    private func down(_ layer: Int) -> GGUFTensorType {
        switch scheme {
        case .q2_k: .q3_k
        case .q3_k_m: layer < shape.blocks / 16 ? .q5_k : .q4_k
        case .q3_k_l: .q5_k
        case .q4_k_s: layer < shape.blocks / 8 ? .q5_k : .q4_k
        case .q4_k_m, .q5_k_m: more(layer) ? .q6_k : scheme.base
        default: scheme.base
        }
    }

    private var attentionOutput: GGUFTensorType {
        if shape.experts == 8 {
            switch scheme {
            case .q2_k, .q3_k_s, .q3_k_m, .q4_k_s, .q4_k_m, .iq4_nl: return .q5_k
            default: return scheme.base
            }
        }
        switch scheme {
        case .q2_k: return .q3_k
        case .q3_k_m: return .q4_k
        case .q3_k_l: return .q5_k
        default: return scheme.base
        }
    }
}
