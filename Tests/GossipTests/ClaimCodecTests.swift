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
        signed(
            .activity(
                ActivityClaim(
                    node: node(2), generation: 5, version: 1,
                    activity: MemberActivity(
                        load: MemberLoad(queued: 1, running: 2, freeKVTokens: 3),
                        speeds: [
                            ModelSpeed(
                                model: 1, prefillNanosecondsPerToken: 5,
                                decodeNanosecondsPerToken: .max)
                        ],
                        prefixes: [PrefixDigest(1), PrefixDigest(.max)],
                        coordinate: coordinate()))), by: 2),
        signed(.leave(LeaveClaim(node: node(2), generation: 5)), by: 2),
        suspectClaim(2, by: 1, generation: 5, incarnation: 9),
        suspectClaim(2, by: 1, generation: 5, incarnation: 9, isVerdict: true),
    ]
}

private func coordinate() -> Coordinate {
    Coordinate(
        vector: SIMD8(0.5, -0.25, 0, 1, -1, 0.125, 0, 9), height: 0.01, adjustment: -0.002,
        error: 1.5)
}

private func messages() -> [GossipMessage] {
    [
        .none, .ping(sequence: 7),
        .ack(sequence: .max, AckReport(load: MemberLoad(queued: 3, running: 1))),
        .ack(
            sequence: 0,
            AckReport(
                load: MemberLoad(queued: 0, running: 65535, freeKVTokens: .max), patience: 7,
                coordinate: coordinate(), observed: address(3))),
        .forward(number: 5, to: node(9), sealed: [1, 2, 3]),
        .forwarded(from: node(9), sealed: []),
        .forwardReceipt(number: 5, accepted: true),
    ]
}

@Suite struct ClaimCodecTests {
    @Test func claimsSurviveTheirEncoding() throws {
        for claim in samples() {
            let decoded = try Claim(decoding: claim.encoded)
            #expect(decoded == claim)
            #expect(signed(decoded.body, by: decoded.author.number).encoded == claim.encoded)
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
                packet.claims.reduce(0) { $0 + $1.encoded.count } <= bytes.count, "seed \(seed)")
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
        var largest = MemberMetadata(
            software: String(repeating: "s", count: GossipLimits.softwareBytesMax),
            numerics: String(repeating: "n", count: GossipLimits.numericsBytesMax), kvTypes: 255,
            models: [])
        while largest.isWithinLimits {
            largest.models.append(
                OfferedModel(
                    digest: ModelDigest(number: UInt64(largest.models.count)), name: name,
                    contextLength: .max, format: "Q4_K_M"))
        }
        largest.models.removeLast()
        #expect(largest.models.count >= 7)
        #expect(largest.isWithinLimits)
        let claim = signed(
            .metadata(
                MetadataClaim(node: node(1), generation: 1, version: 1, metadata: largest)), by: 1)
        #expect(claim.encoded.count <= GossipLimits.claimBytesMax)
        #expect(
            claim.encoded.count + GossipPacket.overhead(of: .ping(sequence: 1))
                <= GossipLimits.packetBytesMax)
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

    @Test func whatIsNewerThanThisBuildIsPassedOverAndTheRestIsUsed() throws {
        let known = suspectClaim(2, by: 1)
        // A claim of kind 200 with three bytes, and a message of kind 99 with two.
        let claim: [UInt8] = [200, 0, 3, 1, 2, 3] + [UInt8](repeating: 7, count: 64)
        let bytes = [1, 99, 0, 2, 5, 5, 2] + claim + known.encoded
        let packet = try GossipPacket(decoding: bytes)
        #expect(packet.message == nil)
        #expect(packet.claims == [known])
        #expect(packet.unknownClaims == 1)
    }

    @Test func extensionFieldsAreKeptUnderTheSignature() throws {
        let plain = Claim.Body.leave(LeaveClaim(node: node(2), generation: 5)).encoded
        let body = plain + [9, 0, 2, 1, 2]
        let claim =
            [ClaimKind.leave.rawValue, 0, UInt8(body.count)] + body
            + ToyAuthority.signature(body, .leave, node(2))
        let decoded = try Claim(decoding: claim)
        #expect(decoded.encoded == claim)
        #expect(decoded.isGenuine(for: ToyAuthority(node: node(1))))
        #expect(decoded.body == .leave(LeaveClaim(node: node(2), generation: 5)))
        // Fields come in ascending order, each once.
        let twice = plain + [9, 0, 0, 9, 0, 0]
        #expect(throws: WireError.self) {
            try Claim(
                decoding: [ClaimKind.leave.rawValue, 0, UInt8(twice.count)] + twice
                    + [UInt8](repeating: 0, count: 64))
        }
    }

    @Test func coordinatesThatAreNoPlaceAreRefused() {
        for value in [Float.nan, .infinity, -.infinity, 11, -11] {
            var bad = coordinate()
            bad.vector[3] = value
            #expect(throws: WireError.self) { try Coordinate(decoding: bad.encoded) }
        }
        var bad = coordinate()
        bad.height = -0.1
        #expect(throws: WireError.self) { try Coordinate(decoding: bad.encoded) }
    }

    @Test func summariesAndAnswersSurviveAndTheirTruncationsAreRefused() throws {
        let entries = [3, 5, 9].map { StateSummary.Entry(key: $0, fingerprint: ~$0) }
        let summary = StateSummary(entries: entries).encoded()
        #expect(try StateSummary(decoding: summary).entries == entries)
        let answer = StateAnswer.encode(claims: samples().map(\.encoded), wanted: [7, 8])
        let decoded = try StateAnswer(decoding: answer)
        #expect(decoded.claims == samples())
        #expect(decoded.wanted == [7, 8])
        for length in 0..<summary.count {
            #expect(throws: WireError.self) {
                try StateSummary(decoding: Array(summary.prefix(length)))
            }
        }
        for length in 0..<answer.count {
            #expect(throws: WireError.self) {
                try StateAnswer(decoding: Array(answer.prefix(length)))
            }
        }
        #expect(throws: WireError.self) {
            try StateSummary(decoding: StateSummary(entries: entries.reversed()).encoded())
        }
    }

    @Test func aStateThatPromisesTooMuchIsRefusedAtOnce() {
        #expect(throws: WireError.self) { try StateSummary(decoding: [1, 255, 255, 255, 255]) }
        #expect(throws: WireError.self) { try StateAnswer(decoding: [1, 255, 255, 255, 255]) }
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
