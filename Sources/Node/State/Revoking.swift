public import Trust
public import Wire

// Revocations as `shoal mesh revoke` makes them.
extension StateDirectory {
    /// What `mesh revoke` did.
    public struct Revoked: Sendable {
        /// The statement: the one there was, where it was said before.
        public let revocation: Revocation
        /// The gate key's epoch.
        public let gateKey: GateKey.Epoch
        /// Whether it was said before: then nothing is changed, and the gate key is not rolled.
        public let isOld: Bool
    }

    /// Why a revocation would hurt whoever makes it.
    public enum RevocationHarm: Sendable, Equatable {
        /// This node would be out of the mesh.
        case endsThisNode
        /// Nobody could let others in or renew certificates any more.
        case leavesNoIssuer
    }

    /// Revokes a member, a certificate or an issuer, and rolls the gate key; unless the same is
    /// revoked already.
    public func revoke(
        _ target: Revocation.Target, reason: String, authority: AuthorityKey?,
        keys: KeyProtection, now: WallTime
    ) throws(StateError) -> Revoked {
        let signer: MeshSigner
        if case .issuer = target {
            signer = try authoritySigner(authority, keys)
        } else {
            signer = try anySigner(authority, keys, now: now)
        }
        return try updateTrust { (trust, ring) throws(TrustError) in
            if let said = trust.revocation(of: target),
                said.signer == genesis.authority || !signer.isAuthority
                    || !trust.issuers.contains(where: { target.isSerial(of: $0) })
            {
                return Revoked(revocation: said, gateKey: ring.current.key.epoch, isOld: true)
            }
            let revocation = try trust.revoke(
                target, reason: reason, signedBy: signer.identity, genesis: genesis, at: now)
            ring.settle(trust)
            let key = try ring.roll(
                by: signer.identity, certificate: signer.certificate, genesis: genesis, at: now,
                trust: trust)
            return Revoked(revocation: revocation, gateKey: key.key.epoch, isOld: false)
        }
    }

    /// What a revocation would do to this node or its mesh that nobody wants; nil for most.
    public func harm(
        of target: Revocation.Target, now: WallTime
    ) throws(StateError) -> RevocationHarm? {
        let (chain, trust) = (try certificate(), try trust())
        let certificates = [
            chain.member, chain.issuer, try issuerCertificate(trust, now: now),
        ].compactMap { $0 }
        let issuers = trust.issuers.filter {
            trust.issuer($0.body.subject) != nil && now < $0.body.notAfter
        }
        switch target {
        case .member(let node): return node == identity.nodeID ? .endsThisNode : nil
        case .issuer(let node, _):
            // All that it issued is void, this node's own certificate among it.
            if node == identity.nodeID || chain.issuer?.body.subject == node {
                return .endsThisNode
            }
            let isLast = !issuers.isEmpty && issuers.allSatisfy { $0.body.subject == node }
            return isLast ? .leavesNoIssuer : nil
        case .certificate:
            if certificates.contains(where: target.isSerial) { return .endsThisNode }
            return !issuers.isEmpty && issuers.allSatisfy(target.isSerial)
                ? .leavesNoIssuer : nil
        }
    }

    /// The certificates that this directory holds: this node's, those that it issued, the issuers'.
    public func certificatesKnown() throws(StateError) -> [Certificate] {
        let chains = [try certificate()] + issued()
        let all = chains.map(\.member) + chains.compactMap(\.issuer) + (try trust().issuers)
        var seen: Set<UInt64> = []
        return all.filter { seen.insert($0.body.serial).inserted }
    }
}

extension Revocation.Target {
    /// Whether it is this very certificate, by its serial.
    func isSerial(of certificate: Certificate) -> Bool {
        self == .certificate(serial: certificate.body.serial)
    }
}
