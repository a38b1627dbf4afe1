public import Wire

/// What the connection is for that a handshake makes. The initiator says it inside message 3, where
/// nobody else can read it.
public enum LinkPurpose: Sendable, Hashable {
    /// The link between two nodes: everything but bulk.
    case primary
    /// Takes over from an older connection of the same two nodes, without a moment between them in
    /// which there is none. The older is named by the first
    /// ``LinkLimits/renewedHashBytes`` bytes of its handshake hash, which nobody else knows.
    case renewal(of: [UInt8])
    /// Carries the streams of the bulk class, so that the primary one never waits behind them.
    case bulk

    /// The renewal of a connection with this handshake hash.
    public static func renewal(ofHash handshakeHash: [UInt8]) -> LinkPurpose {
        .renewal(of: Array(handshakeHash.prefix(LinkLimits.renewedHashBytes)))
    }
}

extension LinkPurpose: WireCodable {
    /// One byte: 0 primary, 1 renewal (16 bytes of the hash follow), 2 bulk.
    public func encode(to writer: inout ByteWriter) {
        switch self {
        case .primary: writer.writeInteger(UInt8(0))
        case .renewal(let hash):
            precondition(
                hash.count == LinkLimits.renewedHashBytes, "a renewal names a handshake hash")
            writer.writeInteger(UInt8(1))
            writer.writeBytes(hash)
        case .bulk: writer.writeInteger(UInt8(2))
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 0: self = .primary
        case 1: self = .renewal(of: Array(try reader.readBytes(LinkLimits.renewedHashBytes)))
        case 2: self = .bulk
        default: throw .invalid(field: "purpose of a link")
        }
    }
}

/// The payload of message 3: the purpose, then the initiator's proof of who it is, to the end.
/// The payload of message 2 is the responder's proof alone.
public struct LinkGreeting: Sendable, Equatable, WireCodable {
    /// What the connection is for.
    public let purpose: LinkPurpose
    /// The encoded `LinkProof`.
    public let proof: [UInt8]

    /// A greeting as given.
    public init(purpose: LinkPurpose, proof: [UInt8]) {
        self.purpose = purpose
        self.proof = proof
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        purpose.encode(to: &writer)
        writer.writeBytes(proof)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        purpose = try LinkPurpose(from: &reader)
        proof = Array(reader.readRest())
    }
}
