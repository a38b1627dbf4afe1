/// A cursor over bytes from outside. Every read checks what is left and throws
/// ``WireError/truncated`` rather than reading past the end.
public struct ByteReader: Sendable {
    @usableFromInline let bytes: ArraySlice<UInt8>
    @usableFromInline var position: Int

    /// Reads from the start of `bytes`.
    @inlinable public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Reads from the start of `bytes`, without copying them.
    @inlinable public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    /// How many bytes have not been read.
    @inlinable public var remaining: Int { bytes.endIndex - position }

    /// How many bytes have been read.
    @inlinable public var consumed: Int { position - bytes.startIndex }

    /// The next `count` bytes.
    @inlinable public mutating func readBytes(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// All bytes that are left.
    public mutating func readRest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// A big-endian unsigned integer of the width of `type`.
    @inlinable public mutating func readInteger<T: FixedWidthInteger & UnsignedInteger>(
        as type: T.Type = T.self
    ) throws(WireError) -> T {
        let width = T.bitWidth / 8
        guard width <= remaining else { throw .truncated }
        let value = bytes.withUnsafeBytes { buffer in
            // In range: `width` bytes remain after `position`, and the buffer begins at startIndex.
            T(
                bigEndian: buffer.loadUnaligned(
                    fromByteOffset: position - bytes.startIndex, as: T.self))
        }
        position += width
        return value
    }

    /// One byte.
    @inlinable public mutating func readUInt8() throws(WireError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    /// An IEEE 754 single, by its bits.
    public mutating func readFloat() throws(WireError) -> Float {
        Float(bitPattern: try readInteger(as: UInt32.self))
    }

    /// 0 or 1; anything else is refused, so that a value has one encoding.
    public mutating func readBool(field: String) throws(WireError) -> Bool {
        switch try readUInt8() {
        case 0: return false
        case 1: return true
        default: throw .nonCanonical(field: field)
        }
    }

    /// Bytes preceded by a 16-bit length of at most `limit`.
    public mutating func readBytes16(
        field: String, limit: Int
    ) throws(WireError) -> ArraySlice<UInt8> {
        let count = Int(try readInteger(as: UInt16.self))
        guard count <= limit else { throw .tooLarge(field: field, value: count, limit: limit) }
        return try readBytes(count)
    }

    /// Bytes preceded by a 32-bit length of at most `limit`.
    public mutating func readBytes32(
        field: String, limit: Int
    ) throws(WireError) -> ArraySlice<UInt8> {
        let count = Int(try readInteger(as: UInt32.self))
        guard count <= limit else { throw .tooLarge(field: field, value: count, limit: limit) }
        return try readBytes(count)
    }

    /// Text preceded by a 16-bit length in bytes; refused when it is not valid UTF-8.
    public mutating func readString16(field: String, limit: Int) throws(WireError) -> String {
        let slice = try readBytes16(field: field, limit: limit)
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .invalid(field: field)
        }
        return text
    }

    /// A 16-bit count of at most `limit`.
    public mutating func readCount16(field: String, limit: Int) throws(WireError) -> Int {
        let count = Int(try readInteger(as: UInt16.self))
        guard count <= limit else { throw .tooLarge(field: field, value: count, limit: limit) }
        return count
    }

    /// Refuses bytes that are left over.
    public func expectEnd() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(count: remaining) }
    }
}

/// A value with one binary form.
public protocol WireCodable: Sendable {
    /// Appends the value's only encoding.
    func encode(to writer: inout ByteWriter)
    /// Reads one value, leaving the reader after it.
    init(from reader: inout ByteReader) throws(WireError)
}

extension WireCodable {
    /// The value's encoding.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        encode(to: &writer)
        return writer.bytes
    }

    /// Decodes a value that fills `bytes` exactly.
    public init(decoding bytes: [UInt8]) throws(WireError) { try self.init(decoding: bytes[...]) }

    /// Decodes a value that fills `bytes` exactly.
    public init(decoding bytes: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(bytes)
        self = try Self(from: &reader)
        try reader.expectEnd()
    }
}
