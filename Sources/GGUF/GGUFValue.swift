/// The type of a metadata value; the raw value is the number in the file.
public enum GGUFValueType: UInt32, Sendable, Hashable, CaseIterable {
    /// An unsigned 8-bit integer.
    case uint8 = 0
    /// A signed 8-bit integer.
    case int8 = 1
    /// An unsigned 16-bit integer.
    case uint16 = 2
    /// A signed 16-bit integer.
    case int16 = 3
    /// An unsigned 32-bit integer.
    case uint32 = 4
    /// A signed 32-bit integer.
    case int32 = 5
    /// An IEEE 754 single.
    case float32 = 6
    /// One byte, 0 or 1.
    case bool = 7
    /// A 64-bit length and that many bytes of UTF-8.
    case string = 8
    /// An element type, a 64-bit count and that many elements.
    case array = 9
    /// An unsigned 64-bit integer.
    case uint64 = 10
    /// A signed 64-bit integer.
    case int64 = 11
    /// An IEEE 754 double.
    case float64 = 12

    /// Bytes of one value of this type, or nil where that varies.
    public var byteCount: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}

/// One metadata value.
public enum GGUFValue: Sendable, Equatable {
    /// An unsigned 8-bit integer.
    case uint8(UInt8)
    /// A signed 8-bit integer.
    case int8(Int8)
    /// An unsigned 16-bit integer.
    case uint16(UInt16)
    /// A signed 16-bit integer.
    case int16(Int16)
    /// An unsigned 32-bit integer.
    case uint32(UInt32)
    /// A signed 32-bit integer.
    case int32(Int32)
    /// An unsigned 64-bit integer.
    case uint64(UInt64)
    /// A signed 64-bit integer.
    case int64(Int64)
    /// An IEEE 754 single.
    case float32(Float)
    /// An IEEE 754 double.
    case float64(Double)
    /// A truth value.
    case bool(Bool)
    /// Text.
    case string(String)
    /// Values of one type.
    case array(GGUFArray)

    /// The value's type.
    public var type: GGUFValueType {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .uint64: .uint64
        case .int64: .int64
        case .float32: .float32
        case .float64: .float64
        case .bool: .bool
        case .string: .string
        case .array: .array
        }
    }

    /// The type in words, for error messages.
    public var typeName: String {
        switch self {
        case .array(let array): "array of \(array.elementType)"
        default: "\(type)"
        }
    }

    /// The value as an integer of type `T`, if it is of any integer type and in range.
    public func integer<T: FixedWidthInteger>(as: T.Type = T.self) -> T? {
        switch self {
        case .uint8(let value): T(exactly: value)
        case .int8(let value): T(exactly: value)
        case .uint16(let value): T(exactly: value)
        case .int16(let value): T(exactly: value)
        case .uint32(let value): T(exactly: value)
        case .int32(let value): T(exactly: value)
        case .uint64(let value): T(exactly: value)
        case .int64(let value): T(exactly: value)
        case .float32, .float64, .bool, .string, .array: nil
        }
    }
}

/// An array value. Elements are kept as they stand in the file and decoded when asked for, so that
/// a vocabulary of 150 000 strings costs one copy of its bytes.
///
/// Strings are raw bytes: some vocabularies hold tokens that are not valid UTF-8.
public struct GGUFArray: Sendable, Equatable {
    /// The type of every element; never ``GGUFValueType/array``.
    public let elementType: GGUFValueType
    /// How many elements there are.
    public let count: Int
    /// The elements as in the file: little-endian numbers, or length-prefixed strings.
    let bytes: [UInt8]
    /// For strings: where each one's length stands in `bytes`.
    let starts: [Int]

    init(elementType: GGUFValueType, count: Int, bytes: [UInt8], starts: [Int]) {
        self.elementType = elementType
        self.count = count
        self.bytes = bytes
        self.starts = starts
    }

    /// An array of byte strings.
    public init(strings: [[UInt8]]) {
        var bytes: [UInt8] = []
        var starts: [Int] = []
        starts.reserveCapacity(strings.count)
        for string in strings {
            starts.append(bytes.count)
            bytes.appendLittleEndian(UInt64(string.count))
            bytes.append(contentsOf: string)
        }
        self.init(elementType: .string, count: strings.count, bytes: bytes, starts: starts)
    }

    /// An array of texts.
    public init(strings: [String]) {
        self.init(strings: strings.map { Array($0.utf8) })
    }

    /// An array of singles.
    public init(floats: [Float]) {
        self.init(numbers: floats, type: .float32)
    }

    /// An array of signed 32-bit integers.
    public init(int32s: [Int32]) {
        self.init(numbers: int32s, type: .int32)
    }

    /// An array of unsigned 32-bit integers.
    public init(uint32s: [UInt32]) {
        self.init(numbers: uint32s, type: .uint32)
    }

    private init<T: BitwiseCopyable>(numbers: [T], type: GGUFValueType) {
        let bytes = numbers.withUnsafeBytes { Array($0) }
        self.init(elementType: type, count: numbers.count, bytes: bytes, starts: [])
    }

    /// The byte string at `index`, or nil where the elements are no strings.
    public func byteString(at index: Int) -> [UInt8]? {
        guard elementType == .string else { return nil }
        let start = starts[index]
        let length = bytes.withUnsafeBytes {
            Int($0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        return Array(bytes[start + 8..<start + 8 + length])
    }

    /// All byte strings, or nil where the elements are no strings.
    public func byteStrings() -> [[UInt8]]? {
        guard elementType == .string else { return nil }
        return bytes.withUnsafeBytes { raw in
            starts.map { start in
                let length = Int(raw.loadUnaligned(fromByteOffset: start, as: UInt64.self))
                return [UInt8](
                    UnsafeRawBufferPointer(rebasing: raw[start + 8..<start + 8 + length]))
            }
        }
    }

    /// All elements as singles, or nil where they are not `float32`.
    public func floats() -> [Float]? {
        elementType == .float32 ? numbers(as: Float.self) : nil
    }

    /// All elements as `T`, or nil where they are no integers or one is out of range.
    public func integers<T: FixedWidthInteger>(as: T.Type = T.self) -> [T]? {
        switch elementType {
        case .uint8: converted(UInt8.self)
        case .int8: converted(Int8.self)
        case .uint16: converted(UInt16.self)
        case .int16: converted(Int16.self)
        case .uint32: converted(UInt32.self)
        case .int32: converted(Int32.self)
        case .uint64: converted(UInt64.self)
        case .int64: converted(Int64.self)
        case .float32, .float64, .bool, .string, .array: nil
        }
    }

    private func converted<S: FixedWidthInteger & BitwiseCopyable, T: FixedWidthInteger>(
        _ source: S.Type
    ) -> [T]? {
        let values = numbers(as: source)
        if let same = values as? [T] { return same }
        var result: [T] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let exact = T(exactly: value) else { return nil }
            result.append(exact)
        }
        return result
    }

    /// One copy instead of a loop: debug builds read vocabularies too. Every machine this runs on
    /// is little-endian, as the file is.
    private func numbers<T: BitwiseCopyable>(as: T.Type) -> [T] {
        [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.withUnsafeBytes { raw in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: raw[..<(count * MemoryLayout<T>.size)]))
            }
            initialized = count
        }
    }
}

extension [UInt8] {
    /// Appends an integer, least significant byte first.
    mutating func appendLittleEndian<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
