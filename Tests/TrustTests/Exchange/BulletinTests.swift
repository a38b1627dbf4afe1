import Testing
import Wire

@testable import Trust

struct BulletinTests {
    let mesh: SampleMesh

    init() throws { mesh = try SampleMesh() }

    private func bulletin(withKey: Bool = true) throws -> TrustBulletin {
        TrustBulletin(
            state: try mesh.trust(.certificate(serial: 3)),
            gateKey: withKey ? try mesh.signedGateKey() : nil,
            seeds: [
                SeedAddress(
                    node: mesh.issuer.nodeID,
                    addresses: [try #require(NetworkAddress("192.0.2.1:7433"))])
            ])
    }

    @Test func aBulletinComesBackWholeWithAndWithoutTheKey() throws {
        for bulletin in [try bulletin(), try bulletin(withKey: false)] {
            try checkCodec(bulletin)
            let read = try TrustBulletin(decoding: bulletin.encoded)
            #expect(read.state == bulletin.state && read.gateKey == bulletin.gateKey)
            #expect(read.seeds == bulletin.seeds)
        }
        #expect(throws: WireError.unsupportedVersion(field: "trust bulletin version", value: 9)) {
            _ = try TrustBulletin(decoding: [9] + bulletin().encoded.dropFirst())
        }
    }

    @Test func aBulletinNeverShowsItsKey() throws {
        let bulletin = try bulletin()
        var dumped = ""
        dump(bulletin, to: &dumped)
        for text in ["\(bulletin)", String(reflecting: bulletin), dumped] {
            #expect(text.contains("redacted") && text.count < 120)
        }
    }

    @Test func onlySoManySeedsAreTold() throws {
        let seeds = (0..<40).map { SeedAddress(node: NodeID(number: $0), addresses: []) }
        let bulletin = TrustBulletin(state: TrustState(), gateKey: nil, seeds: seeds)
        #expect(bulletin.seeds.count == TrustLimits.seedsMax)
        // The count is the last two bytes of one without seeds.
        let none = TrustBulletin(state: TrustState(), gateKey: nil, seeds: []).encoded
        #expect(
            throws: WireError.tooLarge(
                field: "seeds", value: TrustLimits.seedsMax + 1, limit: TrustLimits.seedsMax)
        ) {
            _ = try TrustBulletin(decoding: none.dropLast() + [UInt8(TrustLimits.seedsMax + 1)])
        }
    }

    @Test func theDigestTellsWhetherStateOrKeyDiffer() throws {
        let state = try mesh.trust()
        let key = mesh.gateKey()
        func digest(_ state: TrustState, _ key: GateKey) -> [UInt8] {
            TrustBulletin.digest(state: state, gateKey: key)
        }
        let digests = [
            digest(state, key), digest(try mesh.trust(.certificate(serial: 1)), key),
            // The same epoch, another secret; another epoch.
            digest(state, mesh.gateKey()),
            digest(state, .generate(epoch: .init(counter: 2, issuer: mesh.issuer.nodeID))),
        ]
        #expect(Set(digests).count == digests.count && digests[0].count == 32)
        #expect(digest(try mesh.trust(), key) == digests[0])
    }

    @Test func queriesAndAnswersHaveOneEncoding() throws {
        let digest = [UInt8](repeating: 7, count: 32)
        for query in [TrustQuery.exchange(digest: digest), .renewal(RenewalRequest())] {
            try checkCodec(query)
            #expect(try TrustQuery(decoding: query.encoded) == query)
        }
        #expect(TrustQuery.exchange(digest: digest).encoded == [0] + digest)
        try checkCodec(TrustAnswer.same)
        #expect(TrustAnswer.same.encoded == [0])
        try checkCodec(TrustAnswer.bulletin(try bulletin()))
        #expect(throws: WireError.invalid(field: "trust query")) {
            _ = try TrustQuery(decoding: [2])
        }
        #expect(throws: WireError.invalid(field: "trust answer")) {
            _ = try TrustAnswer(decoding: [2])
        }
        #expect(throws: WireError.unsupportedVersion(field: "renewal version", value: 2)) {
            _ = try TrustQuery(decoding: [1, 2])
        }
    }
}

