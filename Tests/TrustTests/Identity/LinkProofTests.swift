import Secrets
import Testing
import Wire

@testable import Trust

struct LinkProofTests {
    let mesh: SampleMesh
    let now = SampleMesh.now
    let linkKey: LinkKeyPair

    init() throws {
        mesh = try SampleMesh()
        linkKey = mesh.linkKey()
    }

    private func proof() throws -> LinkProof {
        LinkProof(
            identity: mesh.node, chain: try mesh.chain(), linkKey: linkKey, mesh: mesh.genesis.id)
    }

    @Test func aMemberProvesThatTheLinksKeyIsItsOwn() throws {
        let proof = try proof()
        try checkCodec(proof)
        let member = try LinkProof(decoding: proof.encoded)
            .verify(staticKey: linkKey.publicKey, genesis: mesh.genesis, at: now, trust: nil)
        #expect(member.nodeID == mesh.node.nodeID)
    }

    @Test func anotherStaticKeyThanTheSignedOneIsRefused() throws {
        let proof = try proof()
        #expect(throws: TrustError.linkKeyMismatch) {
            _ = try proof.verify(
                staticKey: LinkKey(number: 1), genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func aLinkKeyIsGoodForADayAtMost() throws {
        let proof = try proof()
        #expect(throws: TrustError.expired(what: "link key", at: linkKey.notAfter)) {
            _ = try proof.verify(
                staticKey: linkKey.publicKey, genesis: mesh.genesis, at: linkKey.notAfter,
                trust: nil)
        }
        let long = LinkKeyPair(
            secretKey: [UInt8](repeating: 4, count: 32),
            notAfter: now + (SampleMesh.day + TrustLimits.clockSkewMax + .seconds(1)))
        let longProof = LinkProof(
            identity: mesh.node, chain: try mesh.chain(), linkKey: long, mesh: mesh.genesis.id)
        #expect(throws: TrustError.lifetimeTooLong(what: "link key")) {
            _ = try longProof.verify(
                staticKey: long.publicKey, genesis: mesh.genesis, at: now, trust: nil)
        }
        #expect(
            LinkKeyPair.generate(now: now, lifetime: .seconds(1_000_000)).notAfter
                == now + TrustLimits.linkKeyLifetimeMax)
    }

    @Test func anothersCertificateProvesNothing() throws {
        // A node that copies a member's chain but has only its own identity.
        let stranger = try #require(Identity(seed: [UInt8](repeating: 9, count: 32)))
        let proof = LinkProof(
            identity: stranger, chain: try mesh.chain(), linkKey: linkKey, mesh: mesh.genesis.id)
        #expect(throws: TrustError.linkKeyMismatch) {
            _ = try proof.verify(
                staticKey: linkKey.publicKey, genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func aProofForAnotherMeshIsRefused() throws {
        let other = try SampleMesh(name: "other")
        let proof = LinkProof(
            identity: mesh.node, chain: try mesh.chain(), linkKey: linkKey, mesh: other.genesis.id)
        #expect(throws: TrustError.linkKeyMismatch) {
            _ = try proof.verify(
                staticKey: linkKey.publicKey, genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func aJoinerIsNoMember() throws {
        let proof = LinkProof(
            identity: mesh.node, chain: nil, linkKey: linkKey, mesh: mesh.genesis.id)
        try checkCodec(proof)
        try proof.verifyKey(staticKey: linkKey.publicKey, mesh: mesh.genesis.id, at: now)
        #expect(throws: TrustError.missingRole("member")) {
            _ = try proof.verify(
                staticKey: linkKey.publicKey, genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func noBitOfAProofButItsVersionsCanBeFlipped() throws {
        // The versions are outside the signature: the handshake's own transcript protects them.
        let bytes = try proof().encoded
        for bit in 32..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            guard let proof = try? LinkProof(decoding: changed) else { continue }
            #expect(throws: TrustError.self, "bit \(bit)") {
                _ = try proof.verify(
                    staticKey: linkKey.publicKey, genesis: mesh.genesis, at: now, trust: nil)
            }
        }
    }

    @Test func theNewestVersionThatBothSpeakIsUsed() {
        let old = ProtocolVersions(oldest: 1, newest: 3)
        #expect(old.common(with: ProtocolVersions(oldest: 2, newest: 5)) == 3)
        #expect(old.common(with: ProtocolVersions(oldest: 3, newest: 3)) == 3)
        #expect(old.common(with: ProtocolVersions(oldest: 4, newest: 5)) == nil)
        #expect(throws: WireError.invalid(field: "protocol versions")) {
            _ = try ProtocolVersions(decoding: [0, 2, 0, 1])
        }
    }
}

struct IdentityTests {
    @Test func signaturesAreBoundToPurposeMeshAndBytes() throws {
        let mesh = try SampleMesh()
        let id = mesh.genesis.id
        let signature = mesh.node.sign([1, 2], domain: .join, mesh: id)
        let node = mesh.node.nodeID
        #expect(node.verifies(signature, over: [1, 2], domain: .join, mesh: id))
        #expect(!node.verifies(signature, over: [1, 3], domain: .join, mesh: id))
        #expect(!node.verifies(signature, over: [1, 2], domain: .linkKey, mesh: id))
        #expect(!node.verifies(signature, over: [1, 2], domain: .join, mesh: MeshID(number: 1)))
        #expect(!mesh.issuer.nodeID.verifies(signature, over: [1, 2], domain: .join, mesh: id))
        #expect(!node.verifies([], over: [1, 2], domain: .join, mesh: id))
        for bit in 0..<signature.count * 8 {
            var changed = signature
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(!node.verifies(changed, over: [1, 2], domain: .join, mesh: id))
        }
    }

    @Test func aKeyOfLowOrderVerifiesNothing() {
        // With the neutral element as key, R = neutral and S = 0 would satisfy the equation for
        // every message.
        let neutral: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)
        let signature = neutral + [UInt8](repeating: 0, count: 32)
        for bytes in [neutral, [UInt8](repeating: 0, count: 32)] {
            let node = NodeID(bytes)
            #expect(
                node?.verifies(signature, over: [1], domain: .join, mesh: MeshID(number: 1))
                    == false)
        }
    }

    @Test func anIdentityComesBackFromItsSeed() throws {
        let identity = Identity.generate()
        #expect(Identity(seed: identity.seed)?.nodeID == identity.nodeID)
        #expect(Identity(seed: Array(identity.seed.dropLast())) == nil)
        #expect(Identity.generate().nodeID != identity.nodeID)
    }

    @Test func noSecretIsShownByPrintingOrReflection() throws {
        let mesh = try SampleMesh()
        let ticket = try mesh.ticket()
        let gate = mesh.gateKey()
        let link = mesh.linkKey()
        let root = try DatagramRoot.make(
            ours: link, node: mesh.node.nodeID, theirs: link.publicKey, peer: mesh.issuer.nodeID,
            mesh: mesh.genesis.id)
        let secrets = [
            mesh.node.seed, link.secret.copy(), gate.preSharedSecret.copy(),
            ticket.preSharedSecret.copy(),
            Array(gate.encoded.suffix(32)), Array(ticket.encoded.suffix(32)),
            root.withUnsafeBytes { Array($0) },
        ]
        for value in [
            mesh.node, link, gate, ticket, ticket.record(created: SampleMesh.now), root,
        ] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                for secret in secrets {
                    #expect(!text.contains(hexadecimal(secret.prefix(4))))
                    #expect(
                        !text.contains(secret.prefix(4).map(String.init).joined(separator: ", ")))
                }
                #expect(!text.contains(ticket.text.suffix(20)))
            }
        }
    }
}
