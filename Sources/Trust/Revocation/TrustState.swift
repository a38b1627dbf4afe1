internal import Secrets
public import Wire

/// What a member knows about who is not to be trusted any more: the mesh's issuers, and all
/// revocations that count.
///
/// It only grows by ``merge(_:genesis:)``, and in which order members hear of things makes no
/// difference: merging is commutative, associative and idempotent, and all that have heard the same
/// hold the same, with the same ``digest``. There is one exception, by which it can shrink: the
/// authority's revocation of an issuer voids that issuer's later statements, and they are dropped.
///
/// Which statements count:
///
/// - An issuer's certificate signed by the authority. Of two for one issuer the one with the greater
///   epoch is kept. Dates do not matter here: what an issuer revoked while its certificate was valid
///   stays revoked, and since a statement's date is the signer's own word, nothing is gained by
///   comparing it. An issuer whose key is stolen is to be revoked, even when its certificate is over.
/// - A revocation of a member or certificate, by the authority or any issuer whose certificate is
///   held. A revoked issuer's count up to the sequence that the authority still honours.
/// - A revocation of an issuer, by the authority.
///
/// Bounds: ``TrustLimits/issuersMax`` issuers and ``TrustLimits/revocationsMax`` revocations, of
/// which one issuer has at most ``TrustLimits/revocationsPerSignerMax``: the first, by sequence. A
/// rogue issuer can therefore neither exhaust a member nor keep the authority from revoking it,
/// which makes room. Whoever is no issuer can add nothing at all.
///
/// A decoded state is a claim: only what was merged into one's own has been checked.
public struct TrustState: Sendable, Equatable {
    let storage: Storage

    /// Nothing is known.
    public init() { storage = Storage(issuers: [], revocations: []) }

    /// A claim of these issuers and revocations, to be merged. Neither is checked; what does not fit
    /// the bounds is left out.
    public init(issuers: [Certificate], revocations: [Revocation] = []) {
        storage = Storage(issuers: issuers, revocations: revocations)
    }

    init(storage: Storage) { self.storage = storage }

    /// The issuers' certificates, one for each, by subject. Those of revoked issuers are here as long
    /// as one of their revocations counts.
    public var issuers: [Certificate] { storage.issuers }
    /// The revocations that count, by signer, sequence and bytes.
    public var revocations: [Revocation] { storage.revocations }
    /// BLAKE2b of the encoding: equal for members that know the same.
    public var digest: [UInt8] { storage.digest }

    // MARK: Questions, each answered in constant time

    /// Refuses a chain that is revoked: its member, either certificate, or its issuer.
    ///
    /// - Throws: ``TrustError/revoked(_:reason:)``.
    public func check(_ chain: CertificateChain) throws(TrustError) {
        let member = chain.member.body
        if let revocation = storage.members[member.subject] { throw refusal(revocation) }
        if let revocation = storage.serials[member.serial]?.first { throw refusal(revocation) }
        if let issuer = chain.issuer { try checkIssuer(issuer) }
    }

    /// Refuses an issuer's certificate that is revoked, or whose subject is. That its subject is
    /// revoked as a member alone takes nothing from what it issued.
    func checkIssuer(_ certificate: Certificate) throws(TrustError) {
        let body = certificate.body
        if let revocation = storage.revokedIssuers[body.subject] { throw refusal(revocation) }
        // Issuers don't revoke each other: here the one who signed the certificate must say so.
        if let revocation = storage.serials[body.serial]?.first(where: {
            storage.revocations[$0].signer == body.issuer
        }) {
            throw refusal(revocation)
        }
    }

    /// Whether a node is revoked as a member, whatever certificate it has.
    public func isRevoked(_ node: NodeID) -> Bool { storage.members[node] != nil }

    /// The nodes that are revoked as members, in order.
    public var revokedMembers: [NodeID] { storage.members.keys.sorted() }

    /// The certificate of an issuer that is not revoked, as issuer or as member, or nil.
    public func issuer(_ node: NodeID) -> Certificate? {
        guard storage.revokedIssuers[node] == nil, storage.members[node] == nil,
            let index = storage.issuerIndices[node]
        else { return nil }
        return issuers[index]
    }

    /// Whether the authority revoked this issuer.
    public func isRevokedIssuer(_ node: NodeID) -> Bool { storage.revokedIssuers[node] != nil }

    /// A revocation of the same that counts, or nil: of an issuer, whatever of it is still honoured;
    /// of a certificate, the authority's if there is one, since an issuer's certificate takes that.
    public func revocation(of target: Revocation.Target) -> Revocation? {
        switch target {
        case .member(let node): return storage.members[node].map { revocations[$0] }
        case .issuer(let node, _): return storage.revokedIssuers[node].map { revocations[$0] }
        case .certificate(let serial):
            let said = (storage.serials[serial] ?? []).map { revocations[$0] }
            return said.first { storage.issuerIndices[$0.signer] == nil } ?? said.first
        }
    }

    /// The sequence of the signer's last revocation that counts; 0 for none. What the authority
    /// honours an issuer through, when all it has said so far is to stay.
    public func lastSequence(of signer: NodeID) -> UInt64 { storage.lastSequences[signer] ?? 0 }

    private func refusal(_ index: Int) -> TrustError {
        let revocation = storage.revocations[index]
        return .revoked(revocation.target, reason: revocation.reason)
    }

    /// Equal contents.
    public static func == (left: Self, right: Self) -> Bool { left.digest == right.digest }
}

extension TrustState: WireCodable {
    /// Version 1; the 16-bit number of issuers and their certificates, by subject; the 16-bit number
    /// of revocations and those, by signer, sequence and bytes.
    public func encode(to writer: inout ByteWriter) { storage.encode(to: &writer) }

