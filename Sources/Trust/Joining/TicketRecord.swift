public import Secrets
public import Wire

/// A ticket as its inviter keeps it.
public struct TicketRecord: Sendable, WireCodable, CustomStringConvertible, CustomReflectable {
    /// The 8 bytes that name the ticket.
    public let keyID: [UInt8]
    /// The pre-shared key of its join lane.
    public let preSharedSecret: SecretBytes
    /// When it was made.
    public let created: WallTime
    /// Until when it is good.
    public let expires: WallTime
    /// How often it may be used.
    public let uses: UInt16
    /// The labels that its users' certificates carry.
    public let labels: [Label]
    /// What its users may do: never issue.
    public let roles: Roles

    init(
        keyID: [UInt8], preSharedSecret: SecretBytes, created: WallTime, expires: WallTime,
        uses: UInt16, labels: [Label], roles: Roles
    ) {
        self.keyID = keyID
        self.preSharedSecret = preSharedSecret
        self.created = created
        self.expires = expires
        self.uses = uses
        self.labels = labels
        self.roles = roles
    }

    /// Version 1, name (8 bytes), pre-shared key (32), times of making and expiry, uses (16 bits), labels,
    /// roles. For disk: the encoding holds the key.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        writer.writeBytes(keyID)
        preSharedSecret.withUnsafeBytes { writer.writeBytes($0) }
        created.encode(to: &writer)
        expires.encode(to: &writer)
        writer.writeInteger(uses)
        writer.writeLabels(labels)
        writer.writeInteger(roles.rawValue)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "ticket record version", value: Int(version))
        }
        keyID = Array(try reader.readBytes(keyIDBytes))
        preSharedSecret = SecretBytes(try reader.readBytes(32), in: .pooled)
        created = try WallTime(from: &reader)
        expires = try WallTime(from: &reader)
        uses = try reader.readInteger()
        labels = try reader.readLabels()
        roles = try reader.readGrantedRoles()
    }

    /// Never shows the key.
    public var description: String { "TicketRecord(\(hexadecimal(keyID)), redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
