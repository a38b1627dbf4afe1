import Wire

// Extension fields: what a newer build adds to a message or claim, after the fields that every build
// knows, until its end: each a type, a 16-bit length and bytes, in ascending order of types. An
// older build passes over those it doesn't know; in a claim they are under the signature, and are
// passed on as they came.

/// Reads extension fields one by one.
struct ExtensionReader {
    private var last = -1

    /// The next field, or nil at the end.
    mutating func next(
        from reader: inout ByteReader
    ) throws(WireError) -> (type: UInt8, bytes: ArraySlice<UInt8>)? {
        guard reader.remaining > 0 else { return nil }
        let type = try reader.readUInt8()
        guard Int(type) > last else { throw .nonCanonical(field: "extension fields") }
        last = Int(type)
        let bytes = try reader.readBytes16(
            field: "extension field", limit: GossipLimits.claimBytesMax)
        return (type, bytes)
    }

    /// Passes over what is left.
    static func skipAll(from reader: inout ByteReader) throws(WireError) {
        var fields = ExtensionReader()
        while try fields.next(from: &reader) != nil {}
    }
}

extension ByteWriter {
    /// Appends an extension field; types ascend.
    mutating func writeExtension(_ type: UInt8, _ bytes: [UInt8]) {
        writeInteger(type)
        writeBytes16(bytes)
    }
}
