import Testing
import Wire

@testable import Trust

struct TrustStateBoundTests {
    let mesh: SampleMesh
    let rogue: Identity
    let share = TrustLimits.revocationsPerSignerMax

    init() throws {
        mesh = try SampleMesh()
        rogue = try #require(Identity(seed: [UInt8](repeating: 30, count: 32)))
    }

    private func certificate(of issuer: Identity) throws -> Certificate {
        try mesh.issuerCertificate { $0.subject = issuer.nodeID }
    }

    private func flood(
        by signer: Identity, _ count: Int, serials start: UInt64 = 1 << 32
    ) throws -> [Revocation] {
        try (1...count).map {
            try Revocation(
                .certificate(serial: start + UInt64($0)), reason: "", sequence: UInt64($0),
                issuedAt: SampleMesh.now, signedBy: signer, mesh: mesh.genesis.id)
        }
    }

    @Test func aRogueIssuerFillsItsShareAndTheAuthorityMakesRoomAgain() throws {
        var state = try mesh.trust(.member(mesh.node.nodeID))
        let claims = TrustState(
            issuers: [try certificate(of: rogue)],
            revocations: try flood(by: rogue, share + 20))
        try state.merge(claims, genesis: mesh.genesis)
        #expect(state.revocations.count == share + 1)
        #expect(state.lastSequence(of: rogue.nodeID) == UInt64(share))
        // With two statements for each number it gets no more.
        let contradictions = TrustState(
            issuers: [], revocations: try flood(by: rogue, share, serials: 0))
        try state.merge(contradictions, genesis: mesh.genesis)
        #expect(state.revocations.count == share + 1)
        #expect(throws: TrustError.tooMany("revocations of one signer", limit: share)) {
            try state.revoke(
                .certificate(serial: 1 << 40), signedBy: rogue, genesis: mesh.genesis,
                at: SampleMesh.now)
        }
        #expect(throws: Never.self) {
            try state.revoke(
                .certificate(serial: 5), signedBy: mesh.issuer, genesis: mesh.genesis,
                at: SampleMesh.now)
            try state.revoke(
                .issuer(rogue.nodeID, honouredThrough: 1), signedBy: mesh.authority,
                genesis: mesh.genesis, at: SampleMesh.now)
        }
        // The member, the serial, the verdict, and the two statements that the rogue numbered 1.
        #expect(state.revocations.count == 5)
        #expect(state.isRevoked(mesh.node.nodeID))
    }

    @Test func whenAllPlacesAreTakenNothingIsLostAndAVerdictStillFits() throws {
        var state = try mesh.trust()
        let rogues = try (0..<4).map {
            try #require(Identity(seed: [UInt8](repeating: UInt8(40 + $0), count: 32)))
        }
        for rogue in rogues {
            try state.merge(
                TrustState(
                    issuers: [certificate(of: rogue)], revocations: flood(by: rogue, share)),
                genesis: mesh.genesis)
        }
        #expect(state.revocations.count == TrustLimits.revocationsMax)
        let full = state
        #expect(
            throws: TrustError.tooMany("revocations", limit: TrustLimits.revocationsMax)
        ) {
            try state.revoke(
                .member(mesh.node.nodeID), signedBy: mesh.issuer, genesis: mesh.genesis,
                at: SampleMesh.now)
        }
        #expect(state == full)
        try state.revoke(
            .issuer(rogues[0].nodeID, honouredThrough: 0), signedBy: mesh.authority,
            genesis: mesh.genesis, at: SampleMesh.now)
        try state.revoke(
            .member(mesh.node.nodeID), signedBy: mesh.issuer, genesis: mesh.genesis,
            at: SampleMesh.now)
        #expect(state.revocations.count == TrustLimits.revocationsMax - share + 2)
        // Full, it fits its limit on the wire, whatever the reasons.
        let slack =
            TrustLimits.revocationBytesMax * TrustLimits.revocationsMax
            + TrustLimits.certificateBytesMax * TrustLimits.issuersMax
        #expect(slack + 5 < TrustLimits.bulletinBytesMax - 40_000)
    }

    @Test func theAuthorityIsToldWhenItHasSaidTooMuch() throws {
        var state = TrustState()
        let claims = try flood(by: mesh.authority, share + 1)
        try state.merge(
            TrustState(issuers: [], revocations: Array(claims.prefix(share))),
            genesis: mesh.genesis)
        let before = state
        #expect(
            throws: TrustError.tooMany("revocations of the authority", limit: share)
        ) {
            try state.merge(
                TrustState(issuers: [], revocations: [claims[share]]), genesis: mesh.genesis)
        }
        #expect(state == before)
    }

    @Test func moreIssuersThanThereIsRoomForAreRefused() throws {
        var state = try mesh.trust()
        let certificates = try (0..<TrustLimits.issuersMax).map { number in
            try mesh.issuerCertificate { $0.subject = NodeID(number: UInt64(number)) }
        }
        #expect(throws: TrustError.tooMany("issuers", limit: TrustLimits.issuersMax)) {
            try state.merge(TrustState(issuers: certificates), genesis: mesh.genesis)
        }
        #expect(state.issuers.count == 1)
        try state.merge(
            TrustState(issuers: Array(certificates.dropLast())), genesis: mesh.genesis)
        #expect(state.issuers.count == TrustLimits.issuersMax)
    }
}
