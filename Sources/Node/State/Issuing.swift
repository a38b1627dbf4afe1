import Secrets
public import Trust
public import Wire

extension Roles {
    /// What the node has with which a mesh begins.
    static let founder: Roles = [.issuer, .server, .client]
}

/// Who speaks for a mesh: its authority, or an issuer.
struct MeshSigner: Sendable {
    let identity: Identity
    /// The issuer's; nil for the authority.
    let certificate: Certificate?

    var isAuthority: Bool { certificate == nil }

    /// A member's certificate, for the longest time it may have.
    func chain(
        for node: NodeID, name: String, labels: [Label], roles: Roles, genesis: Genesis,
        trust: TrustState?, now: WallTime
    ) throws(TrustError) -> CertificateChain {
        let body = Certificate.Body(
            kind: .member, mesh: genesis.id, subject: node, name: name, roles: roles,
            labels: labels, serial: Self.serial(), epoch: Self.epoch(of: genesis, at: now),
            notBefore: now, notAfter: now + TrustLimits.memberLifetimeMax,
            issuer: identity.nodeID)
        let chain = CertificateChain(
            member: try Certificate(body, signedBy: identity), issuer: certificate)
        // So that an issuer whose own time is over says so here, and not the other nodes later.
        _ = try chain.verify(genesis: genesis, at: now, trust: trust)
        return chain
    }

    /// An issuer's certificate. Only the authority's counts.
    ///
    /// - Parameter earlier: The one that it replaces.
    func issuerCertificate(
        for node: NodeID, name: String, earlier: Certificate?, genesis: Genesis, now: WallTime
    ) throws(TrustError) -> Certificate {
        guard isAuthority else { throw .missingRole("authority") }
        let epoch = max(Self.epoch(of: genesis, at: now), (earlier?.body.epoch ?? 0) + 1)
        return try Certificate(
            Certificate.Body(
                kind: .issuer, mesh: genesis.id, subject: node, name: name, roles: [.issuer],
                labels: [], serial: Self.serial(), epoch: epoch, notBefore: now,
                notAfter: now + TrustLimits.issuerLifetimeMax, issuer: identity.nodeID),
            signedBy: identity)
    }

    /// Certificates of one node grow in epoch whoever issues them: it counts the seconds since the
    /// mesh was made, so that issuers need not know of each other's.
    private static func epoch(of genesis: Genesis, at now: WallTime) -> UInt32 {
        UInt32(clamping: now.seconds - min(now.seconds, genesis.created.seconds) + 1)
    }

