public import Trust
public import Wire

/// The mesh's own ``LinkVerifier``: proofs by signatures, members by certificates.
public struct MemberVerifier: LinkVerifier {
    private let genesis: Genesis
    private let trust: TrustState?
    private let versions: ProtocolVersions
    private let now: @Sendable () -> WallTime

    /// A verifier for a mesh.
    ///
    /// - Parameters:
    ///   - trust: Who is not to be trusted any more; nil for a node that joins and knows nothing yet.
    ///   - now: The civil time, asked for at each verification.
    public init(
        genesis: Genesis, trust: TrustState?, versions: ProtocolVersions = .current,
        now: @escaping @Sendable () -> WallTime
    ) {
        self.genesis = genesis
        self.trust = trust
        self.versions = versions
        self.now = now
    }

    /// See ``LinkVerifier/verify(payload:staticKey:standing:)``.
    public func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        do {
            let proof = try LinkProof(decoding: payload)
            guard let version = versions.common(with: proof.versions) else {
                throw LinkError.noCommonVersion
            }
            var member: VerifiedMember?
            if standing == .joiner {
                try proof.verifyKey(staticKey: staticKey, mesh: genesis.id, at: now())
            } else {
                member = try proof.verify(
                    staticKey: staticKey, genesis: genesis, at: now(), trust: trust,
                    allowingExpired: standing == .returning)
            }
            return LinkPeer(
                nodeID: proof.node, member: member, proof: proof, linkKey: staticKey,
                version: version)
        } catch let error as LinkError {
            throw error
        } catch { throw .peerRefused("\(error)") }
    }
}
