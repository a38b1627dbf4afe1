import Secrets
import Testing
import Trust
import Wire

@testable import Mesh
@testable import Noise

/// What strangers, former members and people on the way may try during a handshake.
@Suite struct LinkHandshakeTamperingTests {
    private let mesh: TestMesh
    private let alice: TestNode
    private let bob: TestNode

    init() throws {
        mesh = try TestMesh()
        alice = try mesh.member("alice")
        bob = try mesh.member("bob")
    }

    /// A handshake up to where each message is about to be read: who reads it, and the message.
    private func moments() throws -> [(reader: LinkHandshake, message: [UInt8])] {
        var (dialler, answerer) = (try alice.dial(), try bob.answer())
        var (left, right) = (Outcome(), Outcome())
        let first = left.take(dialler.start())
        let beforeFirst = answerer
        let second = right.take(answerer.receive(first))
        let beforeSecond = dialler
        let third = left.take(dialler.receive(second))
        return [(beforeFirst, first), (beforeSecond, second), (answerer, third)]
    }

    private func outcome(_ reader: LinkHandshake, _ bytes: [UInt8]) -> Outcome {
        var (reader, outcome) = (reader, Outcome())
        _ = outcome.take(reader.receive(bytes))
        return outcome
    }

    @Test func everyBitOfEveryMessageCounts() throws {
        for (index, (reader, message)) in try moments().enumerated() {
            for bit in 0..<message.count * 8 {
                var changed = message
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                let outcome = outcome(reader, changed)
                // A responder answers a first message before it can know who sent it, but not one
                // that the pre-shared key does not authenticate.
                #expect(outcome.established == nil, "message \(index + 1), bit \(bit)")
                #expect(outcome.sent.isEmpty, "message \(index + 1), bit \(bit)")
            }
        }
    }

    @Test func aHandshakeCutAtAnyByteIsNeverALinkAndEndsAtItsDeadline() throws {
        for (index, (reader, message)) in try moments().enumerated() {
            for count in 0..<message.count {
                var (reader, outcome) = (reader, Outcome())
                _ = outcome.take(reader.receive(Array(message.prefix(count))))
                #expect(outcome.established == nil, "message \(index + 1), \(count) bytes")
                #expect(outcome.sent.isEmpty && outcome.error == nil)
                _ = outcome.take(reader.tick(at: start + LinkLimits.handshakeDeadline))
                #expect(outcome.error == .handshakeTimeout)
            }
        }
    }

