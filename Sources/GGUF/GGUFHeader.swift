/// Everything a GGUF file holds before its data: metadata and the places of tensors, in the order
/// they were added. With it a file can be written as a stream, its data never in memory at once.
///
/// It refuses what the parser would refuse.
public struct GGUFHeader: Sendable {
    /// A tensor's entry.
    public struct Tensor: Sendable, Hashable {
        /// The name.
        public let name: String
        /// Elements along each dimension; the first is the contiguous one.
        public let dimensions: [Int]
        /// How the elements are stored.
        public let type: GGUFTensorType
        /// The first byte of the data, from the beginning of all data.
        public let offset: Int
        /// How many bytes the data takes.
        public let byteCount: Int
    }

    /// Where tensors begin: at multiples of so many bytes.
    public private(set) var alignment: Int
    /// The tensors so far.
    public private(set) var tensors: [Tensor] = []
    /// The bytes of all data so far, the last tensor's padding included.
    public private(set) var dataBytes = 0

    private var keys: Set<String> = []
    private var names: Set<String> = []
    private var metadata: [(key: String, value: GGUFValue)] = []

    /// A header whose tensors begin at multiples of `alignment` bytes, a power of two within the
    /// limits. Another alignment than the format's usual 32 is recorded in the metadata.
    public init(alignment: Int = 32) throws(GGUFError) {
        self.alignment = alignment
        try Self.check(alignment: UInt64(clamping: alignment))
        if alignment != 32 { try add("general.alignment", .uint32(UInt32(alignment))) }
    }

    private static func check(alignment: UInt64) throws(GGUFError) {
        guard alignment.nonzeroBitCount == 1, alignment >= UInt64(GGUFLimits.alignmentMin),
            alignment <= UInt64(GGUFLimits.alignmentMax)
        else { throw .invalidAlignment(alignment) }
    }

    /// Adds a metadata entry. Throws where `key` is there already or too long. The alignment can
    /// be set so only before the first tensor.
    public mutating func add(_ key: String, _ value: GGUFValue) throws(GGUFError) {
        guard key.utf8.count <= GGUFLimits.keyBytesMax else {
            throw .tooLarge(
                what: "the length of a metadata key", value: UInt64(key.utf8.count),
                limit: GGUFLimits.keyBytesMax)
        }
        guard !keys.contains(key) else { throw .duplicateKey(key) }
        if key == "general.alignment" {
            guard let wanted: UInt64 = value.integer() else {
                throw .wrongType(key: key, expected: "an integer", found: value.typeName)
            }
            try Self.check(alignment: wanted)
            guard tensors.isEmpty || Int(wanted) == alignment else {
                throw .invalidAlignment(wanted)
            }
            alignment = Int(wanted)
        }
        keys.insert(key)
        metadata.append((key, value))
    }

    /// Adds a tensor; gives its entry.
    @discardableResult
    public mutating func addTensor(
        name: String, dimensions: [Int], type: GGUFTensorType
    ) throws(GGUFError) -> Tensor {
        guard name.utf8.count <= GGUFLimits.tensorNameBytesMax else {
            throw .tooLarge(
                what: "the length of a tensor's name", value: UInt64(name.utf8.count),
                limit: GGUFLimits.tensorNameBytesMax)
        }
        let byteCount = try GGUFTensor.byteCount(name: name, dimensions: dimensions, type: type)
        guard !names.contains(name) else { throw .duplicateTensor(name) }
        let tensor = Tensor(
            name: name, dimensions: dimensions, type: type, offset: dataBytes,
            byteCount: byteCount)
        names.insert(name)
        tensors.append(tensor)
        dataBytes += byteCount + padding(after: byteCount)
        return tensor
    }

    /// How many zero bytes follow `count` bytes that begin at a multiple of the alignment.
    public func padding(after count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment - count
    }

    /// The header's bytes, padded to the alignment: data begins right after them.
    public func bytes() -> [UInt8] {
        var out: [UInt8] = [0x47, 0x47, 0x55, 0x46]
        out.appendLittleEndian(UInt32(3))
        out.appendLittleEndian(UInt64(tensors.count))
        out.appendLittleEndian(UInt64(metadata.count))
        for (key, value) in metadata {
            out.appendGGUFString(key)
            out.appendLittleEndian(value.type.rawValue)
            out.appendGGUFValue(value)
        }
        for tensor in tensors {
            out.appendGGUFString(tensor.name)
            out.appendLittleEndian(UInt32(tensor.dimensions.count))
            for dimension in tensor.dimensions { out.appendLittleEndian(UInt64(dimension)) }
            out.appendLittleEndian(tensor.type.rawValue)
            out.appendLittleEndian(UInt64(tensor.offset))
        }
        out.append(contentsOf: repeatElement(0, count: padding(after: out.count)))
        return out
    }
}

extension [UInt8] {
    fileprivate mutating func appendGGUFString(_ text: String) {
        appendLittleEndian(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate mutating func appendGGUFValue(_ value: GGUFValue) {
        switch value {
        case .uint8(let number): appendLittleEndian(number)
        case .int8(let number): appendLittleEndian(number)
        case .uint16(let number): appendLittleEndian(number)
        case .int16(let number): appendLittleEndian(number)
        case .uint32(let number): appendLittleEndian(number)
        case .int32(let number): appendLittleEndian(number)
        case .uint64(let number): appendLittleEndian(number)
        case .int64(let number): appendLittleEndian(number)
        case .float32(let number): appendLittleEndian(number.bitPattern)
        case .float64(let number): appendLittleEndian(number.bitPattern)
        case .bool(let flag): append(flag ? 1 : 0)
        case .string(let text): appendGGUFString(text)
        case .array(let array):
            appendLittleEndian(array.elementType.rawValue)
            appendLittleEndian(UInt64(array.count))
            append(contentsOf: array.bytes)
        }
    }
}
