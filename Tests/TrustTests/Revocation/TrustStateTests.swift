import Testing
import Wire

@testable import Trust

struct TrustStateTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    private func claim(
        _ target: Revocation.Target, sequence: UInt64 = 1, by signer: Identity
    ) throws -> Revocation {
        try Revocation(
            target, reason: "", sequence: sequence, issuedAt: now, signedBy: signer,
            mesh: mesh.genesis.id)
    }

    @Test func aMemberCanRevokeNobody() throws {
        var state = try mesh.trust()
        let before = state
        let forged = try claim(.member(mesh.issuer.nodeID), by: mesh.node)
        #expect(throws: TrustError.wrongIssuer) {
            try state.merge(TrustState(issuers: [], revocations: [forged]), genesis: mesh.genesis)
        }
        // Nor with its member's certificate in the issuers' place, nor one that it signed itself.
        let member = try mesh.memberCertificate(signer: mesh.authority) { $0.labels = [] }
        #expect(throws: TrustError.wrongKind) {
            try state.merge(
                TrustState(issuers: [member], revocations: [forged]), genesis: mesh.genesis)
        }
        let selfMade = try mesh.issuerCertificate(signer: mesh.node) {
            $0.subject = mesh.node.nodeID
        }
        #expect(throws: TrustError.wrongIssuer) {
            try state.merge(
                TrustState(issuers: [selfMade], revocations: [forged]), genesis: mesh.genesis)
        }
        let disguised = Certificate(body: selfMade.body, issuer: mesh.authority.nodeID)
        #expect(throws: TrustError.badSignature(of: "issuer's certificate")) {
            try state.merge(
                TrustState(issuers: [disguised], revocations: [forged]), genesis: mesh.genesis)
        }
        #expect(throws: TrustError.wrongIssuer) {
            try state.revoke(
                .member(mesh.issuer.nodeID), signedBy: mesh.node, genesis: mesh.genesis, at: now)
        }
        #expect(state == before)
    }

    @Test func onlyTheAuthorityRevokesAnIssuer() throws {
        let second = try #require(Identity(seed: [UInt8](repeating: 8, count: 32)))
        let certificate = try mesh.issuerCertificate { $0.subject = second.nodeID }
        let target = Revocation.Target.issuer(mesh.issuer.nodeID, honouredThrough: 0)
        var state = try mesh.trust()
        #expect(throws: TrustError.missingRole("authority")) {
            try state.merge(
                TrustState(
                    issuers: [certificate], revocations: [claim(target, by: second)]),
                genesis: mesh.genesis)
        }
        #expect(throws: TrustError.missingRole("authority")) {
            try state.revoke(target, signedBy: second, genesis: mesh.genesis, at: now)
        }
        #expect(state.issuers.count == 1)
    }

    @Test func anExpiredIssuersStatementsStayAndItMakesNoNewOnes() throws {
        var state = try mesh.trust(.member(mesh.node.nodeID))
        let late = now + TrustLimits.issuerLifetimeMax
        #expect(throws: TrustError.expired(what: "issuer's certificate", at: late)) {
            try state.revoke(
                .certificate(serial: 5), signedBy: mesh.issuer, genesis: mesh.genesis, at: late)
        }
        // Who comes back after years takes it in all the same.
        var away = TrustState()
        #expect(try away.merge(state, genesis: mesh.genesis).count == 1)
        #expect(away.isRevoked(mesh.node.nodeID))
        #expect(throws: Never.self) {
            try state.revoke(
                .certificate(serial: 5), signedBy: mesh.authority, genesis: mesh.genesis, at: late)
        }
    }

    @Test func oneBadSignatureRefusesTheWholeMessage() throws {
        let good = try mesh.trust(.member(mesh.node.nodeID), .certificate(serial: 8))
        let first = try #require(good.encoded.firstRange(of: good.revocations[1].signature))
        var bytes = good.encoded
        bytes[first.upperBound - 1] ^= 1
        var state = try mesh.trust()
        let before = state
        #expect(throws: TrustError.badSignature(of: "revocation")) {
            try state.merge(TrustState(decoding: bytes), genesis: mesh.genesis)
        }
        #expect(state == before && state.revocations.isEmpty)
        #expect(throws: TrustError.self) {
            try state.merge(good, genesis: SampleMesh(name: "other").genesis)
        }
        #expect(try state.merge(good, genesis: mesh.genesis).count == 2)
        #expect(try state.merge(good, genesis: mesh.genesis).isEmpty)
    }

    @Test func aRevokedIssuersLaterStatementsAreVoidWhicheverCameFirst() throws {
        let before = try mesh.trust(
            .certificate(serial: 10), .certificate(serial: 11), .member(mesh.node.nodeID))
        let target = Revocation.Target.issuer(mesh.issuer.nodeID, honouredThrough: 2)
        var verdict = TrustState()
        try verdict.revoke(target, signedBy: mesh.authority, genesis: mesh.genesis, at: now)

        var late = before
        #expect(try late.merge(verdict, genesis: mesh.genesis).map(\.target) == [target])
        var early = verdict
        #expect(try early.merge(before, genesis: mesh.genesis).count == 2)
        for state in [late, early] {
            #expect(state.revocations.count == 3 && !state.isRevoked(mesh.node.nodeID))
            #expect(state.lastSequence(of: mesh.issuer.nodeID) == 2)
        }
        #expect(late == early)
        // Of two such statements the stricter counts.
        try late.revoke(
            .issuer(mesh.issuer.nodeID, honouredThrough: 1), signedBy: mesh.authority,
            genesis: mesh.genesis, at: now)
        #expect(late.lastSequence(of: mesh.issuer.nodeID) == 1)
        try late.revoke(
            .issuer(mesh.issuer.nodeID, honouredThrough: 9), signedBy: mesh.authority,
            genesis: mesh.genesis, at: now)
        #expect(late.lastSequence(of: mesh.issuer.nodeID) == 1)
        #expect(throws: TrustError.revoked(target, reason: "")) {
            try late.revoke(
                .certificate(serial: 12), signedBy: mesh.issuer, genesis: mesh.genesis, at: now)
        }
    }

    @Test func aVoidStatementNeedsNoCheckAndDoesNoHarm() throws {
        // A revoked issuer's friends send what it signs now, garbage among it.
        var state = try mesh.trust()
        try state.revoke(
            .issuer(mesh.issuer.nodeID, honouredThrough: 0), signedBy: mesh.authority,
            genesis: mesh.genesis, at: now)
        let before = state
        let void = try claim(.member(mesh.node.nodeID), by: mesh.issuer)
        #expect(
            try state.merge(
                TrustState(issuers: [mesh.issuerCertificate()], revocations: [void]),
                genesis: mesh.genesis
            ).isEmpty)
        #expect(state == before)
    }

    @Test func aRevokedIssuerThatSaidNothingNeedsNoPlace() throws {
        var state = try mesh.trust()
        #expect(state.issuers.count == 1)
        try state.revoke(
            .issuer(mesh.issuer.nodeID, honouredThrough: 5), signedBy: mesh.authority,
            genesis: mesh.genesis, at: now)
        #expect(state.issuers.isEmpty)
        // What it said and what is honoured may come later, with its certificate.
        let said = try mesh.trust(.member(mesh.node.nodeID))
        try state.merge(said, genesis: mesh.genesis)
        #expect(state.issuers.count == 1 && state.isRevoked(mesh.node.nodeID))
    }

    @Test func theNewestCertificateOfAnIssuerIsKept() throws {
        let certificates = try [
            mesh.issuerCertificate(),
            mesh.issuerCertificate { ($0.epoch, $0.serial) = (2, 20) },
            mesh.issuerCertificate {
                ($0.epoch, $0.serial) = (2, 21)
                $0.notAfter.seconds -= 1
            },
        ]
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            var state = TrustState()
            for index in order {
                try state.merge(
                    TrustState(issuers: [certificates[index]]), genesis: mesh.genesis)
            }
            #expect(state.issuers == [certificates[1]])
        }
    }

    @Test func revokingTwiceSaysItOnce() throws {
        var state = try mesh.trust()
        let target = Revocation.Target.member(mesh.node.nodeID)
        let first = try state.revoke(
            target, reason: "lost", signedBy: mesh.issuer, genesis: mesh.genesis, at: now)
        let again = try state.revoke(
            target, reason: "again", signedBy: mesh.issuer, genesis: mesh.genesis, at: now)
        #expect(first == again && state.revocations == [first])
        let next = try state.revoke(
            .certificate(serial: 4), signedBy: mesh.issuer, genesis: mesh.genesis, at: now)
        #expect(first.sequence == 1 && next.sequence == 2)
        // Another signer may say the same: should one be void, the other still counts.
        try state.revoke(target, signedBy: mesh.authority, genesis: mesh.genesis, at: now)
        #expect(state.revocations.count == 3)
    }

    @Test func anIssuerThatLostCountLosesNoStatement() throws {
        // Restored from a copy, it uses the number 1 again.
        var state = try mesh.trust(.member(mesh.node.nodeID))
        let again = try claim(.member(mesh.authority.nodeID), by: mesh.issuer)
        try state.merge(TrustState(issuers: [], revocations: [again]), genesis: mesh.genesis)
        #expect(state.revocations.map(\.sequence) == [1, 1])
        #expect(state.isRevoked(mesh.node.nodeID) && state.isRevoked(mesh.authority.nodeID))
        try checkCodec(state)
    }
}

extension Certificate {
    /// The same statement with another's name as the issuer's, and a signature that is none.
    init(body: Body, issuer: NodeID) {
        var body = body
        body.issuer = issuer
        var writer = ByteWriter()
        body.encode(to: &writer)
        writer.writeBytes([UInt8](repeating: 1, count: signatureBytes))
        guard let certificate = try? Certificate(decoding: writer.bytes) else {
            preconditionFailure("a body of a certificate makes one with any signature")
        }
        self = certificate
    }
}