    @Test func aMessageOfAnImpossibleLengthIsRefusedBeforeItsBytesCome() throws {
        for (index, (reader, _)) in try moments().enumerated() {
            let preamble = index == 0 ? [1, 0] + gateID : []
            for length in [0, 1, 15, LinkLimits.handshakeMessageBytesMax + 1, 65_535] {
                let outcome = outcome(
                    reader, preamble + [UInt8(length >> 8), UInt8(length & 255)])
                #expect(
                    outcome.error == .handshakeLength, "message \(index + 1), length \(length)")
            }
        }
    }

    @Test func aReflectedFirstMessageIsNotAnswered() throws {
        var dialler = try alice.dial()
        var outcome = Outcome()
        let first = outcome.take(dialler.start())
        #expect(outcome.take(dialler.receive(Array(first.dropFirst(10)))).isEmpty)
        #expect(outcome.error == .handshakeLength)
    }

    @Test func messagesOfTwoHandshakesDoNotMix() throws {
        let (one, other) = (try moments(), try moments())
        for index in 1...2 {
            #expect(
                outcome(one[index].reader, other[index].message).error == .handshakeNotAuthentic)
        }
    }

    @Test func messagesOutOfOrderAreRefused() throws {
        let moments = try moments()
        #expect(outcome(moments[2].reader, moments[1].message).established == nil)
        #expect(outcome(moments[1].reader, moments[2].message).established == nil)
        #expect(outcome(moments[0].reader, moments[2].message).established == nil)
    }

    /// The point of order one, one of order eight, and zero written as the field's prime.
    @Test(arguments: [
        [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
    ])
    func aDegenerateOrNonCanonicalKeyGetsSilence(_ point: [UInt8]) throws {
        // As ephemeral, by somebody who holds the pre-shared key.
        let key = NoiseKeyPair(publicKey: point, secretKey: [UInt8](repeating: 1, count: 32))
        let dial = try LinkHandshake(
            initiating: try #require(LinkPreamble(lane: .member, keyID: gateID)),
            preSharedKey: gate, local: try alice.local(), expecting: nil,
            verifier: alice.verifier, ephemeral: key, at: start)
        let (_, right) = run(dial, try bob.answer())
        #expect(right.error == .handshakeNotAuthentic)
        #expect(right.sent.isEmpty)
        // As static key.
        var local = try alice.local()
        local.staticKey = key
        let (_, other) = run(try self.dial(local), try bob.answer())
        #expect(other.established == nil)
        #expect(other.error == .handshakeNotAuthentic)
    }

    @Test func theWrongPrologueIsRefused() throws {
        // The lane and the key id are clear bytes: changed on the way, they open another lane with
        // the same key, but the handshake notices.
        let (_, right) = run(try alice.dial(), try bob.answer(lanes: [.catchUp])) {
            direction, bytes in
            guard direction == 0, bytes[0] == 1, bytes[1] == 0 else { return bytes }
            return [1, LinkLane.catchUp.rawValue] + bytes.dropFirst(2)
        }
        #expect(right.error == .handshakeNotAuthentic)
        #expect(right.sent.isEmpty)
    }

    @Test func theWrongMeshIsRefused() throws {
        let other = try TestMesh().member("mallory")
        #expect(run(try other.dial(), try bob.answer()).1.error == .handshakeNotAuthentic)
    }

    @Test func theWrongKeyIsRefused() throws {
        let key = SecretBytes([UInt8](repeating: 9, count: 32))
        #expect(run(try alice.dial(key: key), try bob.answer()).1.error == .handshakeNotAuthentic)
    }

    @Test func aKeyOfAnotherEpochOpensOnlyTheCatchUpLane() throws {
        let keys = LaneKeys(
            member: [gateID: gate], catchUp: [gateID: gate, supersededID: superseded])
        func answer() throws -> LinkHandshake {
            LinkHandshake(
                responding: { keys.key(for: $0) }, local: try bob.local(), verifier: bob.verifier,
                ephemeral: .generate(), at: start)
        }
        let (_, refused) = run(
            try alice.dial(id: supersededID, key: superseded), try answer())
        #expect(refused.error == .unknownLane)
        let (_, right) = run(
            try alice.dial(lane: .catchUp, id: supersededID, key: superseded), try answer())
        #expect(right.established?.preamble.lane == .catchUp)
    }

    @Test func theWrongHandshakeVersionIsRefused() throws {
        for version: UInt8 in [0, 2, 255] {
            let (_, right) = run(try alice.dial(), try bob.answer()) { direction, bytes in
                direction == 0 && bytes.count == 60 ? [version] + bytes.dropFirst() : bytes
            }
            #expect(right.error == .unknownLane)
            #expect(right.sent.isEmpty)
        }
    }

    @Test func aPeerWithoutACommonProtocolVersionIsRefused() throws {
        var local = try alice.local()
        local.proof =
            LinkProof(
                identity: alice.identity, chain: alice.chain, linkKey: alice.linkKey,
                mesh: mesh.genesis.id, versions: ProtocolVersions(oldest: 2, newest: 3)
            ).encoded
        #expect(run(try dial(local), try bob.answer()).1.error == .noCommonVersion)
    }

    @Test func aProofAboutAnotherStaticKeyIsRefused() throws {
        // Somebody else's proof, as it went over another link.
        var local = try mesh.member("mallory").local()
        local.proof = try alice.local().proof
        #expect(try refusal(try dial(local)) != nil)
        // And an own one about another key.
        var own = try alice.local()
        own.staticKey = try mesh.member("other").local().staticKey
        #expect(try refusal(try dial(own)) != nil)
    }

    @Test func aCertificateOfAnotherNodeIsRefused() throws {
        let mallory = Identity.generate()
        var local = try alice.local()
        let linkKey = LinkKeyPair.generate(now: wall)
        local.staticKey = try NoiseKeyPair(secret: linkKey.secret)
        local.proof =
            LinkProof(
                identity: mallory, chain: alice.chain, linkKey: linkKey, mesh: mesh.genesis.id
            ).encoded
        #expect(try refusal(try dial(local)) != nil)
    }

    @Test func anExpiredOrFutureCertificateIsRefusedOnTheMemberLane() throws {
        for offset in [-90_000, 4000] {
            let odd = try mesh.member(
                "odd", from: WallTime(seconds: UInt64(Int(wall.seconds) + offset)))
            #expect(try refusal(try odd.dial()) != nil)
        }
    }

    @Test func onTheCatchUpLaneAnExpiredCertificateIsTakenAndARevokedOneIsNot() throws {
        let late = try mesh.member("late", from: WallTime(seconds: wall.seconds - 90_000))
        let (_, right) = run(
            try late.dial(lane: .catchUp), try bob.answer(lanes: [.catchUp]))
        #expect(right.established?.peer.member?.isExpired == true)
        var trust = TrustState()
        try trust.revoke(
            .member(late.identity.nodeID), signedBy: mesh.authority, genesis: mesh.genesis, at: wall
        )
        let answer = LinkHandshake(
            responding: { _ in gate }, local: try bob.local(),
            verifier: MemberVerifier(genesis: mesh.genesis, trust: trust) { wall },
            ephemeral: .generate(), at: start)
        #expect(try refusal(try late.dial(lane: .catchUp), answer) != nil)
        #expect(try refusal(try late.dial(), answer) != nil)
        // A future certificate is no returning member's.
        let future = try mesh.member("future", from: WallTime(seconds: wall.seconds + 4000))
        #expect(
            try refusal(try future.dial(lane: .catchUp), try bob.answer(lanes: [.catchUp])) != nil)
    }

    @Test func oneselfIsRefusedAtBothEnds() throws {
        let (left, right) = run(try alice.dial(), try alice.answer())
        #expect(left.error == .selfDial)
        #expect(right.established == nil)
    }

    // MARK: Purposes

    @Test(arguments: [
        LinkPurpose.primary, .bulk, .renewal(ofHash: [UInt8](repeating: 5, count: 64)),
    ])
    func thePurposeOfTheInitiatorIsKnownToBoth(_ purpose: LinkPurpose) throws {
        let (left, right) = run(try alice.dial(purpose: purpose), try bob.answer())
        #expect(left.established?.purpose == purpose)
        #expect(right.established?.purpose == purpose)
    }

    @Test func aPurposeThatDoesNotExistIsRefused() throws {
        for bytes: [UInt8] in [[], [3], [255], [1], [1] + [UInt8](repeating: 0, count: 15)] {
            #expect(throws: WireError.self) { try LinkGreeting(decoding: bytes) }
        }
        for purpose in [
            LinkPurpose.primary, .bulk, .renewal(ofHash: [UInt8](repeating: 3, count: 64)),
        ] {
            let greeting = LinkGreeting(purpose: purpose, proof: [1, 2, 3])
            #expect(try LinkGreeting(decoding: greeting.encoded) == greeting)
        }
    }

    @Test func onlyMembersLinksHaveAPurpose() throws {
        for lane in [LinkLane.join, .catchUp] {
            // Written by hand: this side's own initiator would not.
            let preamble = try #require(LinkPreamble(lane: lane, keyID: gateID))
            let local = try alice.local()
            var noise = try NoiseHandshake(
                pattern: .xxpsk0, role: .initiator,
                prologue: preamble.prologue(mesh: mesh.genesis.id), staticKey: local.staticKey,
                preSharedKeys: [gate], ephemeral: .generate())
            var answerer = try bob.answer(lanes: [lane])
            var outcome = Outcome()
            let first = try noise.writeMessage(payload: [])
            let second = outcome.take(
                answerer.receive(preamble.encoded + [0, UInt8(first.count)] + first))
            _ = try noise.readMessage(Array(second.dropFirst(2)))
            let third = try noise.writeMessage(
                payload: LinkGreeting(purpose: .bulk, proof: local.proof).encoded)
            _ = outcome.take(
                answerer.receive([UInt8(third.count >> 8), UInt8(third.count & 255)] + third))
            guard case .peerRefused? = outcome.error else {
                Issue.record("\(String(describing: outcome.error))")
                continue
            }
        }
    }

    private func dial(_ local: LinkHandshake.Local) throws -> LinkHandshake {
        try LinkHandshake(
            initiating: try #require(LinkPreamble(lane: .member, keyID: gateID)),
            preSharedKey: gate, local: local, expecting: nil, verifier: alice.verifier,
            ephemeral: .generate(), at: start)
    }

    /// The reason for which the responder refuses who the initiator says it is, if it does.
    private func refusal(_ dial: LinkHandshake, _ answer: LinkHandshake? = nil) throws -> String? {
        let (_, right) = run(dial, try answer ?? bob.answer())
        guard right.established == nil, case .peerRefused(let why)? = right.error else {
            return nil
        }
        return why
    }
}
