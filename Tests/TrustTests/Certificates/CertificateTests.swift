import Testing
import Wire

@testable import Trust

struct CertificateTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    private func refusal(
        member: Certificate? = nil, issuer: Certificate? = nil, at time: WallTime = SampleMesh.now
    ) throws -> TrustError? {
        let chain = CertificateChain(
            member: try member ?? mesh.memberCertificate(),
            issuer: try issuer ?? mesh.issuerCertificate())
        do {
            _ = try chain.verify(genesis: mesh.genesis, at: time, trust: nil)
            return nil
        } catch { return error }
    }

    @Test func aChainFromTheAuthorityThroughAnIssuerIsAccepted() throws {
        let chain = try mesh.chain()
        let member = try chain.verify(genesis: mesh.genesis, at: now, trust: nil)
        #expect(member.nodeID == mesh.node.nodeID && member.name == "node-1")
        #expect(member.roles == [.server, .client])
        #expect(member.labels.map(\.key) == ["region", "tier"])
        #expect(member.notAfter == now + TrustLimits.memberLifetimeMax)
        #expect(member.digest == chain.digest)
    }

    @Test func aCertificateOfTheAuthorityItselfNeedsNoIssuer() throws {
        let chain = CertificateChain(
            member: try mesh.memberCertificate(signer: mesh.authority), issuer: nil)
        #expect(
            try chain.verify(genesis: mesh.genesis, at: now, trust: nil).nodeID == mesh.node.nodeID)
    }

    @Test func aMemberLastsNoLongerThanItsIssuer() throws {
        let end = now + .seconds(3600)
        let chain = CertificateChain(
            member: try mesh.memberCertificate(),
            issuer: try mesh.issuerCertificate { $0.notAfter = end })
        #expect(try chain.verify(genesis: mesh.genesis, at: now, trust: nil).notAfter == end)
    }

    @Test func anExpiredCertificateIsRefusedFromItsLastSecondOn() throws {
        let end = now + TrustLimits.memberLifetimeMax
        #expect(try refusal(at: end + .seconds(-1)) == nil)
        #expect(try refusal(at: end) == .expired(what: "certificate", at: end))
        let issuerEnd = now + .seconds(10)
        let issuer = try mesh.issuerCertificate { $0.notAfter = issuerEnd }
        #expect(
            try refusal(issuer: issuer, at: issuerEnd)
                == .expired(what: "issuer's certificate", at: issuerEnd))
    }

    @Test func aCertificateFromTheFutureIsRefusedBeyondTheSkewOfClocks() throws {
        let skew = TrustLimits.clockSkewMax
        #expect(try refusal(at: now - skew) == nil)
        let early = now - (skew + .seconds(1))
        #expect(
            try refusal(at: early) == .notYetValid(what: "issuer's certificate", from: now))
        #expect(
            try refusal(
                issuer: mesh.issuerCertificate {
                    $0.notBefore = early
                    $0.notAfter = early + SampleMesh.day
                }, at: early)
                == .notYetValid(what: "certificate", from: now))
        // A clock that is a day off.
        #expect(try refusal(at: now - SampleMesh.day) != nil)
    }

    @Test func aCertificateOfAnotherMeshIsRefused() throws {
        let other = try SampleMesh(name: "other")
        #expect(throws: TrustError.otherMesh) {
            _ = try mesh.chain().verify(genesis: other.genesis, at: now, trust: nil)
        }
        let member = try mesh.memberCertificate { $0.mesh = other.genesis.id }
        #expect(try refusal(member: member) == .otherMesh)
        let issuer = try mesh.issuerCertificate { $0.mesh = other.genesis.id }
        #expect(try refusal(issuer: issuer) == .otherMesh)
    }

    @Test func anIssuersCertificateIsNoMembers() throws {
        #expect(
            try refusal(
                member: mesh.memberCertificate {
                    $0.kind = .issuer
                    $0.labels = []
                }) == .wrongKind)
        // The issuer's own certificate, sent as if the issuer were a member.
        let chain = CertificateChain(member: try mesh.issuerCertificate(), issuer: nil)
        #expect(throws: TrustError.wrongKind) {
            _ = try chain.verify(genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func aMembersCertificateIssuesNothing() throws {
        // The member certifies a friend and sends its own certificate as the issuer's.
        let friend = try #require(Identity(seed: [UInt8](repeating: 9, count: 32)))
        let chain = CertificateChain(
            member: try mesh.memberCertificate(signer: mesh.node) { $0.subject = friend.nodeID },
            issuer: try mesh.memberCertificate(signer: mesh.authority))
        #expect(throws: TrustError.wrongKind) {
            _ = try chain.verify(genesis: mesh.genesis, at: now, trust: nil)
        }
        // The role alone, in a member's certificate, does not make it an issuer's.
        let ambitious = CertificateChain(
            member: chain.member,
            issuer: try mesh.memberCertificate(signer: mesh.authority) { $0.roles = [.issuer] })
        #expect(throws: TrustError.wrongKind) {
            _ = try ambitious.verify(genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func anIssuerMayNotCertifyAnIssuer() throws {
        let second = try #require(Identity(seed: [UInt8](repeating: 9, count: 32)))
        let chain = CertificateChain(
            member: try mesh.memberCertificate(signer: second),
            issuer: try mesh.issuerCertificate(signer: mesh.issuer) { $0.subject = second.nodeID })
        #expect(throws: TrustError.wrongIssuer) {
            _ = try chain.verify(genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func anIssuerWithoutTheRoleIsRefused() throws {
        #expect(
            try refusal(issuer: mesh.issuerCertificate { $0.roles = [.server] })
                == .missingRole("issuer"))
    }

    @Test func aCertificateOfAnotherIssuerThanTheChainsIsRefused() throws {
        let stranger = try #require(Identity(seed: [UInt8](repeating: 9, count: 32)))
        #expect(try refusal(member: mesh.memberCertificate(signer: stranger)) == .wrongIssuer)
        #expect(try refusal(issuer: mesh.issuerCertificate(signer: stranger)) == .wrongIssuer)
        let alone = CertificateChain(member: try mesh.memberCertificate(), issuer: nil)
        #expect(throws: TrustError.wrongIssuer) {
            _ = try alone.verify(genesis: mesh.genesis, at: now, trust: nil)
        }
    }

    @Test func aLifeLongerThanTheKindMayHaveOrNoneAtAllIsRefused() throws {
        let long = try mesh.memberCertificate { $0.notAfter.seconds += 1 }
        #expect(try refusal(member: long) == .lifetimeTooLong(what: "certificate"))
        let longIssuer = try mesh.issuerCertificate { $0.notAfter.seconds += 1 }
        #expect(
            try refusal(issuer: longIssuer) == .lifetimeTooLong(what: "issuer's certificate"))
        let none = try mesh.memberCertificate {
            $0.notBefore = SampleMesh.now + .seconds(60)
            $0.notAfter = SampleMesh.now + .seconds(30)
        }
        #expect(try refusal(member: none) == .lifetimeTooLong(what: "certificate"))
        let endless = try mesh.memberCertificate {
            $0.notBefore = WallTime(seconds: 0)
            $0.notAfter = WallTime(seconds: .max)
        }
        #expect(try refusal(member: endless) == .lifetimeTooLong(what: "certificate"))
    }

    @Test func noBitOfAChainCanBeFlipped() throws {
        let bytes = try mesh.chain().encoded
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            guard let chain = try? CertificateChain(decoding: changed) else { continue }
            #expect(throws: TrustError.self, "bit \(bit)") {
                _ = try chain.verify(genesis: mesh.genesis, at: now, trust: nil)
            }
        }
    }

    @Test func aSignatureThatWasMadeForAnotherPurposeIsRefused() throws {
        let body = try mesh.memberCertificate().body
        for domain in SignatureDomain.allCases where domain != .certificate {
            let signature = mesh.issuer.sign(body.encoded, domain: domain, mesh: mesh.genesis.id)
            let forged = try Certificate(decoding: body.encoded + signature)
            #expect(try refusal(member: forged) == .badSignature(of: "certificate"))
        }
    }

    @Test func theSignaturesOtherNumericFormIsRefused() throws {
        // Adding the group's order to S gives a second number that satisfies the equation of
        // Ed25519: accepting it would give one certificate two forms (RFC 8032, section 5.1.7).
        let order: [UInt8] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ]
        let certificate = try mesh.memberCertificate()
        var signature = certificate.signature
        var carry = 0
        for index in 0..<32 {
            let sum = Int(signature[32 + index]) + Int(order[index]) + carry
            signature[32 + index] = UInt8(sum & 255)
            carry = sum >> 8
        }
        let forged = try Certificate(decoding: certificate.body.encoded + signature)
        #expect(try refusal(member: forged) == .badSignature(of: "certificate"))
    }
}

private func - (time: WallTime, duration: Duration) -> WallTime {
    WallTime(seconds: time.seconds - UInt64(duration.components.seconds))
}
