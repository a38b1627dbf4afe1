public import GGUF

/// What a file is quantised to, under the names that downloads carry.
///
/// A plain type is given to every matrix, but for what ``TensorTypes`` says of the output; a name
/// with `_S`, `_M` or `_L`, and Q2_K, is a mix that spends more bits where they count.
public enum QuantisationScheme: String, Sendable, Hashable, CaseIterable {
    /// Single precision.
    case f32 = "F32"
    /// Half precision.
    case f16 = "F16"
    /// The upper half of single precision.
    case bf16 = "BF16"
    /// 8.5 bits a weight.
    case q8_0 = "Q8_0"
    /// 4.5 bits a weight.
    case q4_0 = "Q4_0"
    /// 5 bits a weight, with offsets.
    case q4_1 = "Q4_1"
    /// 5.5 bits a weight.
    case q5_0 = "Q5_0"
    /// 6 bits a weight, with offsets.
    case q5_1 = "Q5_1"
    /// 4.5 bits a weight, unequal steps.
    case iq4_nl = "IQ4_NL"
    /// Q2_K with Q3_K and Q4_K where it counts: about 3 bits a weight.
    case q2_k = "Q2_K"
    /// Q3_K for every matrix.
    case q3_k = "Q3_K"
    /// Q3_K, the output Q6_K.
    case q3_k_s = "Q3_K_S"
    /// Q3_K with Q4_K and Q5_K where it counts.
    case q3_k_m = "Q3_K_M"
    /// Q3_K with Q5_K where it counts.
    case q3_k_l = "Q3_K_L"
    /// Q4_K for every matrix.
    case q4_k = "Q4_K"
    /// Q4_K with Q5_K in the first layers.
    case q4_k_s = "Q4_K_S"
    /// Q4_K with Q6_K where it counts.
    case q4_k_m = "Q4_K_M"
    /// Q5_K for every matrix.
    case q5_k = "Q5_K"
    /// Q5_K, the output Q6_K.
    case q5_k_s = "Q5_K_S"
    /// Q5_K with Q6_K where it counts.
    case q5_k_m = "Q5_K_M"
    /// Q6_K for every matrix.
    case q6_k = "Q6_K"

    /// The scheme called `name`, in either case; nil where there is none.
    public init?(name: String) {
        self.init(rawValue: name.uppercased())
    }

    /// All names, for a message that lists them.
    public static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// The type of most matrices.
    public var base: GGUFTensorType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .q8_0: .q8_0
        case .q4_0: .q4_0
        case .q4_1: .q4_1
        case .q5_0: .q5_0
        case .q5_1: .q5_1
        case .iq4_nl: .iq4_nl
        case .q2_k: .q2_k
        case .q3_k, .q3_k_s, .q3_k_m, .q3_k_l: .q3_k
        case .q4_k, .q4_k_s, .q4_k_m: .q4_k
        case .q5_k, .q5_k_s, .q5_k_m: .q5_k
        case .q6_k: .q6_k
        }
    }

    /// Whether every matrix takes ``base``, the output too.
    public var isUniform: Bool {
        switch self {
        case .f32, .f16, .bf16, .q8_0, .q3_k, .q4_k, .q5_k, .q6_k: true
        default: false
        }
    }

    /// The number that stands for the scheme in `general.file_type`.
    public var fileType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q2_k: 10
        case .q3_k, .q3_k_s: 11
        case .q3_k_m: 12
        case .q3_k_l: 13
        case .q4_k, .q4_k_s: 14
        case .q4_k_m: 15
        case .q5_k, .q5_k_s: 16
        case .q5_k_m: 17
        case .q6_k: 18
        case .iq4_nl: 25
        case .bf16: 32
        }
    }
}