    private static func serial() -> UInt64 {
        randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension StateDirectory {
    /// This node's issuer certificate, if it has one that still counts.
    func issuerCertificate(_ trust: TrustState, now: WallTime) throws(StateError) -> Certificate? {
        guard files.exists("mesh/issuer") else { return nil }
        let own = try Self.load(
            files, "mesh/issuer", "issuer certificate", as: Certificate.self)
        // What the mesh holds may be newer; where it holds none any more, it was revoked.
        guard let held = trust.issuer(identity.nodeID) else { return nil }
        return held.body.epoch > own.body.epoch ? held : own
    }

    /// Whether this node can let others in, as far as its files say.
    public var isIssuer: Bool {
        files.exists("mesh/issuer") && (try? trust().issuer(identity.nodeID)) != nil
    }

    /// Who signs what members are given: this node as an issuer, else the authority.
    ///
    /// - Parameter authority: The authority's key, where it was named.
    func signer(authority: AuthorityKey?, now: WallTime) throws(StateError) -> MeshSigner {
        if let authority { return try signer(authority) }
        if let certificate = try issuerCertificate(try trust(), now: now) {
            return MeshSigner(identity: identity, certificate: certificate)
        }
        throw .notAnIssuer(path: path)
    }

    /// The authority as signer: its key as named, else that of the directory.
    func authoritySigner(
        _ authority: AuthorityKey?, _ keys: KeyProtection
    ) throws(StateError) -> MeshSigner {
        if let authority { return try signer(authority) }
        guard files.exists("mesh/authority.key") else { throw .noAuthority(path: path) }
        return try signer(AuthorityKey(in: files, name: "mesh/authority.key", keys))
    }

    /// Whether the authority's key is in the directory.
    public var holdsAuthorityKey: Bool { files.exists("mesh/authority.key") }

    private func signer(_ authority: AuthorityKey) throws(StateError) -> MeshSigner {
        guard authority.genesis == genesis else { throw .trust(.otherMesh) }
        return MeshSigner(identity: authority.identity, certificate: nil)
    }

    /// Certifies a member of this node's mesh, for the longest time a certificate may have, and
    /// remembers whom.
    public func issue(
        to node: NodeID, name: String, labels: [Label], roles: Roles = .ordinary,
        authority: AuthorityKey? = nil, now: WallTime
    ) throws(StateError) -> CertificateChain {
        let signer = try signer(authority: authority, now: now)
        let chain: CertificateChain
        do throws(TrustError) {
            chain = try signer.chain(
                for: node, name: name, labels: labels, roles: roles, genesis: genesis,
                trust: try? trust(), now: now)
        } catch {
            throw .trust(error)
        }
        try files.makeDirectory("mesh/issued")
        for old in issued() where old.member.body.notAfter + TrustLimits.ticketLifetimeMax < now {
            files.remove("mesh/issued/\(old.member.body.subject.hex)")
        }
        try Self.save(files, "mesh/issued/\(node.hex)", "certificate", chain.encoded)
        return chain
    }

    /// What this node certified last for each node, by name; forgotten a month after its end.
    public func issued() -> [CertificateChain] {
        files.list("mesh/issued").compactMap { name in
            try? Self.load(files, "mesh/issued/\(name)", "certificate", as: CertificateChain.self)
        }.sorted { $0.member.body.name < $1.member.body.name }
    }

    /// What this node certified last for a node.
    func issued(to node: NodeID) -> CertificateChain? {
        try? Self.load(files, "mesh/issued/\(node.hex)", "certificate", as: CertificateChain.self)
    }

    /// Certifies a node as an issuer, and takes that into this directory's knowledge.
    public func issueIssuer(
        to node: NodeID, name: String, authority: AuthorityKey?, keys: KeyProtection,
        now: WallTime
    ) throws(StateError) -> Certificate {
        let signer = try authoritySigner(authority, keys)
        return try updateTrust { (trust, _) throws(TrustError) in
            guard !trust.isRevokedIssuer(node), !trust.isRevoked(node) else {
                throw .badName("\(name) was revoked, and that is for ever: certify another node")
            }
            let certificate = try signer.issuerCertificate(
                for: node, name: name, earlier: trust.issuer(node), genesis: genesis, now: now)
            try trust.merge(TrustState(issuers: [certificate]), genesis: genesis)
            return certificate
        }
    }

    /// Rolls the gate key: every node uses another one as soon as it hears.
    ///
    /// - Returns: The new epoch.
    @discardableResult
    public func rollGateKey(
        authority: AuthorityKey? = nil, keys: KeyProtection, now: WallTime
    ) throws(StateError) -> GateKey.Epoch {
        let signer = try anySigner(authority, keys, now: now)
        return try updateTrust { (trust, ring) throws(TrustError) in
            try ring.roll(
                by: signer.identity, certificate: signer.certificate, genesis: genesis, at: now,
                trust: trust
            ).key.epoch
        }
    }

    /// An issuer signs for itself; else the authority does.
    func anySigner(
        _ authority: AuthorityKey?, _ keys: KeyProtection, now: WallTime
    ) throws(StateError) -> MeshSigner {
        if authority == nil, let own = try? signer(authority: nil, now: now) { return own }
        do throws(StateError) {
            return try authoritySigner(authority, keys)
        } catch .noAuthority {
            throw .notAnIssuer(path: path)
        }
    }
}

extension AuthorityKey {
    /// Certifies a node as an issuer, with the key alone.
    public func certifyIssuer(
        _ node: NodeID, name: String, now: WallTime
    ) throws(StateError) -> Grant {
        do throws(TrustError) {
            return Grant(
                genesis: genesis,
                issuer: try signer.issuerCertificate(
                    for: node, name: name, earlier: nil, genesis: genesis, now: now))
        } catch {
            throw .trust(error)
        }
    }

    /// Certifies a member, with the key alone.
    public func certify(
        _ node: NodeID, name: String, labels: [Label], roles: Roles, now: WallTime
    ) throws(StateError) -> Grant {
        do throws(TrustError) {
            return Grant(
                genesis: genesis,
                chain: try signer.chain(
                    for: node, name: name, labels: labels, roles: roles, genesis: genesis,
                    trust: nil, now: now))
        } catch {
            throw .trust(error)
        }
    }

    private var signer: MeshSigner { MeshSigner(identity: identity, certificate: nil) }
}
