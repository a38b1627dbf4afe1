public import Wire

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

    /// The body; the signature of its bytes in the domain ``SignatureDomain/certificate`` and the mesh.
    public func encode(to writer: inout ByteWriter) {
        body.encode(to: &writer)
        writer.writeBytes(signature)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        body = try Body(from: &reader)
        signature = Array(try reader.readBytes(signatureBytes))
    }

    /// Checks all about this one certificate but whether it is its time.
    func verifyStatement(
        as kind: Kind, mesh: MeshID, signer: NodeID
    ) throws(TrustError) {
        let what = Self.name(of: kind)
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
        guard kind == .member || body.roles.contains(.issuer) else {
            throw .missingRole("issuer")
        }
    }

    /// Checks an issuer's certificate against the mesh's first record, whatever the time.
    func verifyIssuer(of genesis: Genesis) throws(TrustError) {
        try verifyStatement(as: .issuer, mesh: genesis.id, signer: genesis.authority)
    }

    /// Whether its time is over; one whose time has not come is refused.
    func isExpired(at now: WallTime, as what: String) throws(TrustError) -> Bool {
        guard body.notBefore <= now + TrustLimits.clockSkewMax else {
            throw .notYetValid(what: what, from: body.notBefore)
        }
        return now >= body.notAfter
    }

    static func name(of kind: Kind) -> String {
        kind == .issuer ? "issuer's certificate" : "certificate"
    }

    /// Whether it replaces `other` of the same subject. Of two certificates one is newer, whichever
    /// is looked at first.
    func isNewer(than other: Certificate) -> Bool {
        if body.epoch != other.body.epoch { return body.epoch > other.body.epoch }
        if body.notAfter != other.body.notAfter { return body.notAfter > other.body.notAfter }
        return other.encoded.lexicographicallyPrecedes(encoded)
    }
}

extension Certificate.Body: WireCodable {
    /// Version 1; kind (1 issuer, 2 member); mesh; subject; the name with its 16-bit length; roles (bits:
    /// 1 issuer, 2 server, 4 client); the 8-bit number of labels and for each its key and value with
    /// 16-bit lengths, by key, no key twice, none for an issuer; serial (64 bits); epoch (32); first and
    /// last second of validity (64 each); the signer.
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
