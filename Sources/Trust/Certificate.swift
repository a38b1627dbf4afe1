public import Wire

/// What a member may do. A set: one bit each.
public struct Roles: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt8

    /// The roles with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// May certify members.
    public static let issuer = Roles(rawValue: 1)
    /// Runs requests for others.
    public static let server = Roles(rawValue: 2)
    /// Asks.
    public static let client = Roles(rawValue: 4)

    static let all: Roles = [.issuer, .server, .client]

    /// The roles' names.
    public var names: [String] {
        [(Roles.issuer, "issuer"), (.server, "server"), (.client, "client")]
            .filter { contains($0.0) }.map(\.1)
    }
}

/// A label that the mesh's authority vouches for, such as `region=eu`.
public struct Label: Hashable, Comparable, Sendable {
    /// The key.
    public let key: String
    /// The value.
    public let value: String

    /// A label, or an error when key or value is not 1 to 63 letters, digits, `-`, `.` or `_`.
    public init(key: String, value: String) throws(TrustError) {
        guard isValidName(key, limit: TrustLimits.labelBytesMax),
            isValidName(value, limit: TrustLimits.labelBytesMax)
        else {
            throw .badName(
                "'\(key)=\(value)' is not a label: write KEY=VALUE, each of 1 to "
                    + "\(TrustLimits.labelBytesMax) letters, digits, '-', '.' or '_'")
        }
        self.key = key
        self.value = value
    }

    /// Parses `KEY=VALUE`.
    public init(_ text: String) throws(TrustError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        try self.init(key: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
    }

    /// Refuses a key that is given twice, and more labels than a certificate or ticket may have.
    public static func check(_ labels: [Label]) throws(TrustError) {
        guard labels.count <= TrustLimits.labelsMax else {
            throw .badName("\(labels.count) labels are more than \(TrustLimits.labelsMax)")
        }
        let byteCount = labels.reduce(0) { $0 + $1.encodedBytes }
        guard byteCount <= TrustLimits.labelsBytesMax else {
            throw .badName(
                "the labels take \(byteCount) bytes together, more than "
                    + "\(TrustLimits.labelsBytesMax): use fewer or shorter ones")
        }
        var keys: Set<String> = []
        for label in labels where !keys.insert(label.key).inserted {
            throw .badName("the label '\(label.key)' is given twice")
        }
    }

    /// Bytes of the label in a list.
    fileprivate var encodedBytes: Int { 4 + key.utf8.count + value.utf8.count }

    /// By key, then value.
    public static func < (left: Self, right: Self) -> Bool {
        (left.key, left.value) < (right.key, right.value)
    }
}

extension ByteWriter {
    mutating func writeLabels(_ labels: [Label]) {
        writeInteger(UInt8(labels.count))
        for label in labels {
            writeString16(label.key)
            writeString16(label.value)
        }
    }
}

extension ByteReader {
    /// Labels in strictly ascending order of their keys: one encoding, no key twice.
    mutating func readLabels() throws(WireError) -> [Label] {
        let count = Int(try readUInt8())
        guard count <= TrustLimits.labelsMax else {
            throw .tooLarge(field: "labels", value: count, limit: TrustLimits.labelsMax)
        }
        var labels: [Label] = []
        let start = consumed
        for _ in 0..<count {
            let key = try readString16(field: "label", limit: TrustLimits.labelBytesMax)
            let value = try readString16(field: "label", limit: TrustLimits.labelBytesMax)
            guard let label = try? Label(key: key, value: value) else {
                throw .invalid(field: "label")
            }
            if let last = labels.last, last.key >= label.key {
                throw .nonCanonical(field: "labels")
            }
            labels.append(label)
        }
        guard consumed - start <= TrustLimits.labelsBytesMax else {
            throw .tooLarge(
                field: "labels", value: consumed - start, limit: TrustLimits.labelsBytesMax)
        }
        return labels
    }

