/// How a tensor's elements are stored. The raw value is the number in the file.
///
/// The parser needs the block size of every type to know where a tensor ends, so it lists types
/// that no kernel here computes with; refusing those is `Model`'s part.
public enum GGUFTensorType: UInt32, Sendable, CaseIterable, Hashable, CustomStringConvertible {
    /// F32: 1 element in 4 bytes.
    case f32 = 0
    /// F16: 1 element in 2 bytes.
    case f16 = 1
    /// Q4_0: 32 elements in 18 bytes.
    case q4_0 = 2
    /// Q4_1: 32 elements in 20 bytes.
    case q4_1 = 3
    /// Q5_0: 32 elements in 22 bytes.
    case q5_0 = 6
    /// Q5_1: 32 elements in 24 bytes.
    case q5_1 = 7
    /// Q8_0: 32 elements in 34 bytes.
    case q8_0 = 8
    /// Q8_1: 32 elements in 36 bytes.
    case q8_1 = 9
    /// Q2_K: 256 elements in 84 bytes.
    case q2_k = 10
    /// Q3_K: 256 elements in 110 bytes.
    case q3_k = 11
    /// Q4_K: 256 elements in 144 bytes.
    case q4_k = 12
    /// Q5_K: 256 elements in 176 bytes.
    case q5_k = 13
    /// Q6_K: 256 elements in 210 bytes.
    case q6_k = 14
    /// Q8_K: 256 elements in 292 bytes.
    case q8_k = 15
    /// IQ2_XXS: 256 elements in 66 bytes.
    case iq2_xxs = 16
    /// IQ2_XS: 256 elements in 74 bytes.
    case iq2_xs = 17
    /// IQ3_XXS: 256 elements in 98 bytes.
    case iq3_xxs = 18
    /// IQ1_S: 256 elements in 50 bytes.
    case iq1_s = 19
    /// IQ4_NL: 32 elements in 18 bytes.
    case iq4_nl = 20
    /// IQ3_S: 256 elements in 110 bytes.
    case iq3_s = 21
    /// IQ2_S: 256 elements in 82 bytes.
    case iq2_s = 22
    /// IQ4_XS: 256 elements in 136 bytes.
    case iq4_xs = 23
    /// I8: 1 element in 1 bytes.
    case i8 = 24
    /// I16: 1 element in 2 bytes.
    case i16 = 25
    /// I32: 1 element in 4 bytes.
    case i32 = 26
    /// I64: 1 element in 8 bytes.
    case i64 = 27
    /// F64: 1 element in 8 bytes.
    case f64 = 28
    /// IQ1_M: 256 elements in 56 bytes.
    case iq1_m = 29
    /// BF16: 1 element in 2 bytes.
    case bf16 = 30
    /// TQ1_0: 256 elements in 54 bytes.
    case tq1_0 = 34
    /// TQ2_0: 256 elements in 66 bytes.
    case tq2_0 = 35
    /// MXFP4: 32 elements in 17 bytes.
    case mxfp4 = 39

    /// The layout of one block: elements, bytes and the name people use.
    private var layout: (elements: Int, bytes: Int, name: String) {
        switch self {
        case .f32: (1, 4, "F32")
        case .f16: (1, 2, "F16")
        case .q4_0: (32, 18, "Q4_0")
        case .q4_1: (32, 20, "Q4_1")
        case .q5_0: (32, 22, "Q5_0")
        case .q5_1: (32, 24, "Q5_1")
        case .q8_0: (32, 34, "Q8_0")
        case .q8_1: (32, 36, "Q8_1")
        case .q2_k: (256, 84, "Q2_K")
        case .q3_k: (256, 110, "Q3_K")
        case .q4_k: (256, 144, "Q4_K")
        case .q5_k: (256, 176, "Q5_K")
        case .q6_k: (256, 210, "Q6_K")
        case .q8_k: (256, 292, "Q8_K")
        case .iq2_xxs: (256, 66, "IQ2_XXS")
        case .iq2_xs: (256, 74, "IQ2_XS")
        case .iq3_xxs: (256, 98, "IQ3_XXS")
        case .iq1_s: (256, 50, "IQ1_S")
        case .iq4_nl: (32, 18, "IQ4_NL")
        case .iq3_s: (256, 110, "IQ3_S")
        case .iq2_s: (256, 82, "IQ2_S")
        case .iq4_xs: (256, 136, "IQ4_XS")
        case .i8: (1, 1, "I8")
        case .i16: (1, 2, "I16")
        case .i32: (1, 4, "I32")
        case .i64: (1, 8, "I64")
        case .f64: (1, 8, "F64")
        case .iq1_m: (256, 56, "IQ1_M")
        case .bf16: (1, 2, "BF16")
        case .tq1_0: (256, 54, "TQ1_0")
        case .tq2_0: (256, 66, "TQ2_0")
        case .mxfp4: (32, 17, "MXFP4")
        }
    }

    /// How many elements a block holds; a row is a whole number of blocks.
    public var blockElements: Int { layout.elements }

    /// How many bytes a block takes.
    public var blockBytes: Int { layout.bytes }

    /// The name people use, such as `Q4_0`.
    public var name: String { layout.name }

    /// The name people use, such as `Q4_0`.
    public var description: String { name }
}

/// Where a tensor lies in its file, and its shape. Made by the parser, which has checked it.
public struct GGUFTensor: Sendable, Hashable {
    /// The name, such as `blk.0.attn_q.weight`.
    public let name: String
    /// Elements along each dimension, 1 to 4 of them; the first is the contiguous one.
    public let dimensions: [Int]
    /// How the elements are stored.
    public let type: GGUFTensorType
    /// The first byte of the data, from the beginning of the file.
    public let offset: Int
    /// How many bytes the data takes.
    public let byteCount: Int

    /// How many elements the tensor has.
    public var elementCount: Int { dimensions.reduce(1, *) }

    /// Elements in a row: the first dimension.
    public var rowElements: Int { dimensions[0] }

    /// How many rows of ``rowElements`` the tensor has.
    public var rowCount: Int { dimensions.dropFirst().reduce(1, *) }

    /// How many bytes a row takes.
    public var rowBytes: Int { rowElements / type.blockElements * type.blockBytes }

    /// The bytes that a tensor of this shape takes, or why it cannot exist.
    static func byteCount(
        name: String, dimensions: [Int], type: GGUFTensorType
    ) throws(GGUFError) -> Int {
        guard !dimensions.isEmpty, dimensions.count <= GGUFLimits.dimensionsMax else {
            throw .invalidShape(
                tensor: name,
                reason: "\(dimensions.count) dimensions, where 1 to \(GGUFLimits.dimensionsMax) "
                    + "are allowed")
        }
        guard dimensions[0] % type.blockElements == 0 else {
            throw .invalidShape(
                tensor: name,
                reason: "a row of \(dimensions[0]) elements is not whole \(type.name) blocks of "
                    + "\(type.blockElements)")
        }
        var count = 1
        for dimension in dimensions {
            guard dimension > 0 else {
                throw .invalidShape(tensor: name, reason: "a dimension is \(dimension)")
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else {
                throw .invalidShape(tensor: name, reason: "its element count overflows")
            }
            count = product
        }
        let (bytes, overflow) = (count / type.blockElements)
            .multipliedReportingOverflow(by: type.blockBytes)
        guard !overflow else {
            throw .invalidShape(tensor: name, reason: "its byte count overflows")
        }
        return bytes
    }
}
