import Testing
import Wire

@testable import Trust

struct RevokedChainTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    private func check(
        _ state: TrustState, chain: CertificateChain? = nil, at time: WallTime = SampleMesh.now
    ) throws -> TrustError? {
        let chain = try chain ?? mesh.chain()
        do {
            _ = try chain.verify(genesis: mesh.genesis, at: time, trust: state)
            return nil
        } catch { return error }
    }

    @Test func aMemberRevokedByNodeIsRefusedWhateverItsCertificate() throws {
        let target = Revocation.Target.member(mesh.node.nodeID)
        let state = try mesh.trust(target)
        #expect(try check(state) == .revoked(target, reason: "lost"))
        let another = CertificateChain(
            member: try mesh.memberCertificate(signer: mesh.authority) { $0.serial = 99 },
            issuer: nil)
        #expect(try check(state, chain: another) == .revoked(target, reason: "lost"))
        #expect(state.isRevoked(mesh.node.nodeID) && !state.isRevoked(mesh.issuer.nodeID))
        #expect(state.revokedMembers == [mesh.node.nodeID])
    }

    @Test func aCertificateRevokedBySerialIsRefusedAndItsSuccessorIsNot() throws {
        let target = Revocation.Target.certificate(serial: 2)
        let state = try mesh.trust(target)
        #expect(try check(state) == .revoked(target, reason: "lost"))
        let next = CertificateChain(
            member: try mesh.memberCertificate { $0.serial = 3 },
            issuer: try mesh.issuerCertificate())
        #expect(try check(state, chain: next) == nil)
    }

    @Test func allThatARevokedIssuerCertifiedIsRefused() throws {
        var state = try mesh.trust()
        #expect(try check(state) == nil && state.issuer(mesh.issuer.nodeID) != nil)
        let target = Revocation.Target.issuer(mesh.issuer.nodeID, honouredThrough: 0)
        try state.revoke(target, signedBy: mesh.authority, genesis: mesh.genesis, at: now)
        #expect(try check(state) == .revoked(target, reason: ""))
        #expect(state.issuer(mesh.issuer.nodeID) == nil)
        #expect(state.isRevokedIssuer(mesh.issuer.nodeID))
        // Also with a new certificate of the issuer's own.
        let renewed = CertificateChain(
            member: try mesh.memberCertificate(),
            issuer: try mesh.issuerCertificate { ($0.epoch, $0.serial) = (2, 77) })
        #expect(try check(state, chain: renewed) == .revoked(target, reason: ""))
        let others = CertificateChain(
            member: try mesh.memberCertificate(signer: mesh.authority), issuer: nil)
        #expect(try check(state, chain: others) == nil)
    }

    @Test func anIssuerRevokedAsAMemberIsOutAndWhatItIssuedIsNot() throws {
        let state = try mesh.trust(.member(mesh.issuer.nodeID))
        #expect(try check(state) == nil)
        let own = CertificateChain(
            member: try mesh.memberCertificate { $0.subject = mesh.issuer.nodeID },
            issuer: try mesh.issuerCertificate())
        #expect(
            try check(state, chain: own)
                == .revoked(.member(mesh.issuer.nodeID), reason: "lost"))
        #expect(state.issuer(mesh.issuer.nodeID) == nil)
        #expect(!state.isRevokedIssuer(mesh.issuer.nodeID))
    }

    @Test func anIssuersCertificateIsRevokedBySerialOnlyByTheAuthority() throws {
        let state = try mesh.trust(.certificate(serial: 1))
        #expect(try check(state) == nil)
        var other = try mesh.trust()
        let target = Revocation.Target.certificate(serial: 1)
        try other.revoke(target, signedBy: mesh.authority, genesis: mesh.genesis, at: now)
        #expect(try check(other) == .revoked(target, reason: ""))
        // Once both are known the authority's word counts, whichever came first.
        try other.merge(state, genesis: mesh.genesis)
        #expect(try check(other) == .revoked(target, reason: ""))
    }

    @Test func anExpiredChainIsTakenWhereAllowedAndNeverARevokedOne() throws {
        let late = now + (TrustLimits.memberLifetimeMax + SampleMesh.day)
        let chain = try mesh.chain()
        let state = try mesh.trust()
        #expect(try check(state, at: late) != nil)
        let member = try chain.verify(
            genesis: mesh.genesis, at: late, trust: state, allowingExpired: true)
        #expect(member.isExpired && member.nodeID == mesh.node.nodeID)
        #expect(
            try !chain.verify(genesis: mesh.genesis, at: now, trust: state, allowingExpired: true)
                .isExpired)
        // The issuer's own time may be over too.
        let muchLater = now + (TrustLimits.issuerLifetimeMax + SampleMesh.day)
        #expect(
            try chain.verify(
                genesis: mesh.genesis, at: muchLater, trust: state, allowingExpired: true
            ).isExpired)
        for target: Revocation.Target in [.member(mesh.node.nodeID), .certificate(serial: 2)] {
            #expect(throws: TrustError.revoked(target, reason: "lost")) {
                _ = try chain.verify(
                    genesis: mesh.genesis, at: late, trust: mesh.trust(target),
                    allowingExpired: true)
            }
        }
        // The future is never allowed: a clock a day behind.
        let early = WallTime(seconds: now.seconds - 86_400)
        #expect(throws: TrustError.notYetValid(what: "issuer's certificate", from: now)) {
            _ = try chain.verify(
                genesis: mesh.genesis, at: early, trust: nil, allowingExpired: true)
        }
    }

    @Test func aClockADayAheadEndsACertificateADayEarly() throws {
        let end = now + TrustLimits.memberLifetimeMax
        let ahead = now + (TrustLimits.memberLifetimeMax + .seconds(-3600)) + SampleMesh.day
        #expect(
            try check(mesh.trust(), at: ahead) == .expired(what: "certificate", at: end))
    }
}
