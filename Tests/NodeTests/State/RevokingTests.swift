import Testing
import Trust
import Wire

@testable import Node

struct RevokingTests {
    let folder: TemporaryDirectory
    let first: StateDirectory
    let second: StateDirectory

    init() throws {
        folder = try TemporaryDirectory()
        first = try StateDirectory.sample(at: folder.path("first"))
        let identity = Identity.generate()
        second = try StateDirectory.create(
            at: folder.path("second"), genesis: first.genesis, identity: identity,
            admission: try first.admission(for: identity), now: now)
    }

    private var firstID: NodeID { first.identity.nodeID }
    private var secondID: NodeID { second.identity.nodeID }

    private func revoke(_ target: Revocation.Target) throws -> StateDirectory.Revoked {
        try first.revoke(target, reason: "", authority: nil, keys: .none, now: now)
    }

    private func makeSecondAnIssuer() throws {
        try second.install(
            Grant(
                genesis: first.genesis,
                issuer: try first.issueIssuer(
                    to: secondID, name: "node-2", authority: nil, keys: .none, now: now)), now: now)
    }

    @Test func whatIsRevokedAlreadyStaysSoAndNoKeyIsRolled() throws {
        let serial = try second.certificate().member.body.serial
        try makeSecondAnIssuer()
        let targets: [Revocation.Target] = [
            .certificate(serial: serial), .member(secondID),
            .issuer(secondID, honouredThrough: 0),
        ]
        for target in targets {
            let once = try revoke(target)
            #expect(!once.isOld)
            let trust = try first.trust()
            let again = try revoke(target)
            #expect(again.isOld && again.revocation == once.revocation)
            #expect(again.gateKey == once.gateKey)
            #expect(try first.gateKeys().current.key.epoch == once.gateKey)
            #expect(try first.trust() == trust)
        }
    }

    @Test func anIssuersWordOnAnIssuersCertificateDoesNotStandForTheAuthoritys() throws {
        try makeSecondAnIssuer()
        let serial = try #require(try first.trust().issuer(secondID)).body.serial
        // As an issuer, which it cannot put out by that.
        #expect(!(try revoke(.certificate(serial: serial))).isOld)
        try folder.remove("first/mesh/issuer")
        // As the authority, with the same words.
        let said = try revoke(.certificate(serial: serial))
        #expect(!said.isOld && said.revocation.signer == first.genesis.authority)
        #expect(try revoke(.certificate(serial: serial)).isOld)
    }

    @Test func whatWouldEndThisNodeOrLeaveNoIssuerIsHarm() throws {
        func harm(
            _ target: Revocation.Target, at state: StateDirectory
        ) throws -> StateDirectory.RevocationHarm? { try state.harm(of: target, now: now) }
        let own = try first.certificate()
        let member = Revocation.Target.certificate(serial: own.member.body.serial)
        let issuer = Revocation.Target.certificate(
            serial: try #require(own.issuer).body.serial)
        for target in [.member(firstID), .issuer(firstID, honouredThrough: 0), member, issuer] {
            #expect(try harm(target, at: first) == .endsThisNode)
        }
        // What another is certified by is that other's.
        #expect(try harm(.issuer(firstID, honouredThrough: 0), at: second) == .endsThisNode)
        #expect(try harm(issuer, at: second) == .endsThisNode)
        #expect(try harm(member, at: second) == nil)
        #expect(try harm(.member(firstID), at: second) == nil)
        #expect(try harm(.member(secondID), at: first) == nil)

        // An issuer of its own: it no longer hangs on the first, which is not the last one either.
        try makeSecondAnIssuer()
        #expect(try harm(.issuer(firstID, honouredThrough: 0), at: second) == nil)
        #expect(try harm(issuer, at: second) == nil)
        #expect(try harm(.issuer(secondID, honouredThrough: 0), at: first) == nil)
    }

    @Test func theLastIssuerIsNotRevokedFromElsewhere() throws {
        // Certified by the authority itself, so that nothing of its own hangs on the issuer.
        let authority = try AuthorityKey(in: first.files, name: "mesh/authority.key", .none)
        try second.install(
            try authority.certify(
                secondID, name: "node-2", labels: [], roles: .ordinary, now: now), now: now)
        let issuer = try #require(try first.certificate().issuer)
        let targets: [Revocation.Target] = [
            .issuer(firstID, honouredThrough: 0), .certificate(serial: issuer.body.serial),
        ]
        for target in targets {
            #expect(try second.harm(of: target, now: now) == .leavesNoIssuer)
        }
        try makeSecondAnIssuer()
        for target in targets { #expect(try second.harm(of: target, now: now) == nil) }
    }

    @Test func theSerialsThatAreKnownAreOnesOwnThoseIssuedAndTheIssuers() throws {
        let known = try first.certificatesKnown().map(\.body.serial)
        let own = try first.certificate()
        #expect(known.contains(own.member.body.serial))
        #expect(known.contains(try #require(own.issuer).body.serial))
        #expect(known.contains(try second.certificate().member.body.serial))
        #expect(Set(known).count == known.count && !known.contains(12))
    }
}
