public import Kernels

/// How keys and values are kept. Part of a request's identity: it changes the logits.
public enum KVType: UInt8, Sendable, CaseIterable {
    /// Single precision.
    case f32 = 0
    /// Half precision, rounded to nearest even.
    case f16 = 1
    /// 8-bit codes with a scale for each 32 elements.
    case q8 = 2

    /// The kernels' name for it.
    public var format: KVFormat {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .q8: .q8
        }
    }

    /// Whether a model of this shape can keep its keys and values so.
    public func fits(_ configuration: ModelConfiguration) -> Bool {
        KVBlock.bytes(format, headDimension: configuration.headDimension) != nil
    }
}

extension KVType: CustomStringConvertible {
    /// The name users give: `f32`, `f16` or `q8`.
    public var description: String {
        switch self {
        case .f32: "f32"
        case .f16: "f16"
        case .q8: "q8"
        }
    }

    /// The type called `name`, if there is one.
    public init?(name: some StringProtocol) {
        guard let type = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = type
    }
}
