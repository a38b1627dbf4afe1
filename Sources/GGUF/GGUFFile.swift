#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The bytes of a file, mapped or held, for as long as someone refers to them.
final class GGUFStorage: Sendable {
    /// Sharing it between threads is safe: nobody writes to these bytes after `init`, and they
    /// stay until `deinit`.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// Maps a regular file for reading.
    ///
    /// A file that shrinks while mapped would end the process at the next read of the lost part;
    /// the store of models therefore replaces files by renaming, never in place.
    init(path: String) throws(GGUFError) {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .io(path: path, reason: systemReason()) }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else {
            throw .io(path: path, reason: systemReason())
        }
        guard information.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        let count = Int(information.st_size)
        guard count > 0 else { throw .empty }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
            address != MAP_FAILED
        else { throw .io(path: path, reason: systemReason()) }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
        isMapped = true
    }

    /// Holds a copy of `contents`, aligned as a mapping would be.
    init(contents: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: contents.count, alignment: 4096)
        copy.copyBytes(from: contents)
        bytes = UnsafeRawBufferPointer(copy)
        isMapped = false
    }

    /// Takes pages out of this process's memory; a later read brings them back from the file.
    func release(_ range: Range<Int>) {
        guard isMapped, let base = bytes.baseAddress, !range.isEmpty else { return }
        let page = max(sysconf(Int32(_SC_PAGESIZE)), 1)
        let start = range.lowerBound / page * page
        // The mapping is private and never written: dropping a page loses nothing.
        madvise(
            UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start,
            MADV_DONTNEED)
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }
}

/// The system's words for why the last call failed.
func systemReason() -> String {
    String(cString: strerror(errno))
}

/// A model file, mapped into memory and checked.
///
/// After `init` every tensor lies inside the file, is aligned, holds whole blocks and shares no
/// byte with another. Weights are read through ``withBytes(of:_:)`` without copying.
public final class GGUFFile: Sendable {
    /// Where the file was opened; empty for one held in memory.
    public let path: String
    /// The version of the format, 2 or 3.
    public let version: UInt32
    /// The alignment of tensor data, in bytes.
    public let alignment: Int
    /// The size of the file, in bytes.
    public let byteCount: Int
    /// All metadata by key.
    public let metadata: [String: GGUFValue]
    /// The metadata keys in the order of the file.
    public let metadataOrder: [String]
    /// All tensors in the order of the file.
    public let tensors: [GGUFTensor]

    private let storage: GGUFStorage
    private let tensorIndex: [String: Int]

    /// Opens, maps, parses and checks the file at `path`.
    public convenience init(path: String) throws(GGUFError) {
        try self.init(path: path, storage: GGUFStorage(path: path))
    }

    /// Parses and checks a file held in memory.
    public convenience init(bytes: [UInt8]) throws(GGUFError) {
        try self.init(path: "", storage: GGUFStorage(contents: bytes))
    }

    private init(path: String, storage: GGUFStorage) throws(GGUFError) {
        let layout = try GGUFLayout.parse(storage.bytes)
        self.path = path
        self.storage = storage
        version = layout.version
        alignment = layout.alignment
        byteCount = storage.bytes.count
        metadata = layout.metadata
        metadataOrder = layout.metadataOrder
        tensors = layout.tensors
        tensorIndex = Dictionary(
            uniqueKeysWithValues: layout.tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor called `name`, if there is one.
    public func tensor(_ name: String) -> GGUFTensor? {
        tensorIndex[name].map { tensors[$0] }
    }

    /// Calls `body` with the data of `tensor`, a slice of the mapping. The pointer must not leave
    /// `body` unless its user keeps this file alive.
    ///
    /// Traps if `tensor` is of another file and doesn't fit this one.
    public func withBytes<R, E: Error>(
        of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        let end = tensor.offset + tensor.byteCount
        return try body(UnsafeRawBufferPointer(rebasing: storage.bytes[tensor.offset..<end]))
    }

    /// Lets the system take back the memory of some bytes of a tensor that have been read. They can
    /// be read again, from the file.
    ///
    /// - Parameter range: bytes from the beginning of the tensor. Traps outside of it.
    public func releasePages(of tensor: GGUFTensor, _ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= tensor.byteCount, "beyond the tensor")
        storage.release(tensor.offset + range.lowerBound..<tensor.offset + range.upperBound)
    }
}

// MARK: - Typed metadata

extension GGUFFile {
    /// The value of `key`. Throws ``GGUFError/missingKey(_:)``.
    public func value(_ key: String) throws(GGUFError) -> GGUFValue {
        guard let value = metadata[key] else { throw .missingKey(key) }
        return value
    }

