/// Builds a message. Lengths are the caller's own values: exceeding a field's width is a bug here,
/// not hostile input, and traps.
public struct ByteWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []

    /// An empty writer with room for `capacity` bytes.
    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Appends a big-endian integer of the width of its type.
    public mutating func writeInteger<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        var shift = T.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }

    /// Appends an IEEE 754 single, by its bits.
    public mutating func writeFloat(_ value: Float) { writeInteger(value.bitPattern) }

    /// Appends 1 or 0.
    public mutating func writeBool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Appends `data` as it is.
    public mutating func writeBytes(_ data: some Sequence<UInt8>) { bytes.append(contentsOf: data) }

    /// Appends a 16-bit length, then `data`.
    public mutating func writeBytes16(_ data: some Collection<UInt8>) {
        writeInteger(UInt16(data.count))
        bytes.append(contentsOf: data)
    }

    /// Appends a 32-bit length, then `data`.
    public mutating func writeBytes32(_ data: some Collection<UInt8>) {
        writeInteger(UInt32(data.count))
        bytes.append(contentsOf: data)
    }

    /// Appends a 16-bit length in bytes, then the text in UTF-8.
    public mutating func writeString16(_ text: String) { writeBytes16(Array(text.utf8)) }
}