    /// See ``WireCodable/init(from:)``. No signature is checked. Refused is what no member's state can
    /// look like: anything out of order or twice, beyond the bounds, or void by the state's own
    /// words.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "trust state version", value: Int(version))
        }
        var issuers: [Certificate] = []
        let issuerCount = try reader.readCount16(field: "issuers", limit: TrustLimits.issuersMax)
        for _ in 0..<issuerCount {
            let issuer = try Certificate(from: &reader)
            guard issuer.body.kind == .issuer else { throw .invalid(field: "issuers") }
            if let last = issuers.last, last.body.subject >= issuer.body.subject {
                throw .nonCanonical(field: "issuers")
            }
            issuers.append(issuer)
        }
        var revocations: [Revocation] = []
        let count = try reader.readCount16(
            field: "revocations", limit: TrustLimits.revocationsMax)
        for _ in 0..<count {
            let revocation = try Revocation(from: &reader)
            if let last = revocations.last, !last.precedes(revocation) {
                throw .nonCanonical(field: "revocations")
            }
            revocations.append(revocation)
        }
        let storage = Storage(issuers: issuers, revocations: revocations)
        guard storage.issuers.count == issuerCount else { throw .nonCanonical(field: "issuers") }
        guard storage.revocations.count == count else { throw .nonCanonical(field: "revocations") }
        self.init(storage: storage)
    }
}

extension TrustState {
    /// The contents in their one form, and the tables by which questions are answered. Never changes,
    /// so that copies of a state share it.
    final class Storage: Sendable {
        let issuers: [Certificate]
        let revocations: [Revocation]
        let digest: [UInt8]
        let issuerIndices: [NodeID: Int]
        /// Indices of revocations, by what they revoke.
        let members: [NodeID: Int]
        let serials: [UInt64: [Int]]
        let revokedIssuers: [NodeID: Int]
        let lastSequences: [NodeID: UInt64]

        /// Puts claims into their one form: see ``TrustState``.
        init(issuers claimed: [Certificate], revocations claims: [Revocation]) {
            let honoured = Self.honoured(claims)
            let revocations = Self.kept(claims, honoured: honoured)
            let signers = Set(revocations.map(\.signer))
            issuers = Self.newest(claimed).filter {
                honoured[$0.body.subject] == nil || signers.contains($0.body.subject)
            }
            self.revocations = revocations
            issuerIndices = Dictionary(
                uniqueKeysWithValues: issuers.enumerated().map { ($1.body.subject, $0) })

            var members: [NodeID: Int] = [:]
            var serials: [UInt64: [Int]] = [:]
            var revokedIssuers: [NodeID: Int] = [:]
            var lastSequences: [NodeID: UInt64] = [:]
            for (index, revocation) in revocations.enumerated() {
                lastSequences[revocation.signer] = revocation.sequence  // in ascending order
                switch revocation.target {
                case .member(let node): members[node] = members[node] ?? index
                case .certificate(let serial): serials[serial, default: []].append(index)
                case .issuer(let node, _): revokedIssuers[node] = revokedIssuers[node] ?? index
                }
            }
            self.members = members
            self.serials = serials
            self.revokedIssuers = revokedIssuers
            self.lastSequences = lastSequences

            var writer = ByteWriter()
            Self.encode(issuers, revocations, to: &writer)
            digest = blake2b(domain: "shoal trust state v1", writer.bytes)
        }

        func encode(to writer: inout ByteWriter) { Self.encode(issuers, revocations, to: &writer) }

        private static func encode(
            _ issuers: [Certificate], _ revocations: [Revocation], to writer: inout ByteWriter
        ) {
            writer.writeInteger(UInt8(1))
            writer.writeInteger(UInt16(issuers.count))
            for issuer in issuers { issuer.encode(to: &writer) }
            writer.writeInteger(UInt16(revocations.count))
            for revocation in revocations { revocation.encode(to: &writer) }
        }

        /// Through which sequence each revoked issuer is honoured: the least that was said.
        static func honoured(_ revocations: [Revocation]) -> [NodeID: UInt64] {
            var honoured: [NodeID: UInt64] = [:]
            for case .issuer(let node, let sequence) in revocations.map(\.target) {
                honoured[node] = min(honoured[node] ?? .max, sequence)
            }
            return honoured
        }

        /// One certificate for each issuer, by subject.
        private static func newest(_ certificates: [Certificate]) -> [Certificate] {
            var newest: [NodeID: Certificate] = [:]
            for certificate in certificates {
                let subject = certificate.body.subject
                if let held = newest[subject], !certificate.isNewer(than: held) { continue }
                newest[subject] = certificate
            }
            return newest.values.sorted { $0.body.subject < $1.body.subject }
        }

        /// The statements that are not void, in order, each once, and of each signer the first ones.
        private static func kept(
            _ revocations: [Revocation], honoured: [NodeID: UInt64]
        ) -> [Revocation] {
            var kept: [Revocation] = []
            var count = 0
            let ordered = revocations.sorted {
                $0.precedes($1)
                    || $0.body == $1.body
                        && $0.signature.lexicographicallyPrecedes($1.signature)
            }
            for revocation in ordered {
                if let limit = honoured[revocation.signer], revocation.sequence > limit { continue }
                if let last = kept.last {
                    if last.body == revocation.body { continue }
                    if last.signer != revocation.signer { count = 0 }
                }
                guard count < TrustLimits.revocationsPerSignerMax else { continue }
                count += 1
                kept.append(revocation)
            }
            return kept
        }
    }
}