    /// Whether the file has `key`.
    public func has(_ key: String) -> Bool { metadata[key] != nil }

    private func need<T>(
        _ key: String, _ expected: String, _ convert: (GGUFValue) -> T?
    ) throws(GGUFError) -> T {
        let value = try value(key)
        guard let result = convert(value) else {
            throw .wrongType(key: key, expected: expected, found: value.typeName)
        }
        return result
    }

    /// The text at `key`.
    public func string(_ key: String) throws(GGUFError) -> String {
        try need(key, "a string") { if case .string(let text) = $0 { text } else { nil } }
    }

    /// The integer at `key`, of any integer type in the file, if it fits 32 unsigned bits.
    public func uint32(_ key: String) throws(GGUFError) -> UInt32 {
        try need(key, "an unsigned 32-bit integer") { $0.integer() }
    }

    /// The integer at `key`, of any integer type in the file, if it fits 64 unsigned bits.
    public func uint64(_ key: String) throws(GGUFError) -> UInt64 {
        try need(key, "an unsigned integer") { $0.integer() }
    }

    /// The number at `key`, stored as single or double; a double is rounded to nearest.
    public func float(_ key: String) throws(GGUFError) -> Float {
        try need(key, "a float") {
            switch $0 {
            case .float32(let value): value
            case .float64(let value): Float(value)
            default: nil
            }
        }
    }

    /// The truth value at `key`.
    public func bool(_ key: String) throws(GGUFError) -> Bool {
        try need(key, "a bool") { if case .bool(let value) = $0 { value } else { nil } }
    }

    /// The text at `key`, or `fallback` where the key is missing. A wrong type still throws.
    public func string(_ key: String, default fallback: String) throws(GGUFError) -> String {
        has(key) ? try string(key) : fallback
    }

    /// The integer at `key`, or `fallback` where the key is missing. A wrong type still throws.
    public func uint32(_ key: String, default fallback: UInt32) throws(GGUFError) -> UInt32 {
        has(key) ? try uint32(key) : fallback
    }

    /// The number at `key`, or `fallback` where the key is missing. A wrong type still throws.
    public func float(_ key: String, default fallback: Float) throws(GGUFError) -> Float {
        has(key) ? try float(key) : fallback
    }

    /// The truth value at `key`, or `fallback` where the key is missing. A wrong type still throws.
    public func bool(_ key: String, default fallback: Bool) throws(GGUFError) -> Bool {
        has(key) ? try bool(key) : fallback
    }

    /// The array at `key`.
    public func array(_ key: String) throws(GGUFError) -> GGUFArray {
        try need(key, "an array") { if case .array(let array) = $0 { array } else { nil } }
    }

    /// The byte strings at `key`; not necessarily UTF-8.
    public func strings(_ key: String) throws(GGUFError) -> [[UInt8]] {
        try need(key, "an array of strings") {
            if case .array(let array) = $0 { array.byteStrings() } else { nil }
        }
    }

    /// The singles at `key`.
    public func floats(_ key: String) throws(GGUFError) -> [Float] {
        try need(key, "an array of floats") {
            if case .array(let array) = $0 { array.floats() } else { nil }
        }
    }

    /// The integers at `key`, of any integer type in the file, if all fit 32 signed bits.
    public func int32s(_ key: String) throws(GGUFError) -> [Int32] {
        try need(key, "an array of integers") {
            if case .array(let array) = $0 { array.integers() } else { nil }
        }
    }
}
