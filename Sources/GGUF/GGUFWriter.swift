#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes a GGUF file, version 3: metadata and tensors in the order they were added, all held in
/// memory. (A large file is written as a stream, by ``GGUFHeader``.)
///
/// What it writes, ``GGUFFile`` reads back equal; it refuses what the parser would refuse.
public struct GGUFWriter: Sendable {
    private var header: GGUFHeader
    private var data: [[UInt8]] = []

    /// A writer whose tensors begin at multiples of `alignment` bytes, a power of two within the
    /// limits. Another alignment than the format's usual 32 is recorded in the metadata.
    public init(alignment: Int = 32) throws(GGUFError) {
        header = try GGUFHeader(alignment: alignment)
    }

    /// Adds a metadata entry. Throws where `key` is there already or too long.
    public mutating func add(_ key: String, _ value: GGUFValue) throws(GGUFError) {
        try header.add(key, value)
    }

    /// Adds a tensor whose `data` is already laid out as `type` wants it.
    public mutating func addTensor(
        name: String, dimensions: [Int], type: GGUFTensorType, data bytes: [UInt8]
    ) throws(GGUFError) {
        let expected = try GGUFTensor.byteCount(name: name, dimensions: dimensions, type: type)
        guard bytes.count == expected else {
            throw .dataSizeMismatch(tensor: name, expected: expected, found: bytes.count)
        }
        try header.addTensor(name: name, dimensions: dimensions, type: type)
        data.append(bytes)
    }

    /// The whole file in memory.
    public func bytes() -> [UInt8] {
        var out = header.bytes()
        for bytes in data {
            out.append(contentsOf: bytes)
            out.append(contentsOf: repeatElement(0, count: header.padding(after: bytes.count)))
        }
        return out
    }

    /// Writes the file to `path`, replacing what is there. Not atomic: write beside the final
    /// name and rename.
    public func write(to path: String) throws(GGUFError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .io(path: path, reason: systemReason()) }
        defer { close(descriptor) }
        try Self.write(header.bytes(), to: descriptor, path: path)
        for bytes in data {
            try Self.write(bytes, to: descriptor, path: path)
            let padding = [UInt8](repeating: 0, count: header.padding(after: bytes.count))
            try Self.write(padding, to: descriptor, path: path)
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
