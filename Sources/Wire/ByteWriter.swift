/// Builds a message. Lengths are the caller's own values: exceeding a field's width is a bug here,
/// not hostile input, and traps.
public struct ByteWriter: Sendable {
    /// What has been written.
    @inlinable public var bytes: [UInt8] { storage }

    @usableFromInline var storage: [UInt8] = []

    /// An empty writer with room for `capacity` bytes.
    @inlinable public init(capacity: Int = 0) { storage.reserveCapacity(capacity) }

    /// Appends a big-endian integer of the width of its type.
    @inlinable public mutating func writeInteger<T: FixedWidthInteger & UnsignedInteger>(_ value: T)
    {
        withUnsafeBytes(of: value.bigEndian) { storage.append(contentsOf: $0) }
    }

    /// Appends an IEEE 754 single, by its bits.
    public mutating func writeFloat(_ value: Float) { writeInteger(value.bitPattern) }

    /// Appends 1 or 0.
    public mutating func writeBool(_ value: Bool) { storage.append(value ? 1 : 0) }

    /// Appends `data` as it is.
    @inlinable public mutating func writeBytes(_ data: some Sequence<UInt8>) {
        storage.append(contentsOf: data)
    }

    /// Appends a 16-bit length, then `data`.
    public mutating func writeBytes16(_ data: some Collection<UInt8>) {
        writeInteger(UInt16(data.count))
        storage.append(contentsOf: data)
    }

    /// Appends a 32-bit length, then `data`.
    public mutating func writeBytes32(_ data: some Collection<UInt8>) {
        writeInteger(UInt32(data.count))
        storage.append(contentsOf: data)
    }

    /// Appends a 16-bit length in bytes, then the text in UTF-8.
    public mutating func writeString16(_ text: String) { writeBytes16(Array(text.utf8)) }
}
