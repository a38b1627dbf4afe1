public import GGUF

/// What a run did.
public struct QuantisationReport: Sendable {
    /// All tensors of one type in the new file.
    public struct Part: Sendable {
        /// The type.
        public let type: GGUFTensorType
        /// How many tensors.
        public internal(set) var tensors = 0
        /// Their elements.
        public internal(set) var elements = 0
        /// Their bytes in the source.
        public internal(set) var bytesIn = 0
        /// Their bytes in the new file.
        public internal(set) var bytesOut = 0
        /// The sum of squared differences from the source, over those that were converted.
        public internal(set) var squaredError = 0.0
        /// The sum of squares of the source's values, over those that were converted.
        public internal(set) var squares = 0.0

        /// The root of the mean squared error, relative to that of the values; 0 where nothing
        /// was converted.
        public var relativeError: Double {
            squares > 0 ? (squaredError / squares).squareRoot() : 0
        }

        init(_ type: GGUFTensorType) { self.type = type }
    }

    /// By type, in the order of ``RowEncoder/types``, then any that were only copied.
    public internal(set) var parts: [Part] = []
    /// Bytes of the source file.
    public internal(set) var bytesIn = 0
    /// Bytes of the new file.
    public internal(set) var bytesOut = 0
    /// Matrices that were quantised already in the source, and lost more now.
    public internal(set) var requantised = 0

    /// All elements.
    public var elements: Int { parts.reduce(0) { $0 + $1.elements } }

    /// Bits of tensor data for each element.
    public var bitsPerWeight: Double {
        elements > 0 ? Double(parts.reduce(0) { $0 + $1.bytesOut }) * 8 / Double(elements) : 0
    }

    /// The error over all that was converted, as ``Part/relativeError``.
    public var relativeError: Double {
        let squares = parts.reduce(0) { $0 + $1.squares }
        let error = parts.reduce(0) { $0 + $1.squaredError }
        return squares > 0 ? (error / squares).squareRoot() : 0
    }

    /// Adds to the part of one type.
    mutating func count(_ type: GGUFTensorType, _ change: (inout Part) -> Void) {
        if let index = parts.firstIndex(where: { $0.type == type }) {
            change(&parts[index])
        } else {
            var part = Part(type)
            change(&part)
            parts.append(part)
        }
    }

    mutating func sort() {
        func rank(_ part: Part) -> Int {
            RowEncoder.types.firstIndex(of: part.type) ?? Int(part.type.rawValue) + 100
        }
        parts.sort { rank($0) < rank($1) }
    }
}