struct RenewalTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    @Test func aRenewedCertificateSaysTheSameForLonger() throws {
        let chain = try mesh.chain()
        let later = now + TrustLimits.memberLifetimeMax
        let next = try chain.renewed(
            by: mesh.issuer, certificate: mesh.issuerCertificate(), serial: 55,
            genesis: mesh.genesis, at: later)
        let member = try next.verify(genesis: mesh.genesis, at: later, trust: mesh.trust())
        #expect(member.nodeID == mesh.node.nodeID && member.name == "node-1")
        #expect(member.roles == chain.member.body.roles)
        #expect(member.labels == chain.member.body.labels)
        #expect(member.notAfter == later + TrustLimits.memberLifetimeMax)
        #expect(next.member.body.epoch == 2 && next.member.body.serial == 55)
        #expect(next.member.isNewer(than: chain.member))
        // By the authority itself, which needs no certificate.
        #expect(throws: Never.self) {
            _ = try chain.renewed(
                by: mesh.authority, certificate: nil, serial: 1, genesis: mesh.genesis, at: later)
        }
    }

    @Test func whoMayNotIssueRenewsNothing() throws {
        let chain = try mesh.chain()
        let end = now + TrustLimits.issuerLifetimeMax
        #expect(throws: TrustError.expired(what: "issuer's certificate", at: end)) {
            _ = try chain.renewed(
                by: mesh.issuer, certificate: mesh.issuerCertificate(), serial: 1,
                genesis: mesh.genesis, at: end)
        }
        #expect(throws: TrustError.wrongIssuer) {
            _ = try chain.renewed(
                by: mesh.node, certificate: mesh.issuerCertificate(), serial: 1,
                genesis: mesh.genesis, at: now)
        }
        let last = CertificateChain(
            member: try mesh.memberCertificate { $0.epoch = .max },
            issuer: try mesh.issuerCertificate())
        #expect(throws: TrustError.tooMany("certificates", limit: Int(UInt32.max))) {
            _ = try last.renewed(
                by: mesh.issuer, certificate: mesh.issuerCertificate(), serial: 1,
                genesis: mesh.genesis, at: now)
        }
    }

    @Test func renewalIsDueAtHalfLife() throws {
        let half = now + .seconds(7 * 86_400 / 2)
        #expect(try mesh.chain().renewalTime == half)
    }

    @Test func responsesComeBackWhole() throws {
        let renewed = RenewalResponse.renewed(try mesh.chain())
        try checkCodec(renewed)
        #expect(try RenewalResponse(decoding: renewed.encoded) == renewed)
        for code in RenewalResponse.RefusalCode.allCases {
            let refused = RenewalResponse.refused(code, message: "because")
            try checkCodec(refused)
            #expect(try RenewalResponse(decoding: refused.encoded) == refused)
        }
        let long = RenewalResponse.refused(
            .revoked, message: String(repeating: "é", count: TrustLimits.refusalBytesMax))
        #expect(long.encoded.count <= 3 + TrustLimits.refusalBytesMax)
        #expect(throws: Never.self) { _ = try RenewalResponse(decoding: long.encoded) }
        #expect(throws: WireError.invalid(field: "refusal")) {
            _ = try RenewalResponse(decoding: [200, 0, 0])
        }
    }
}

struct BriefingTests {
    private let own = NodeID(number: 0)

    private func core(knowing count: UInt64) -> BriefingCore {
        BriefingCore(node: own, known: (0...count).map { NodeID(number: $0) })
    }

    @Test func whoRemembersNobodyServesAtOnce() {
        #expect(BriefingCore(node: own, known: []).isBriefed)
        #expect(core(knowing: 0).isBriefed)
        #expect(!core(knowing: 1).isBriefed)
    }

    @Test func anyIssuerBriefsAlsoOneNotRemembered() {
        var core = core(knowing: 9)
        core.exchanged(with: NodeID(number: 77), isIssuer: true)
        #expect(core.isBriefed && core.exchangesWanted == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 15] as [UInt64])
    func aMajorityOfThoseRememberedBriefsAndNoFewer(_ count: UInt64) {
        var core = core(knowing: count)
        let majority = count / 2 + 1
        for number in 1...majority {
            #expect(!core.isBriefed && core.exchangesWanted == Int(majority - number + 1))
            // Twice is once.
            core.exchanged(with: NodeID(number: number), isIssuer: false)
            if number < majority {
                core.exchanged(with: NodeID(number: number), isIssuer: false)
            }
        }
        #expect(core.isBriefed)
    }

    @Test func strangersAndOneselfDoNotCount() {
        var core = core(knowing: 3)
        for number in 50..<80 as Range<UInt64> {
            core.exchanged(with: NodeID(number: number), isIssuer: false)
        }
        core.exchanged(with: own, isIssuer: true)
        core.exchanged(with: NodeID(number: 1), isIssuer: false)
        #expect(!core.isBriefed && core.exchangesWanted == 1)
    }

    @Test func theRevokedCountOnNeitherSide() {
        var core = core(knowing: 4)
        core.exchanged(with: NodeID(number: 1), isIssuer: false)
        core.exchanged(with: NodeID(number: 2), isIssuer: false)
        // Two of four were told; one of them was revoked: one of three is no majority.
        core.forget([NodeID(number: 2)])
        #expect(!core.isBriefed)
        // One of one is.
        core.forget([NodeID(number: 3), NodeID(number: 4)])
        #expect(core.isBriefed)
        var other = self.core(knowing: 2)
        other.forget([NodeID(number: 1), NodeID(number: 2)])
        #expect(other.isBriefed)
    }
}
