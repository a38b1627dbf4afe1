import Platform
public import Trust
public import Wire

// What a node knows about trust, on disk. Commands and the running node both change it, so each
// change is: lock, read, merge, write.
extension StateDirectory {
    /// The keys of the member lane.
    public func gateKeys() throws(StateError) -> GateKeyRing {
        try Self.load(files, "mesh/gate.key", "gate key", secret: true, as: GateKeyRing.self)
    }

    /// The current key of the member lane.
    public func gateKey() throws(StateError) -> GateKey { try gateKeys().current.key }

    /// The mesh's issuers, and all revocations that this node knows. What is on disk was verified
    /// before it was written.
    public func trust() throws(StateError) -> TrustState {
        let claim = try Self.load(files, "mesh/trust", "trust state", as: TrustState.self)
        var trust = TrustState()
        do {
            try trust.merge(claim, genesis: genesis)
        } catch {
            throw .damaged(path: files.path("mesh/trust"), reason: "\(error)")
        }
        return trust
    }

    /// Changes trust state and gate keys as one, whoever else does at the same time.
    @discardableResult
    public func updateTrust<R>(
        _ body: (inout TrustState, inout GateKeyRing) throws(TrustError) -> R
    ) throws(StateError) -> R {
        let lock = try StateLock(waitingFor: files.path("mesh/lock"))
        defer { withExtendedLifetime(lock) {} }
        let (trustBefore, keysBefore) = (try trust(), try gateKeys())
        var (trust, keys) = (trustBefore, keysBefore)
        let result: R
        do throws(TrustError) {
            result = try body(&trust, &keys)
        } catch {
            throw .trust(error)
        }
        // The revocations first: a crash between the two leaves a key to roll, never a revoked node
        // that knows the key and is still trusted.
        if trust != trustBefore {
            try Self.save(files, "mesh/trust", "trust state", trust.encoded)
        }
        if keys != keysBefore { try Self.save(files, "mesh/gate.key", "gate key", keys.encoded) }
        return result
    }

    // MARK: This node's certificate

    /// The node's certificate chain, as it is on disk.
    public func certificate() throws(StateError) -> CertificateChain {
        let chain = try Self.load(
            files, "node/certificate", "certificate", as: CertificateChain.self)
        let body = chain.member.body
        guard body.subject == identity.nodeID, body.mesh == genesis.id else {
            throw .damaged(
                path: files.path("node/certificate"),
                reason: "it is another node's or another mesh's")
        }
        return chain
    }

    /// The node's certificate chain. An issuer renews its own when half its life is over.
    public func certificate(now: WallTime) throws(StateError) -> CertificateChain {
        let chain = try certificate()
        guard now >= chain.renewalTime, let issuer = try issuerCertificate(try trust(), now: now),
            now < issuer.body.notAfter
        else { return chain }
        return try renewOwn(chain, as: MeshSigner(identity: identity, certificate: issuer), now)
    }

    private func renewOwn(
        _ chain: CertificateChain, as signer: MeshSigner, _ now: WallTime
    ) throws(StateError) -> CertificateChain {
        let body = chain.member.body
        do throws(TrustError) {
            let renewed = try signer.chain(
                for: identity.nodeID, name: body.name, labels: body.labels,
                roles: body.roles.union(.issuer), genesis: genesis, trust: try? trust(), now: now)
            do throws(StateError) {
                try install(renewed)
            } catch {
                return chain
            }
            return renewed
        } catch {
            throw .trust(error)
        }
    }

    /// Uses a certificate from now on, which was verified.
    func install(_ chain: CertificateChain) throws(StateError) {
        try Self.save(files, "node/certificate", "certificate", chain.encoded)
    }

    /// Installs what `mesh certify` made for this node, after checking it.
    public func install(_ grant: Grant, now: WallTime) throws(StateError) {
        guard grant.genesis == genesis else { throw .trust(.otherMesh) }
        if let issuer = grant.issuer {
            guard issuer.body.subject == identity.nodeID else { throw .otherNode(path: path) }
            try updateTrust { (trust, _) throws(TrustError) in
                try trust.merge(TrustState(issuers: [issuer]), genesis: genesis)
                guard trust.issuer(identity.nodeID) != nil else {
                    throw .revoked(.issuer(identity.nodeID, honouredThrough: 0), reason: "")
                }
                guard now < issuer.body.notAfter else {
                    throw .expired(what: "issuer's certificate", at: issuer.body.notAfter)
                }
            }
            try Self.save(files, "mesh/issuer", "issuer certificate", issuer.encoded)
            // Its own certificate says what it may do; an issuer makes its own.
            _ = try renewOwn(
                try certificate(), as: MeshSigner(identity: identity, certificate: issuer), now)
        }
        if let chain = grant.chain {
            guard chain.member.body.subject == identity.nodeID else {
                throw .otherNode(path: path)
            }
            do throws(TrustError) {
                _ = try chain.verify(genesis: genesis, at: now, trust: try? trust())
            } catch {
                throw .trust(error)
            }
            try install(chain)
        }
    }

    // MARK: Noticing changes

    /// What changes whenever a command writes one of the files above.
    func trustStamp() -> [[UInt64]] {
        ["mesh/trust", "mesh/gate.key", "mesh/issuer", "node/certificate"].map {
            files.stamp($0)
        }
    }
}

/// What `shoal mesh certify` makes for a node: an issuer's certificate, or a member's, as one line of
/// text. It holds no secret.
public struct Grant: Sendable, Equatable, WireCodable {
    /// How its text begins.
    public static let textPrefix = "shoalcert1-"

    /// The mesh.
    public let genesis: Genesis
    /// The right to let others in.
    public let issuer: Certificate?
    /// A member's certificate.
    public let chain: CertificateChain?

    /// The right to let others in.
    public init(genesis: Genesis, issuer: Certificate) {
        self.genesis = genesis
        self.issuer = issuer
        chain = nil
    }

    /// A member's certificate.
    public init(genesis: Genesis, chain: CertificateChain) {
        self.genesis = genesis
        issuer = nil
        self.chain = chain
    }

    /// The grant as one line: the prefix, then its bytes as hexadecimal digits.
    public var text: String { Self.textPrefix + hexadecimal(encoded) }

    /// Parses what ``text`` gives; white space around and within it is ignored.
    public init(text: String) throws(StateError) {
        let compact = text.filter { !$0.isWhitespace }
        guard compact.utf8.count <= NodeLimits.grantTextMax, compact.hasPrefix(Self.textPrefix)
        else {
            throw .invalid(
                "this is not what `shoal mesh certify` prints: that begins with "
                    + "'\(Self.textPrefix)'")
        }
        guard
            let bytes = hexadecimalBytes(
                String(compact.dropFirst(Self.textPrefix.count))),
            let grant = try? Grant(decoding: bytes)
        else { throw .invalid("the certificate is damaged: copy it whole, without changes") }
        self = grant
    }

    /// Version 1, the mesh's record, 1 and an issuer's certificate or 2 and a member's chain.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        genesis.encode(to: &writer)
        if let issuer {
            writer.writeInteger(UInt8(1))
            issuer.encode(to: &writer)
        } else if let chain {
            writer.writeInteger(UInt8(2))
            chain.encode(to: &writer)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "grant version", value: Int(version))
        }
        genesis = try Genesis(from: &reader)
        switch try reader.readUInt8() {
        case 1:
            issuer = try Certificate(from: &reader)
            chain = nil
        case 2:
            issuer = nil
            chain = try CertificateChain(from: &reader)
        default: throw .invalid(field: "grant")
        }
    }
}
