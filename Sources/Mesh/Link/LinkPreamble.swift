public import Wire

/// What a connection is for: the second byte of its preamble.
public enum LinkLane: UInt8, Sendable, CaseIterable {
    /// Between members, by the mesh's gate key.
    case member = 0
    /// From a node that holds a ticket, by the ticket's secret.
    case join = 1
    /// From a member that was away while the gate key was rolled.
    case catchUp = 2
}

/// The only clear bytes of a link: handshake version u8, lane u8, key id of 8 bytes. They are part
/// of the handshake's prologue, so that changing them makes the handshake fail.
public struct LinkPreamble: Sendable, Hashable, WireCodable {
    /// What the connection is for.
    public let lane: LinkLane
    /// Which pre-shared key the handshake is made with, 8 bytes.
    public let keyID: [UInt8]

    /// A preamble, or nil when the key id has not 8 bytes.
    public init?(lane: LinkLane, keyID: [UInt8]) {
        guard keyID.count == LinkLimits.keyIDBytes else { return nil }
        self.lane = lane
        self.keyID = keyID
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(LinkLimits.handshakeVersion)
        writer.writeInteger(lane.rawValue)
        writer.writeBytes(keyID)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == LinkLimits.handshakeVersion else {
            throw .unsupportedVersion(field: "handshake version", value: Int(version))
        }
        guard let lane = LinkLane(rawValue: try reader.readUInt8()) else {
            throw .invalid(field: "lane")
        }
        self.lane = lane
        keyID = Array(try reader.readBytes(LinkLimits.keyIDBytes))
    }

    /// What both ends must agree on without sending it: the 10 bytes "shoal-link", the handshake's
    /// version u8, the mesh's id of 32 bytes, this preamble of 10 bytes.
    public func prologue(mesh: MeshID) -> [UInt8] {
        Array("shoal-link".utf8) + [LinkLimits.handshakeVersion] + mesh.bytes + encoded
    }
}
