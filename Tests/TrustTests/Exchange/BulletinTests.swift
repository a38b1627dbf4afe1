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
