import Testing
import Wire

@testable import Gossip

/// One of everything that travels.
private func samples() -> [Claim] {
    var outbound = aliveClaim(3, generation: .max, incarnation: .max, reachability: .outboundOnly)
    outbound.addresses = []
    var many = aliveClaim(4)
    many.addresses = (1...8).compactMap { NetworkAddress("[2001:db8::\($0)]:7433") }
    return [
        signed(.alive(aliveClaim(1)), by: 1),
        signed(.alive(outbound), by: 3),
        signed(.alive(many), by: 4),
        signed(
            .metadata(
                MetadataClaim(node: node(2), generation: 5, version: 7, metadata: metadata(2))),
            by: 2),
        signed(.leave(LeaveClaim(node: node(2), generation: 5)), by: 2),
        suspectClaim(2, by: 1, generation: 5, incarnation: 9),
    ]
}

private func messages() -> [GossipMessage] {
    [
        .none, .ping(sequence: 7), .ack(sequence: .max, MemberLoad(queued: 3, running: 1)),
        .pingRequest(sequence: 0, target: node(9)),
    ]
}

@Suite struct ClaimCodecTests {
    @Test func claimsSurviveTheirEncoding() throws {
        for claim in samples() {
            let decoded = try Claim(decoding: claim.encoded)
            #expect(decoded == claim)
            #expect(decoded.body.encoded + decoded.signature == claim.encoded)
            #expect(decoded.isGenuine(for: ToyAuthority(node: node(1))))
        }
    }

    @Test func everyTruncationIsRefused() {
        for claim in samples() {
            let whole = claim.encoded
            for length in 0..<whole.count {
                #expect(throws: WireError.self) {
                    try Claim(decoding: Array(whole.prefix(length)))
                }
            }
            #expect(throws: WireError.self) { try Claim(decoding: whole + [0]) }
        }
    }

    @Test func noFlippedBitGoesUnnoticed() {
        let authority = ToyAuthority(node: node(1))
        for claim in samples() {
            for bit in 0..<claim.encoded.count * 8 {
                var flipped = claim.encoded
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let decoded = try? Claim(decoding: flipped) else { continue }
                #expect(decoded.encoded == flipped, "one encoding for each claim")
                #expect(decoded.body.encoded + decoded.signature == flipped)
                #expect(!decoded.isGenuine(for: authority), "bit \(bit) of \(claim)")
            }
        }
    }

    @Test func packetsSurviveTheirEncoding() throws {
        for message in messages() {
            let claims = Array(samples().prefix(3))
            let bytes = GossipPacket.encode(message, claims: claims.map(\.encoded))
            let packet = try GossipPacket(decoding: bytes)
            #expect(packet.message == message)
            #expect(packet.claims == claims)
            for length in 0..<bytes.count {
                #expect(throws: WireError.self) {
                    try GossipPacket(decoding: Array(bytes.prefix(length)))
                }
            }
        }
    }

    @Test func randomBytesNeverDecodeToTooMuch() {
        for seed in 0..<2000 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            var bytes = GossipPacket.encode(
                messages().randomElement(using: &random) ?? .none,
                claims: samples().shuffled(using: &random).prefix(3).map(\.encoded))
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            guard let packet = try? GossipPacket(decoding: bytes) else { continue }
            #expect(packet.claims.count <= GossipLimits.packetClaimsMax, "seed \(seed)")
            #expect(
                GossipPacket.encode(packet.message, claims: packet.claims.map(\.encoded)) == bytes,
                "seed \(seed)")
        }
    }

    @Test func aPacketOverTheLimitIsRefused() {
        let claims = Array(repeating: suspectClaim(2, by: 1).encoded, count: 9)
        let bytes = GossipPacket.encode(.none, claims: claims)
        #expect(bytes.count > GossipLimits.packetBytesMax)
        #expect(throws: WireError.self) { try GossipPacket(decoding: bytes) }
    }

    @Test func anAliveClaimTooLargeForAPacketIsRefused() throws {
        var claim = aliveClaim(1)
        let long = String(repeating: "a", count: 250)
        claim.addresses = try (1...8).map { number in
            try #require(NetworkAddress(host: .name("\(long)\(number)"), port: 1))
        }
        #expect(throws: WireError.self) {
            try Claim(decoding: signed(.alive(claim), by: 1).encoded)
        }
        let fitted = signed(.alive(claim.fitted), by: 1)
        #expect(!claim.fitted.addresses.isEmpty)
        #expect(try Claim(decoding: fitted.encoded) == fitted)
    }

    @Test func theLargestMetadataFitsAPacket() throws {
        let name = String(repeating: "m", count: GossipLimits.modelNameBytesMax)
        let offers = (0..<GossipLimits.modelsMax).map {
            OfferedModel(
                digest: ModelDigest(number: UInt64($0)), name: name, contextLength: .max)
        }
        let largest = MemberMetadata(
            numerics: String(repeating: "n", count: GossipLimits.numericsBytesMax), kvTypes: 255,
            models: offers)
        #expect(largest.isWithinLimits)
        let claim = signed(
            .metadata(
                MetadataClaim(node: node(1), generation: 1, version: 1, metadata: largest)), by: 1)
        #expect(claim.encoded.count <= GossipLimits.claimBytesMax)
        #expect(
            claim.encoded.count + GossipPacket.headerBytesMax <= GossipLimits.packetBytesMax)
        #expect(try Claim(decoding: claim.encoded) == claim)
    }

    @Test func namesWithControlCharactersAreRefused() {
        var bad = metadata(1)
        bad.models[0].name = "a\u{1b}[31m"
        #expect(!bad.isWithinLimits)
        let claim = signed(
            .metadata(MetadataClaim(node: node(1), generation: 1, version: 1, metadata: bad)),
            by: 1)
        #expect(throws: WireError.self) { try Claim(decoding: claim.encoded) }
    }

    @Test func aStateSurvivesAndItsTruncationsAreRefused() throws {
        let claims = samples()
        let bytes = GossipState.encode(claims.map(\.encoded))
        #expect(try GossipState(decoding: bytes).claims == claims)
        for length in 0..<bytes.count {
            #expect(throws: WireError.self) {
                try GossipState(decoding: Array(bytes.prefix(length)))
            }
        }
    }

    @Test func aStateThatPromisesTooManyClaimsIsRefusedAtOnce() {
        #expect(throws: WireError.self) {
            try GossipState(decoding: [GossipPacket.version, 255, 255, 255, 255])
        }
    }
}

