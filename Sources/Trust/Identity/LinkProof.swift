public import Wire

/// The range of link protocol versions that a node speaks.
public struct ProtocolVersions: Sendable, Equatable, WireCodable {
    /// The oldest.
    public let oldest: UInt16
    /// The newest.
    public let newest: UInt16

    /// What this build speaks.
    public static let current = ProtocolVersions(oldest: 1, newest: 1)

    /// A range; `oldest` is at most `newest`.
    public init(oldest: UInt16, newest: UInt16) {
        precondition(oldest <= newest, "a range has its ends in order")
        self.oldest = oldest
        self.newest = newest
    }

    /// The newest version that both speak, or nil.
    public func common(with other: Self) -> UInt16? {
        let version = min(newest, other.newest)
        return version >= max(oldest, other.oldest) ? version : nil
    }

    /// Oldest and newest, 16 bits each.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(oldest)
        writer.writeInteger(newest)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        oldest = try reader.readInteger()
        newest = try reader.readInteger()
        guard oldest <= newest else { throw .invalid(field: "protocol versions") }
    }
}

/// What a node says of itself in the handshake's second and third message: who it is, and by its
/// signature that the handshake's static key is its own.
public struct LinkProof: Sendable, Equatable, WireCodable {
    /// The node.
    public let node: NodeID
    /// Its certificate; nil for a node that joins and has none yet.
    public let chain: CertificateChain?
    /// When the link key ends.
    public let linkKeyNotAfter: WallTime
    /// The node's signature over its link key and that key's end.
    public let signature: [UInt8]
    /// The protocol versions it speaks.
    public let versions: ProtocolVersions

    /// The proof of `identity`, whose certificate is `chain`, that `linkKey` is its own.
    public init(
        identity: Identity, chain: CertificateChain?, linkKey: LinkKeyPair, mesh: MeshID,
        versions: ProtocolVersions = .current
    ) {
        node = identity.nodeID
        self.chain = chain
        linkKeyNotAfter = linkKey.notAfter
        self.versions = versions
        signature = identity.sign(
            Self.signed(linkKey.publicKey, linkKey.notAfter), domain: .linkKey, mesh: mesh)
    }

    private static func signed(_ key: LinkKey, _ notAfter: WallTime) -> [UInt8] {
        key.bytes + notAfter.encoded
    }

    /// Checks the times alone, of the link key and of the certificates if there are any: without a
    /// signature, nothing is proven by it.
    ///
    /// - Parameter allowingExpired: Accept certificates whose time is over.
    public func checkTimes(at now: WallTime, allowingExpired: Bool) throws(TrustError) {
        try checkLinkKeyTime(at: now)
        for certificate in [chain?.member, chain?.issuer].compactMap({ $0 }) {
            let what = Certificate.name(of: certificate.body.kind)
            if try certificate.isExpired(at: now, as: what), !allowingExpired {
                throw .expired(what: what, at: certificate.body.notAfter)
            }
        }
    }

    /// By how much the clock of who made the link key is ahead of this one at least: a key lives no
    /// longer than ``TrustLimits/linkKeyLifetimeMax`` from when it was made. Zero where it may be
    /// right.
    public func clockAhead(of now: WallTime) -> Duration {
        let latest = now + TrustLimits.linkKeyLifetimeMax
        return .seconds(linkKeyNotAfter.seconds - min(linkKeyNotAfter.seconds, latest.seconds))
    }

    private func checkLinkKeyTime(at now: WallTime) throws(TrustError) {
        guard now < linkKeyNotAfter else { throw .expired(what: "link key", at: linkKeyNotAfter) }
        guard clockAhead(of: now) <= TrustLimits.clockSkewMax else {
            throw .lifetimeTooLong(what: "link key")
        }
    }

    /// Checks that the node owns `staticKey`, the key the handshake authenticated. This is all that
    /// a node that joins can prove.
    public func verifyKey(staticKey: LinkKey, mesh: MeshID, at now: WallTime) throws(TrustError) {
        try checkLinkKeyTime(at: now)
        guard
            node.verifies(
                signature, over: Self.signed(staticKey, linkKeyNotAfter), domain: .linkKey,
                mesh: mesh)
        else { throw .linkKeyMismatch }
    }

    /// Checks all of it: the key, and that the node is a member: see
    /// ``CertificateChain/verify(genesis:at:trust:allowingExpired:)``.
    public func verify(
        staticKey: LinkKey, genesis: Genesis, at now: WallTime, trust: TrustState?,
        allowingExpired: Bool = false
    ) throws(TrustError) -> VerifiedMember {
        try verifyKey(staticKey: staticKey, mesh: genesis.id, at: now)
        guard let chain else { throw .missingRole("member") }
        let member = try chain.verify(
            genesis: genesis, at: now, trust: trust, allowingExpired: allowingExpired)
        guard member.nodeID == node else { throw .linkKeyMismatch }
        return member
    }

    /// The versions; the node; the link key's end; the signature over link key and end in the domain
    /// ``SignatureDomain/linkKey``; 1 and the chain, or 0. The link key itself is the handshake's.
    public func encode(to writer: inout ByteWriter) {
        versions.encode(to: &writer)
        node.encode(to: &writer)
        linkKeyNotAfter.encode(to: &writer)
        writer.writeBytes(signature)
        writer.writeBool(chain != nil)
        chain?.encode(to: &writer)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        versions = try ProtocolVersions(from: &reader)
        node = try NodeID(from: &reader)
        linkKeyNotAfter = try WallTime(from: &reader)
        signature = Array(try reader.readBytes(signatureBytes))
        chain =
            try reader.readBool(field: "has certificate") ? CertificateChain(from: &reader) : nil
    }
}
