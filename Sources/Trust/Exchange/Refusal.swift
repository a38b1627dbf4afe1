import Wire

// How the answers of this module say no: the code, which is not 0, and a message with a 16-bit length.

extension ByteWriter {
    mutating func writeRefusal(_ code: some RawRepresentable<UInt8>, _ message: String) {
        writeInteger(code.rawValue)
        var kept = message
        // In whole characters.
        while kept.utf8.count > TrustLimits.refusalBytesMax { kept.removeLast() }
        writeString16(kept)
    }
}

extension ByteReader {
    /// The refusal whose code, `tag`, was read.
    mutating func readRefusal<Code: RawRepresentable<UInt8>>(
        _: Code.Type, tag: UInt8
    ) throws(WireError) -> (Code, message: String) {
        guard let code = Code(rawValue: tag) else { throw .invalid(field: "refusal") }
        return (
            code, try readString16(field: "refusal", limit: TrustLimits.refusalBytesMax)
        )
    }
}