@Suite struct StandingTests {
    private func standing(
        _ generation: UInt64, _ incarnation: UInt32, _ state: MemberState
    ) -> Standing {
        Standing(generation: generation, incarnation: incarnation, state: state)
    }

    @Test func aNewerStartBeatsEverything() {
        for state in MemberState.allCases {
            #expect(standing(2, 0, .alive) > standing(1, .max, state))
        }
    }

    @Test func leavingIsFinalWithinAStart() {
        for state in MemberState.allCases where state != .left {
            #expect(standing(1, 0, .left) > standing(1, .max, state))
        }
    }

    @Test func aNewerIncarnationRefutesDeathAndSuspicion() {
        #expect(standing(1, 1, .alive) > standing(1, 0, .dead))
        #expect(standing(1, 1, .alive) > standing(1, 0, .suspect))
    }

    @Test func withinAnIncarnationTheWorseNewsStands() {
        #expect(standing(1, 0, .suspect) > standing(1, 0, .alive))
        #expect(standing(1, 0, .dead) > standing(1, 0, .suspect))
    }

    @Test func theOrderIsTotal() {
        let states = MemberState.allCases
        var all: [Standing] = []
        for generation in 1...2 as ClosedRange<UInt64> {
            for incarnation in 0...2 as ClosedRange<UInt32> {
                all += states.map { standing(generation, incarnation, $0) }
            }
        }
        for a in all {
            for b in all {
                #expect(!(a < b && b < a))
                for c in all where a < b && b < c { #expect(a < c) }
            }
        }
    }
}
