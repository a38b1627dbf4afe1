public import Wire

extension TokenLogprobs: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeFloat(logprob)
        writer.writeInteger(UInt8(top.count))
        for alternative in top {
            writer.writeInteger(UInt32(bitPattern: alternative.token))
            writer.writeFloat(alternative.logprob)
            writer.writeBytes16(alternative.bytes)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        logprob = try Self.readLogprob(from: &reader)
        let count = Int(try reader.readUInt8())
        guard count <= MeshLimits.topLogprobsMax else {
            throw .tooLarge(
                field: "alternatives", value: count, limit: MeshLimits.topLogprobsMax)
        }
        top = []
        for _ in 0..<count {
            let token = Int32(bitPattern: try reader.readInteger(as: UInt32.self))
            guard token >= 0 else { throw .invalid(field: "token") }
            let logprob = try Self.readLogprob(from: &reader)
            let bytes = try reader.readBytes16(
                field: "token bytes", limit: MeshLimits.tokenBytesMax)
            top.append(Alternative(token: token, logprob: logprob, bytes: Array(bytes)))
        }
    }

    /// A logarithm of a probability: a number, at most 0 but for rounding.
    private static func readLogprob(from reader: inout ByteReader) throws(WireError) -> Float {
        let value = try reader.readFloat()
        guard value.isFinite, value <= 0.001 else { throw .invalid(field: "log probability") }
        return value
    }
}
