import Testing
import Wire

@testable import Trust

struct SignedGateKeyTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    private func refusal(
        _ key: SignedGateKey, at time: WallTime = SampleMesh.now, trust: TrustState? = nil,
        allowingExpired: Bool = false
    ) -> TrustError? {
        do {
            try key.verify(
                genesis: mesh.genesis, at: time, trust: trust, allowingExpired: allowingExpired)
            return nil
        } catch { return error }
    }

    private func key(
        by signer: Identity, certificate: Certificate?
    ) -> SignedGateKey {
        SignedGateKey(
            .generate(epoch: .init(counter: 1, issuer: signer.nodeID)), signedBy: signer,
            certificate: certificate, mesh: mesh.genesis.id)
    }

    @Test func aKeyHasOneEncodingAndShowsNothing() throws {
        let key = try mesh.signedGateKey()
        try checkCodec(key)
        #expect(try SignedGateKey(decoding: key.encoded) == key)
        var dumped = ""
        dump(key, to: &dumped)
        #expect(dumped.count < 120 && !"\(key)".contains("["))
    }

    @Test func issuersAndTheAuthorityMakeKeysAndMembersDoNot() throws {
        #expect(try refusal(mesh.signedGateKey()) == nil)
        #expect(refusal(key(by: mesh.authority, certificate: nil)) == nil)
        #expect(refusal(key(by: mesh.node, certificate: nil)) == .wrongIssuer)
        #expect(
            try refusal(key(by: mesh.node, certificate: mesh.issuerCertificate())) == .wrongIssuer)
        let own = try mesh.issuerCertificate(signer: mesh.node) { $0.subject = mesh.node.nodeID }
        #expect(refusal(key(by: mesh.node, certificate: own)) == .wrongIssuer)
        let member = try mesh.memberCertificate(signer: mesh.authority) { $0.labels = [] }
        #expect(refusal(key(by: mesh.node, certificate: member)) == .wrongKind)
    }

    @Test func theSignatureBindsSecretEpochAndMesh() throws {
        let key = try mesh.signedGateKey()
        // Version, counter, issuer, secret, signature: bytes 0, 1–8, 9–40, 41–72, 73–136.
        for index in [8, 41, 72, 73, 136] {
            var bytes = key.encoded
            bytes[index] ^= 1
            let changed = try SignedGateKey(decoding: bytes)
            #expect(refusal(changed) == .badSignature(of: "gate key"), "byte \(index)")
        }
        for bit in 0..<key.encoded.count * 8 {
            var bytes = key.encoded
            bytes[bit / 8] ^= 1 << (bit % 8)
            guard let changed = try? SignedGateKey(decoding: bytes) else { continue }
            #expect(refusal(changed) != nil, "bit \(bit)")
        }
        let other = SignedGateKey(
            key.key, signedBy: mesh.issuer, certificate: try mesh.issuerCertificate(),
            mesh: MeshID(number: 1))
        #expect(refusal(other) == .badSignature(of: "gate key"))
    }

    @Test func anExpiredIssuersKeyIsNewToNobodyButWhoIsLetIn() throws {
        let end = now + TrustLimits.issuerLifetimeMax
        let key = try mesh.signedGateKey()
        #expect(refusal(key, at: end) == .expired(what: "issuer's certificate", at: end))
        #expect(refusal(key, at: end, allowingExpired: true) == nil)
        // The issuer has a newer certificate, which is known here.
        var trust = try mesh.trust()
        let renewed = try mesh.issuerCertificate {
            $0.epoch = 2
            $0.notBefore = end
            $0.notAfter = end + SampleMesh.day
        }
        try trust.merge(TrustState(issuers: [renewed]), genesis: mesh.genesis)
        #expect(refusal(key, at: end, trust: trust) == nil)
    }

    @Test func aRevokedIssuersKeyIsRefused() throws {
        var trust = try mesh.trust()
        let key = try mesh.signedGateKey()
        #expect(refusal(key, trust: trust) == nil)
        let target = Revocation.Target.issuer(mesh.issuer.nodeID, honouredThrough: 0)
        try trust.revoke(target, signedBy: mesh.authority, genesis: mesh.genesis, at: now)
        #expect(refusal(key, trust: trust) == .revoked(target, reason: ""))
        #expect(
            refusal(key, trust: trust, allowingExpired: true) == .revoked(target, reason: ""))
        var serial = try mesh.trust()
        try serial.revoke(
            .certificate(serial: 1), signedBy: mesh.authority, genesis: mesh.genesis, at: now)
        #expect(
            refusal(key, trust: serial) == .revoked(.certificate(serial: 1), reason: ""))
    }

    @Test func theGreatestCounterIsNoKeys() throws {
        let key = SignedGateKey(
            .generate(epoch: .init(counter: .max, issuer: mesh.authority.nodeID)),
            signedBy: mesh.authority, certificate: nil, mesh: mesh.genesis.id)
        #expect(throws: WireError.invalid(field: "gate key counter")) {
            _ = try SignedGateKey(decoding: key.encoded)
        }
    }
}
