public import Wire

extension TrustState {
    /// Takes in what another member knows. All or nothing: one statement that is not signed by who may
    /// make it refuses the whole, and nothing is changed.
    ///
    /// Costs one signature check for each statement that was not held before.
    ///
    /// - Returns: The revocations that are new.
    /// - Throws: ``TrustError/badSignature(of:)``, ``TrustError/wrongIssuer`` for a signer who is no
    ///   issuer, ``TrustError/missingRole(_:)`` for an issuer's revocation signed by another than the
    ///   authority, ``TrustError/tooMany(_:limit:)`` for more than fits, and what is wrong with an
    ///   issuer's certificate.
    @discardableResult
    public mutating func merge(
        _ other: TrustState, genesis: Genesis
    ) throws(TrustError) -> [Revocation] {
        guard other.digest != digest else { return [] }
        let mesh = genesis.id
        let authority = genesis.authority
        for certificate in other.issuers where !holds(certificate) {
            try certificate.verifyIssuer(of: genesis)
        }
        let unheld = other.revocations.filter { !holds($0) }
        // The authority's first: they say which of the others are void and need no check.
        for revocation in unheld {
            if case .issuer = revocation.target, revocation.signer != authority {
                throw .missingRole("authority")
            }
            if revocation.signer == authority { try revocation.verifySignature(mesh: mesh) }
        }
        let everything = revocations + unheld
        let honoured = Storage.honoured(everything)
        for revocation in unheld where revocation.signer != authority {
            let signer = revocation.signer
            if let limit = honoured[signer], revocation.sequence > limit { continue }
            guard
                storage.issuerIndices[signer] != nil || other.storage.issuerIndices[signer] != nil
            else { throw .wrongIssuer }
            try revocation.verifySignature(mesh: mesh)
        }
        let merged = Storage(issuers: issuers + other.issuers, revocations: everything)
        try Self.checkBounds(merged, authority: authority, claims: everything)
        let new = merged.revocations.filter { !storage.holds($0) }
        self = TrustState(storage: merged)
        return new
    }

    private static func checkBounds(
        _ merged: Storage, authority: NodeID, claims: [Revocation]
    ) throws(TrustError) {
        guard merged.issuers.count <= TrustLimits.issuersMax else {
            throw .tooMany("issuers", limit: TrustLimits.issuersMax)
        }
        guard merged.revocations.count <= TrustLimits.revocationsMax else {
            throw .tooMany("revocations", limit: TrustLimits.revocationsMax)
        }
        // An issuer's statements beyond its share are left out; the authority's never silently.
        let bodies = Set(claims.filter { $0.signer == authority }.map(\.body))
        guard bodies.count <= TrustLimits.revocationsPerSignerMax else {
            throw .tooMany(
                "revocations of the authority", limit: TrustLimits.revocationsPerSignerMax)
        }
    }

    /// Revokes something: makes the signer's next statement and takes it in. A signer that has said
    /// the same before says nothing new.
    ///
    /// - Parameter reason: For people: see ``Revocation/reason``.
    /// - Returns: The statement, to be told to others.
    /// - Throws: ``TrustError/wrongIssuer`` when the signer is neither the authority nor an issuer of
    ///   this state, ``TrustError/expired(what:at:)`` and ``TrustError/revoked(_:reason:)`` when it is
    ///   one no longer, and as ``merge(_:genesis:)``.
    @discardableResult
    public mutating func revoke(
        _ target: Revocation.Target, reason: String = "", signedBy signer: Identity,
        genesis: Genesis, at now: WallTime
    ) throws(TrustError) -> Revocation {
        let node = signer.nodeID
        if node != genesis.authority {
            if case .issuer = target { throw .missingRole("authority") }
            if let index = storage.revokedIssuers[node] {
                let revocation = revocations[index]
                throw .revoked(revocation.target, reason: revocation.reason)
            }
            guard let index = storage.issuerIndices[node] else { throw .wrongIssuer }
            if try issuers[index].isExpired(at: now, as: "issuer's certificate") {
                throw .expired(
                    what: "issuer's certificate", at: issuers[index].body.notAfter)
            }
        }
        if let said = revocations.first(where: { $0.signer == node && $0.target == target }) {
            return said
        }
        let own = revocations.count { $0.signer == node }
        let (sequence, overflow) = lastSequence(of: node).addingReportingOverflow(1)
        guard own < TrustLimits.revocationsPerSignerMax, !overflow else {
            throw .tooMany(
                "revocations of one signer", limit: TrustLimits.revocationsPerSignerMax)
        }
        let revocation = try Revocation(
            target, reason: reason, sequence: sequence, issuedAt: now, signedBy: signer,
            mesh: genesis.id)
        try merge(TrustState(issuers: [], revocations: [revocation]), genesis: genesis)
        return revocation
    }

    private func holds(_ certificate: Certificate) -> Bool {
        storage.issuerIndices[certificate.body.subject].map { issuers[$0] == certificate } ?? false
    }

    private func holds(_ revocation: Revocation) -> Bool { storage.holds(revocation) }
}

extension TrustState.Storage {
    /// Whether this very statement is here, by bisection.
    func holds(_ revocation: Revocation) -> Bool {
        var range = revocations.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if revocations[middle].precedes(revocation) {
                range = middle + 1..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        return range.lowerBound < revocations.count
            && revocations[range.lowerBound] == revocation
    }
}
