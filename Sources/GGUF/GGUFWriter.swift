#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes a GGUF file, version 3: metadata and tensors in the order they were added.
///
/// What it writes, ``GGUFFile`` reads back equal; it refuses what the parser would refuse.
public struct GGUFWriter: Sendable {
    private struct Entry {
        let name: String
        let dimensions: [Int]
        let type: GGUFTensorType
        let data: [UInt8]
    }

    private let alignment: Int
    private var keys: Set<String> = []
    private var names: Set<String> = []
    private var metadata: [(key: String, value: GGUFValue)] = []
    private var tensors: [Entry] = []

    /// A writer whose tensors begin at multiples of `alignment` bytes, a power of two within the
    /// limits. Another alignment than the format's usual 32 is recorded in the metadata.
    public init(alignment: Int = 32) throws(GGUFError) {
        guard alignment.nonzeroBitCount == 1, alignment >= GGUFLimits.alignmentMin,
            alignment <= GGUFLimits.alignmentMax
        else { throw .invalidAlignment(UInt64(clamping: alignment)) }
        self.alignment = alignment
        if alignment != 32 { try add("general.alignment", .uint32(UInt32(alignment))) }
    }

    /// Adds a metadata entry. Throws where `key` is there already or too long.
    public mutating func add(_ key: String, _ value: GGUFValue) throws(GGUFError) {
        guard key.utf8.count <= GGUFLimits.keyBytesMax else {
            throw .tooLarge(
                what: "the length of a metadata key", value: UInt64(key.utf8.count),
                limit: GGUFLimits.keyBytesMax)
        }
        guard keys.insert(key).inserted else { throw .duplicateKey(key) }
        metadata.append((key, value))
    }

    /// Adds a tensor whose `data` is already laid out as `type` wants it.
    public mutating func addTensor(
        name: String, dimensions: [Int], type: GGUFTensorType, data: [UInt8]
    ) throws(GGUFError) {
        guard name.utf8.count <= GGUFLimits.tensorNameBytesMax else {
            throw .tooLarge(
                what: "the length of a tensor's name", value: UInt64(name.utf8.count),
                limit: GGUFLimits.tensorNameBytesMax)
        }
        let expected = try GGUFTensor.byteCount(name: name, dimensions: dimensions, type: type)
        guard data.count == expected else {
            throw .dataSizeMismatch(tensor: name, expected: expected, found: data.count)
        }
        guard names.insert(name).inserted else { throw .duplicateTensor(name) }
        tensors.append(Entry(name: name, dimensions: dimensions, type: type, data: data))
    }

    /// Everything before the data, padded to the alignment.
    private func header() -> [UInt8] {
        var out: [UInt8] = [0x47, 0x47, 0x55, 0x46]
        out.appendLittleEndian(UInt32(3))
        out.appendLittleEndian(UInt64(tensors.count))
        out.appendLittleEndian(UInt64(metadata.count))
        for (key, value) in metadata {
            out.appendGGUFString(key)
            out.appendLittleEndian(value.type.rawValue)
            out.appendGGUFValue(value)
        }
        var offset = 0
        for tensor in tensors {
            out.appendGGUFString(tensor.name)
            out.appendLittleEndian(UInt32(tensor.dimensions.count))
            for dimension in tensor.dimensions { out.appendLittleEndian(UInt64(dimension)) }
            out.appendLittleEndian(tensor.type.rawValue)
            out.appendLittleEndian(UInt64(offset))
            offset += padded(tensor.data.count)
        }
        pad(&out)
        return out
    }

    private func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    private func pad(_ out: inout [UInt8]) {
        out.append(contentsOf: repeatElement(0, count: padded(out.count) - out.count))
    }

    /// The whole file in memory.
    public func bytes() -> [UInt8] {
        var out = header()
        for tensor in tensors {
            out.append(contentsOf: tensor.data)
            pad(&out)
        }
        return out
    }

    /// Writes the file to `path`, replacing what is there. Not atomic: write beside the final
    /// name and rename.
    public func write(to path: String) throws(GGUFError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .io(path: path, reason: systemReason()) }
        defer { close(descriptor) }
        try Self.write(header(), to: descriptor, path: path)
        for tensor in tensors {
            try Self.write(tensor.data, to: descriptor, path: path)
            let padding = padded(tensor.data.count) - tensor.data.count
            try Self.write([UInt8](repeating: 0, count: padding), to: descriptor, path: path)
        }
    }

    private static func write(
        _ bytes: [UInt8], to descriptor: Int32, path: String
    ) throws(GGUFError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                #if canImport(Glibc)
                    Glibc.write(
                        descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
                #elseif canImport(Musl)
                    Musl.write(
                        descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
                #else
                    Darwin.write(
                        descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .io(path: path, reason: systemReason()) }
            written += count
        }
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