    mutating func readNodeName() throws(WireError) -> String {
        let name = try readString16(field: "node name", limit: TrustLimits.nodeNameBytesMax)
        guard isValidName(name, limit: TrustLimits.nodeNameBytesMax) else {
            throw .invalid(field: "node name")
        }
        return name
    }
}

/// A statement by a mesh's authority, or by an issuer that the authority certified, that a key
/// belongs to a node of that name, with these roles and labels, from one time to another.
public struct Certificate: Sendable, Equatable, WireCodable {
    /// What a certificate is for.
    public enum Kind: UInt8, Sendable {
        /// Its subject certifies members. Signed by the authority.
        case issuer = 1
        /// Its subject is a node. Signed by the authority or an issuer.
        case member = 2
    }

    /// What is signed.
    public struct Body: Sendable, Equatable {
        /// What it is for.
        public var kind: Kind
        /// The mesh.
        public var mesh: MeshID
        /// The node.
        public var subject: NodeID
        /// Its name, for people.
        public var name: String
        /// What it may do.
        public var roles: Roles
        /// Its labels, by key, no key twice.
        public var labels: [Label]
        /// A random number by which the certificate can be revoked.
        public var serial: UInt64
        /// Grows with each certificate of one subject, so that the newest can be told.
        public var epoch: UInt32
        /// From when it is valid.
        public var notBefore: WallTime
        /// Until when.
        public var notAfter: WallTime
        /// Who signed it: the authority's key, or an issuer's.
        public var issuer: NodeID

        /// A body as given; `labels` are put in order.
        public init(
            kind: Kind, mesh: MeshID, subject: NodeID, name: String, roles: Roles,
            labels: [Label], serial: UInt64, epoch: UInt32, notBefore: WallTime,
            notAfter: WallTime, issuer: NodeID
        ) {
            self.kind = kind
            self.mesh = mesh
            self.subject = subject
            self.name = name
            self.roles = roles
            self.labels = labels.sorted()
            self.serial = serial
            self.epoch = epoch
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.issuer = issuer
        }
    }

    /// What is signed.
    public let body: Body
    /// The issuer's Ed25519 signature over the body's canonical bytes.
    public let signature: [UInt8]

    /// A certificate signed by `issuer`, whose id replaces the body's issuer.
    public init(_ body: Body, signedBy issuer: Identity) throws(TrustError) {
        guard isValidName(body.name, limit: TrustLimits.nodeNameBytesMax) else {
            throw .badName(
                "'\(body.name)' cannot name a node: use 1 to \(TrustLimits.nodeNameBytesMax) "
                    + "letters, digits, '-', '.' or '_'")
        }
        try Label.check(body.labels)
        guard body.kind == .member || body.labels.isEmpty else {
            throw .badName("an issuer's certificate has no labels")
        }
        var body = body
        body.issuer = issuer.nodeID
        self.body = body
        signature = issuer.sign(body.encoded, domain: .certificate, mesh: body.mesh)
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        body.encode(to: &writer)
        writer.writeBytes(signature)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        body = try Body(from: &reader)
        signature = Array(try reader.readBytes(signatureBytes))
    }

