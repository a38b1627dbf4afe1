internal import Secrets
public import Wire

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
    /// Whether that time was over when it was verified: only the catch-up lane takes such a member.
    public let isExpired: Bool
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

    /// Checks the whole chain against the mesh's first record and what is known of revocations.
    ///
    /// - Parameters:
    ///   - trust: What this node knows; nil where it knows nothing yet, as a node that joins.
    ///   - allowingExpired: Accept a chain whose time is over, and say so in
    ///     ``VerifiedMember/isExpired``: for the catch-up lane. It must not be revoked all the same.
    public func verify(
        genesis: Genesis, at now: WallTime, trust: TrustState?, allowingExpired: Bool = false
    ) throws(TrustError) -> VerifiedMember {
        let mesh = genesis.id
        var signer = genesis.authority
        var links = [member]
        if let issuer {
            try issuer.verifyIssuer(of: genesis)
            signer = issuer.body.subject
            links.insert(issuer, at: 0)
        }
        try member.verifyStatement(as: .member, mesh: mesh, signer: signer)
        try trust?.check(self)
        var isExpired = false
        for certificate in links {
            let what = Certificate.name(of: certificate.body.kind)
            guard try certificate.isExpired(at: now, as: what) else { continue }
            guard allowingExpired else {
                throw .expired(what: what, at: certificate.body.notAfter)
            }
            isExpired = true
        }
        let body = member.body
        return VerifiedMember(
            nodeID: body.subject, name: body.name, roles: body.roles, labels: body.labels,
            notAfter: min(body.notAfter, issuer?.body.notAfter ?? body.notAfter),
            isExpired: isExpired, digest: digest)
    }

    /// The member's certificate; 1 and its issuer's, or 0.
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
