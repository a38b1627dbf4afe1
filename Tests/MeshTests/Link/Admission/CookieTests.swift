import Noise
import Secrets
import Testing
import Trust
import Wire

@testable import Mesh

/// A dial that was asked for its name, up to its answer.
private struct Asked {
    var initiator: LinkHandshake
    let connection: UInt64
    let challenge: [UInt8]
    let answer: [UInt8]

    init(_ node: TestNode, in world: inout DoorWorld, from source: AdmissionSource) throws {
        initiator = try node.dial()
        var outcome = Outcome()
        let visit = world.visit(outcome.take(initiator.start()), from: source)
        try #require(visit.admitted == nil)
        connection = visit.connection
        challenge = visit.sent
        answer = outcome.take(initiator.receive(visit.sent))
        try #require(outcome.error == nil)
    }
}

@Suite struct CookieTests {
    private func crowded() throws -> DoorWorld {
        var world = try DoorWorld()
        try world.fillOpenRoom()
        return world
    }

    @Test func aMemberThatNamesItselfGetsPastTheCrowd() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let (link, _) = try world.dial(guest, from: source(1))
        #expect(link?.peer.member?.name == "guest")
        #expect(world.doorman.counters.admittedByName == 1)
        // Also from the address that holds the most places already.
        let (other, _) = try world.dial(guest, from: source(1_000_000))
        #expect(other?.peer.nodeID == guest.identity.nodeID)
    }

    @Test func aMemberThatWasAwayGetsPastTheCrowdOnTheCatchUpLane() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let (link, _) = try world.dial(
            guest, lane: .catchUp, id: supersededID, key: superseded, from: source(1))
        #expect(link?.preamble.lane == .catchUp)
    }

    @Test func whoIsNoMemberIsRefused() throws {
        var world = try crowded()
        let foreign = try TestMesh().member("mallory")
        // Of the mesh in all but its certificate.
        let pretender = TestNode(
            identity: foreign.identity, chain: foreign.chain, genesis: world.mesh.genesis)
        #expect(try world.dial(pretender, from: source(1)).refusal == .notAMember)
        let expired = try world.mesh.member(
            "late", from: WallTime(seconds: wall.seconds - 90_000))
        #expect(try world.dial(expired, from: source(1)).refusal == .notAMember)
        #expect(world.doorman.counters.admittedByName == 0)
    }

    @Test func aRevokedMemberIsRefusedAlsoWhenItsChainWasVerifiedBefore() throws {
        var world = try crowded()
        let (former, other) = (try world.mesh.member("former"), try world.mesh.member("other"))
        #expect(try world.dial(former, from: source(1)).link != nil)
        var trust = TrustState()
        try trust.revoke(
            .member(former.identity.nodeID), signedBy: world.mesh.authority,
            genesis: world.mesh.genesis, at: wall)
        world.doorman.update(keys: world.keys, trust: trust)
        #expect(try world.dial(former, from: source(1)).refusal == .notAMember)
        #expect(
            try world.dial(
                former, lane: .catchUp, id: supersededID, key: superseded, from: source(1)
            ).refusal == .notAMember)
        #expect(try world.dial(other, from: source(1)).link != nil)
    }

    @Test func afterTheGateKeyRolledTheOldOneOpensNoMembersLane() throws {
        var world = try DoorWorld()
        let fresh = SecretBytes([UInt8](repeating: 12, count: 32))
        world.doorman.update(
            keys: LaneKeys(
                member: [[8, 8, 8, 8, 8, 8, 8, 8]: fresh], catchUp: [gateID: gate]),
            trust: TrustState())
        let former = world.visit(try world.firstBytes(), from: source(1))
        #expect(world.closed[former.connection] == .unknownLane)
        #expect(
            world.visit(try world.firstBytes(lane: .catchUp), from: source(1)).admitted != nil)
    }

    @Test func aMembersChainWithAnothersSignatureIsRefused() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let thief = TestNode(
            identity: .generate(), chain: guest.chain, genesis: world.mesh.genesis)
        #expect(try world.dial(thief, from: source(1)).refusal == .badAnswer)
        // And costs the member nothing of its own.
        for _ in 0..<AdmissionLimits.memberAdmissionsBurst {
            #expect(try world.dial(guest, from: source(1)).link != nil)
        }
    }

    @Test func aMemberOverItsRateIsRefusedAndOthersAreNot() throws {
        var world = try crowded()
        let (greedy, modest) = (
            try world.mesh.member("greedy"), try world.mesh.member("modest")
        )
        for _ in 0..<AdmissionLimits.memberAdmissionsBurst {
            #expect(try world.dial(greedy, from: source(1)).link != nil)
        }
        #expect(try world.dial(greedy, from: source(2)).refusal == .memberBusy)
        #expect(try world.dial(modest, from: source(1)).link != nil)
        world.advance(.seconds(1))
        try world.fillAgain()
        #expect(try world.dial(greedy, from: source(1)).link != nil)
        #expect(try world.dial(greedy, from: source(1)).refusal == .memberBusy)
    }

    @Test func aMemberHasFewHandshakesOpenAtOnce() throws {
        var world = try crowded()
        let greedy = try world.mesh.member("greedy")
        for index in 0...AdmissionLimits.memberRoomPerNode {
            let asked = try Asked(greedy, in: &world, from: source(1))
            let visit = world.say(asked.answer, on: asked.connection)
            #expect((visit.admitted != nil) == (index < AdmissionLimits.memberRoomPerNode))
        }
    }

    @Test func everyBitOfAnAnswerCountsAndItComesInPieces() throws {
        var world = try crowded()
        let asked = try Asked(try world.mesh.member("guest"), in: &world, from: source(1))
        for byte in asked.answer.indices {
            var copy = world
            var changed = asked.answer
            changed[byte] ^= 1 << UInt8(byte % 8)
            let visit = copy.say(changed, on: asked.connection)
            #expect(visit.admitted == nil, "byte \(byte)")
        }
        for byte in asked.answer.dropLast() {
            #expect(world.say([byte], on: asked.connection).admitted == nil)
        }
        let last = world.say(asked.answer.suffix(1), on: asked.connection)
        #expect(last.admitted != nil)
    }

    @Test func anAnswerOfAnImpossibleLengthIsRefusedBeforeItsBytesCome() throws {
        for length in [0, 1, 15, 48, LinkLimits.handshakeMessageBytesMax + 1, 65_535] {
            var world = try crowded()
            let asked = try Asked(try world.mesh.member("guest"), in: &world, from: source(1))
            _ = world.say([UInt8(length >> 8), UInt8(length & 255)], on: asked.connection)
            #expect(world.closed[asked.connection] == .badAnswer, "length \(length)")
        }
    }

    @Test func aCookieOfAnotherConnectionAddressOrFirstMessageIsRefused() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let first = try Asked(guest, in: &world, from: source(1))
        // The same node, from the same address and from another: the answer fits neither.
        for from in [1, 2] {
            let other = try Asked(guest, in: &world, from: source(from))
            #expect(world.say(first.answer, on: other.connection).admitted == nil)
            #expect(world.closed[other.connection] == .badAnswer)
        }
        #expect(world.say(first.answer, on: first.connection).admitted != nil)
    }

    @Test func aReplayedAnswerIsRefusedWhenItsFirstMessageWasForgotten() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        var initiator = try guest.dial()
        var outcome = Outcome()
        let opening = outcome.take(initiator.start())
        let asked = world.visit(opening, from: source(1))
        let answer = outcome.take(initiator.receive(asked.sent))
        #expect(world.say(answer, on: asked.connection).admitted != nil)
        // Two generations later the same first message counts as new.
        for _ in 0..<3 {
            world.advance(AdmissionLimits.replayGeneration)
            _ = world.visit(try world.firstBytes(), from: source(2))
        }
        try world.fillAgain()
        let again = world.visit(opening, from: source(1))
        try #require(again.sent.count == 2 + LinkLimits.challengeBytes)
        #expect(again.sent != asked.sent)
        #expect(world.say(answer, on: again.connection).admitted == nil)
        #expect(world.closed[again.connection] == .badAnswer)
    }

    @Test func aCookieIsGoodForTwoPeriodsAndNoLonger() throws {
        // A connection does not live that long at the door: the cookie's own end is behind it.
        let secret = SecretBytes([UInt8](repeating: 6, count: 32))
        let first = try DoorWorld().firstBytes()
        let preamble = try #require(LinkPreamble(lane: .member, keyID: gateID))
        let maker = CookieMaker(secret: secret)
        func cookie(
            _ period: Int64, from number: Int = 1, on connection: UInt64 = 1,
            by maker: CookieMaker = CookieMaker(secret: secret)
        ) -> [UInt8] {
            maker.make(
                preamble, Array(first.suffix(48)), from: source(number), on: connection,
                period: period
            ).cookie
        }
        #expect(cookie(5) == cookie(5, by: maker))
        #expect(cookie(5) != cookie(6))
        #expect(cookie(5) != cookie(5, from: 2))
        #expect(cookie(5) != cookie(5, on: 2))
        #expect(
            cookie(5)
                != cookie(5, by: CookieMaker(secret: SecretBytes([UInt8](repeating: 7, count: 32))))
        )
    }

    @Test func verificationsAreRationedForOneSourceAndOthersGetTheirs() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let thief = TestNode(
            identity: .generate(), chain: guest.chain, genesis: world.mesh.genesis)
        var refusals: Set<AdmissionRefusal> = []
        for _ in 0..<AdmissionLimits.verificationsPerSourcePerSecond / 10 {
            if let refusal = try world.dial(thief, from: source(1)).refusal {
                refusals.insert(refusal)
            }
        }
        #expect(refusals == [.badAnswer, .busy])
        #expect(try world.dial(guest, from: source(1)).refusal == .busy)
        #expect(try world.dial(guest, from: source(2)).link != nil)
    }

    @Test func aMemberLetInByNameMustBeTheOneOfThatName() throws {
        var world = try crowded()
        let (guest, other) = (try world.mesh.member("guest"), try world.mesh.member("other"))
        // Two members that work together: one signs, the other goes through.
        var local = try other.local()
        local.signer = try guest.local().signer
        let preamble = try #require(LinkPreamble(lane: .member, keyID: gateID))
        var initiator = try LinkHandshake(
            initiating: preamble, preSharedKey: gate, local: local, expecting: nil,
            verifier: other.verifier, ephemeral: .generate(), at: start)
        var outcome = Outcome()
        let asked = world.visit(outcome.take(initiator.start()), from: source(1))
        let visit = world.say(outcome.take(initiator.receive(asked.sent)), on: asked.connection)
        let admitted = try #require(visit.admitted)
        #expect(admitted.reason == .member(guest.identity.nodeID))
        var responder = LinkHandshake(
            admitted: admitted, local: try world.host.local(), verifier: world.host.verifier,
            ephemeral: .generate())
        var here = Outcome()
        let third = outcome.take(initiator.receive(here.take(responder.start())))
        _ = here.take(responder.receive(third))
        #expect(here.established == nil)
        #expect(
            here.error
                == .wrongPeer(expected: guest.identity.nodeID, found: other.identity.nodeID))
    }

    // MARK: The initiator's side

    @Test func anInitiatorAnswersOneChallengeAndNoForgedOne() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let asked = try Asked(guest, in: &world, from: source(1))
        // A second challenge on the same connection.
        var initiator = asked.initiator
        var outcome = Outcome()
        #expect(outcome.take(initiator.receive(asked.challenge)).isEmpty)
        #expect(outcome.error == .handshakeLength)
        // Damaged ones.
        for byte in 2..<asked.challenge.count {
            var fresh = try guest.dial()
            var outcome = Outcome()
            let visit = world.visit(outcome.take(fresh.start()), from: source(byte))
            var changed = visit.sent
            changed[byte] ^= 1 << UInt8(byte % 8)
            #expect(outcome.take(fresh.receive(changed)).isEmpty)
            #expect(outcome.error == .handshakeNotAuthentic, "byte \(byte)")
        }
    }

    @Test func aChallengeForAnotherDialIsNotAnswered() throws {
        var world = try crowded()
        let guest = try world.mesh.member("guest")
        let asked = try Asked(guest, in: &world, from: source(1))
        var other = try guest.dial()
        var outcome = Outcome()
        _ = other.start()
        #expect(outcome.take(other.receive(asked.challenge)).isEmpty)
        #expect(outcome.error == .handshakeNotAuthentic)
    }

    @Test func aJoinerIsNeverAskedAndDoesNotAnswer() throws {
        var world = try crowded()
        let asked = try Asked(try world.mesh.member("guest"), in: &world, from: source(1))
        var joiner = try world.mesh.stranger().dial(
            lane: .join, id: ticketBeginning + [1], key: ticketKey)
        var outcome = Outcome()
        _ = joiner.start()
        #expect(outcome.take(joiner.receive(asked.challenge)).isEmpty)
        #expect(outcome.error == .handshakeLength)
    }
}

extension DoorWorld {
    /// Fills what room came up again.
    mutating func fillAgain() throws {
        var number = 2_000_000
        while doorman.halfOpen < AdmissionLimits.openRoom {
            guard visit(try firstBytes(), from: source(number)).admitted != nil else { return }
            number += 1
        }
    }
}
