public import Secrets
public import Wire

/// An invitation: what a machine needs to join a mesh through one inviter. Whoever holds it may
/// use it, so it expires, and works once unless it says otherwise.
public struct Ticket: Sendable, Equatable, WireCodable, CustomStringConvertible, CustomReflectable {
    /// How a ticket's text begins.
    public static let textPrefix = "shoal1-"

    /// The mesh.
    public let genesis: Genesis
    /// The node that will let the holder in.
    public let inviter: NodeID
    /// Where it listens.
    public let addresses: [NetworkAddress]
    /// Until when the ticket is good.
    public let expires: WallTime
    /// How often it may be used.
    public let uses: UInt16
    /// The labels that the holder's certificate will carry.
    public let labels: [Label]
    /// What the holder may do: never issue.
    public let roles: Roles
    private let secret: SecretBytes

    /// A new ticket with a secret from libsodium's random source.
    ///
    /// - Parameter roles: See ``Roles/canBeGranted``.
    public static func generate(
        genesis: Genesis, inviter: NodeID, addresses: [NetworkAddress], expires: WallTime,
        uses: UInt16, labels: [Label], roles: Roles = .ordinary
    ) -> Ticket {
        precondition(roles.canBeGranted, "a ticket makes servers and clients, never issuers")
        return Ticket(
            genesis: genesis, inviter: inviter, addresses: addresses, expires: expires, uses: uses,
            labels: labels.sorted(), roles: roles, secret: .random(32))
    }

    private init(
        genesis: Genesis, inviter: NodeID, addresses: [NetworkAddress], expires: WallTime,
        uses: UInt16, labels: [Label], roles: Roles, secret: SecretBytes
    ) {
        self.genesis = genesis
        self.inviter = inviter
        self.addresses = Array(addresses.prefix(WireLimits.addressesMax))
        self.expires = expires
        self.uses = uses
        self.labels = labels
        self.roles = roles
        self.secret = secret
    }

    /// The 8 bytes that name the ticket in the join lane's preamble.
    public var keyID: [UInt8] {
        secret.derive("shoal ticket id v1", length: keyIDBytes)
    }

    /// The pre-shared key of the join lane.
    public var preSharedSecret: SecretBytes { secret.derived("shoal ticket psk v1") }

    /// What the inviter keeps: enough to check the ticket, not enough to make its text again.
    public func record(created: WallTime) -> TicketRecord {
        TicketRecord(
            keyID: keyID, preSharedSecret: preSharedSecret, created: created, expires: expires,
            uses: uses, labels: labels, roles: roles)
    }

    /// The ticket as one line of text.
    public var text: String {
        let bytes = encoded
        return Self.textPrefix + base32(bytes + checksum(bytes))
    }

    /// Parses what ``text`` gives; white space around and within it is ignored.
    public init(text: String) throws(TrustError) {
        // Twice the limit leaves room for a line break after each character; more is no ticket.
        guard text.utf8.count <= 2 * TrustLimits.ticketTextMax else { throw .notATicket }
        let compact = text.filter { !$0.isWhitespace }
        guard compact.hasPrefix(Self.textPrefix), compact.utf8.count <= TrustLimits.ticketTextMax
        else {
            if let version = Self.otherVersion(compact) {
                throw .malformed(.unsupportedVersion(field: "ticket version", value: version))
            }
            throw .notATicket
        }
        guard let bytes = bytesFromBase32(compact.dropFirst(Self.textPrefix.count)),
            bytes.count > 4
        else { throw .damagedTicket }
        let body = Array(bytes.dropLast(4))
        guard Array(bytes.suffix(4)) == checksum(body) else { throw .damagedTicket }
        do { self = try Ticket(decoding: body) } catch { throw .malformed(error) }
    }

    /// The version in the prefix of a ticket that another version of shoal made: `shoal2-`.
    private static func otherVersion(_ text: String) -> Int? {
        guard text.hasPrefix("shoal"), let dash = text.firstIndex(of: "-") else { return nil }
        let digits = text[..<dash].dropFirst("shoal".count)
        guard (1...3).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let version = Int(digits), version != 1
        else { return nil }
        return version
    }

    /// Version 1; the mesh's first record; the inviter; the 8-bit number of addresses and those; expiry;
    /// uses (16 bits); labels as in a certificate; roles (one byte); the secret's 32 bytes. The encoding
    /// holds the secret. The text is ``textPrefix`` and base 32 (RFC 4648, lower case, not padded) of
    /// these bytes and the first four of their BLAKE2b digest in the domain "shoal ticket checksum v1".
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        genesis.encode(to: &writer)
        inviter.encode(to: &writer)
        writer.writeAddresses(addresses)
        expires.encode(to: &writer)
        writer.writeInteger(uses)
        writer.writeLabels(labels)
        writer.writeInteger(roles.rawValue)
        secret.withUnsafeBytes { writer.writeBytes($0) }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "ticket version", value: Int(version))
        }
        genesis = try Genesis(from: &reader)
        inviter = try NodeID(from: &reader)
        addresses = try reader.readAddresses()
        expires = try WallTime(from: &reader)
        uses = try reader.readInteger()
        labels = try reader.readLabels()
        roles = try reader.readGrantedRoles()
        secret = SecretBytes(try reader.readBytes(32))
    }

    /// Compares the secrets in constant time.
    public static func == (left: Self, right: Self) -> Bool {
        constantTimeEqual(left.encoded, right.encoded)
    }

    /// Never shows the secret.
    public var description: String { "Ticket(mesh \(genesis.name), redacted)" }
    /// Never shows the secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

private func checksum(_ bytes: [UInt8]) -> [UInt8] {
    Array(blake2b(domain: "shoal ticket checksum v1", bytes, length: 16).prefix(4))
}