    /// Checks everything about this one certificate.
    func verify(as kind: Kind, mesh: MeshID, signer: NodeID, at now: WallTime) throws(TrustError) {
        let what = kind == .issuer ? "issuer's certificate" : "certificate"
        guard body.kind == kind else { throw .wrongKind }
        guard body.mesh == mesh else { throw .otherMesh }
        guard body.issuer == signer else { throw .wrongIssuer }
        guard signer.verifies(signature, over: body.encoded, domain: .certificate, mesh: mesh)
        else { throw .badSignature(of: what) }
        let lifetimeMax =
            kind == .issuer ? TrustLimits.issuerLifetimeMax : TrustLimits.memberLifetimeMax
        guard body.notBefore < body.notAfter, body.notAfter <= body.notBefore + lifetimeMax else {
            throw .lifetimeTooLong(what: what)
        }
        guard body.notBefore <= now + TrustLimits.clockSkewMax else {
            throw .notYetValid(what: what, from: body.notBefore)
        }
        guard now < body.notAfter else { throw .expired(what: what, at: body.notAfter) }
    }
}

extension Certificate.Body: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        writer.writeInteger(kind.rawValue)
        mesh.encode(to: &writer)
        subject.encode(to: &writer)
        writer.writeString16(name)
        writer.writeInteger(roles.rawValue)
        writer.writeLabels(labels)
        writer.writeInteger(serial)
        writer.writeInteger(epoch)
        notBefore.encode(to: &writer)
        notAfter.encode(to: &writer)
        issuer.encode(to: &writer)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "certificate version", value: Int(version))
        }
        guard let kind = Certificate.Kind(rawValue: try reader.readUInt8()) else {
            throw .invalid(field: "certificate kind")
        }
        self.kind = kind
        mesh = try MeshID(from: &reader)
        subject = try NodeID(from: &reader)
        name = try reader.readNodeName()
        roles = Roles(rawValue: try reader.readUInt8())
        guard Roles.all.isSuperset(of: roles) else { throw .invalid(field: "roles") }
        labels = try reader.readLabels()
        // Labels are a node's. An issuer's would only make its members' chains too long.
        guard kind == .member || labels.isEmpty else { throw .invalid(field: "issuer's labels") }
        serial = try reader.readInteger()
        epoch = try reader.readInteger()
        notBefore = try WallTime(from: &reader)
        notAfter = try WallTime(from: &reader)
        issuer = try NodeID(from: &reader)
    }
}

/// A member as its verified certificate describes it.
public struct VerifiedMember: Sendable, Equatable {
    /// The node.
    public let nodeID: NodeID
    /// Its name.
    public let name: String
    /// What it may do.
    public let roles: Roles
    /// Its labels.
    public let labels: [Label]
    /// Until when this holds: the end of the first certificate of the chain to end.
    public let notAfter: WallTime
    /// The chain that says so.
    public let digest: CertificateDigest
}

/// A member's certificate, with its issuer's unless the authority signed it.
public struct CertificateChain: Sendable, Equatable, WireCodable {
    /// The member's.
    public let member: Certificate
    /// The issuer's.
    public let issuer: Certificate?

    /// A chain as given.
    public init(member: Certificate, issuer: Certificate?) {
        self.member = member
        self.issuer = issuer
    }

    /// The digest by which others ask for the chain.
    public var digest: CertificateDigest {
        guard let digest = CertificateDigest(blake2b(domain: "shoal chain v1", encoded)) else {
            preconditionFailure("a digest of 32 bytes is an identifier")
        }
        return digest
    }

    /// Checks the whole chain against the mesh's first record.
    public func verify(genesis: Genesis, at now: WallTime) throws(TrustError) -> VerifiedMember {
        let mesh = genesis.id
        var signer = genesis.authority
        if let issuer {
            try issuer.verify(as: .issuer, mesh: mesh, signer: signer, at: now)
            guard issuer.body.roles.contains(.issuer) else { throw .missingRole("issuer") }
            signer = issuer.body.subject
        }
        try member.verify(as: .member, mesh: mesh, signer: signer, at: now)
        let body = member.body
        return VerifiedMember(
            nodeID: body.subject, name: body.name, roles: body.roles, labels: body.labels,
            notAfter: min(body.notAfter, issuer?.body.notAfter ?? body.notAfter), digest: digest)
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        member.encode(to: &writer)
        writer.writeBool(issuer != nil)
        issuer?.encode(to: &writer)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        member = try Certificate(from: &reader)
        issuer = try reader.readBool(field: "has issuer") ? Certificate(from: &reader) : nil
    }
}
