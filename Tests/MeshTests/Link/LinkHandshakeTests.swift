import Mesh
import Noise
import Secrets
import Testing
import Trust
import Wire

@Suite struct LinkHandshakeTests {
    @Test(arguments: [Int.max, 1, 7, 50])
    func twoMembersMeetWhateverTheChunks(piece: Int) throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try mesh.member("alice"), try mesh.member("bob"))
        let (left, right) = run(
            try alice.dial(expecting: bob.identity.nodeID), try bob.answer(), piece: piece)
        let atAlice = try #require(left.established)
        let atBob = try #require(right.established)
        #expect(atAlice.peer.member?.name == "bob")
        #expect(atBob.peer.member?.name == "alice")
        #expect(atAlice.handshakeHash == atBob.handshakeHash)
        #expect(atAlice.peer.version == 1)
        // Preamble, length, message 1: to the byte.
        let beginning: [UInt8] = [1, 0] + gateID + [0, UInt8(LinkLimits.firstMessageBytes)]
        #expect(Array(left.sent.prefix(12)) == beginning)
        // And the ciphers fit.
        var sender = LinkSession(atAlice, at: start)
        var receiver = LinkSession(atBob, at: start)
        let stream = try sender.multiplexer.open(service: .control, first: [1])
        let record = try sender.nextRecord(at: start) ?? []
        let events = try receiver.receive(Array(record.dropFirst(2)), at: start)
        #expect(events.contains(.opened(stream, .control, first: [1])))
    }

    @Test func aJoinerNeedsNoCertificateOnTheJoinLaneAndHasNoneOnTheMembers() throws {
        let mesh = try TestMesh()
        let (inviter, joiner) = (try mesh.member("inviter"), mesh.stranger())
        let (left, right) = run(try joiner.dial(lane: .join), try inviter.answer())
        #expect(left.established?.peer.member?.name == "inviter")
        #expect(right.established?.peer.nodeID == joiner.identity.nodeID)
        #expect(right.established?.peer.member == nil)
        #expect(right.established?.preamble.lane == .join)

        let (_, refused) = run(try joiner.dial(lane: .member), try inviter.answer())
        #expect(refused.established == nil)
        guard case .peerRefused = refused.error else {
            Issue.record("\(String(describing: refused.error))")
            return
        }
    }

    @Test func aStrangerGetsSilence() throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try mesh.member("alice"), try mesh.member("bob"))
        // Without the key, with an unknown lane or key id, or with plain noise.
        let wrongKey = SecretBytes([UInt8](repeating: 9, count: 32))
        let (_, first) = run(try alice.dial(key: wrongKey), try bob.answer())
        #expect(first.error == .handshakeNotAuthentic)
        #expect(first.sent.isEmpty)
        let (_, second) = run(try alice.dial(lane: .catchUp), try bob.answer())
        #expect(second.error == .unknownLane)
        #expect(second.sent.isEmpty)
        var random = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            var outcome = Outcome()
            var side = try bob.answer()
            _ = outcome.take(side.receive(random.bytes(100)))
            #expect(outcome.error == .unknownLane)
            #expect(outcome.sent.isEmpty)
        }
    }

    @Test func aMessageOfAnotherLengthIsRefusedBeforeItsBytesCome() throws {
        let bob = try TestMesh().member("bob")
        for length in [0, 1, 15, 47, 49, 2048, 65_535] {
            var side = try bob.answer()
            var outcome = Outcome()
            let header = [UInt8(length >> 8), UInt8(length & 255)]
            _ = outcome.take(side.receive([1, 0] + gateID + header))
            #expect(outcome.error == .handshakeLength, "length \(length)")
        }
    }

    @Test func theWrongPeerAndOneselfAreRefused() throws {
        let mesh = try TestMesh()
        let (alice, bob, carol) = (
            try mesh.member("alice"), try mesh.member("bob"), try mesh.member("carol")
        )
        let (wrong, unaware) = run(
            try alice.dial(expecting: carol.identity.nodeID), try bob.answer())
        #expect(
            wrong.error
                == .wrongPeer(expected: carol.identity.nodeID, found: bob.identity.nodeID))
        #expect(unaware.established == nil)
        let (own, _) = run(try alice.dial(), try alice.answer())
        #expect(own.error == .selfDial)
    }

    @Test func anotherMeshAndAnExpiredCertificateAreRefused() throws {
        let mesh = try TestMesh()
        let bob = try mesh.member("bob")
        let other = try TestMesh().member("mallory")
        let (_, foreign) = run(try other.dial(), try bob.answer())
        #expect(foreign.error == .handshakeNotAuthentic)  // the prologue differs
        let late = try mesh.member("late", from: WallTime(seconds: wall.seconds - 90_000))
        let (_, expired) = run(try late.dial(), try bob.answer())
        guard case .peerRefused = expired.error else {
            Issue.record("\(String(describing: expired.error))")
            return
        }
    }

    @Test func aReplayedFirstMessageLeadsNowhere() throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try mesh.member("alice"), try mesh.member("bob"))
        var flights: [[UInt8]] = []
        _ = run(try alice.dial(), try bob.answer()) { _, bytes in
            flights.append(bytes)
            return bytes
        }
        var side = try bob.answer()
        var outcome = Outcome()
        _ = outcome.take(side.receive(flights[0]))
        _ = outcome.take(side.receive(flights[2]))
        #expect(outcome.established == nil)
        #expect(outcome.error == .handshakeNotAuthentic)
    }

    @Test func aHandshakeHasOneDeadlineForTheWhole() throws {
        let bob = try TestMesh().member("bob")
        var side = try bob.answer()
        _ = side.receive([1])
        #expect(side.tick(at: start + .seconds(4)).isEmpty)
        _ = side.receive([0])
        var outcome = Outcome()
        _ = outcome.take(side.tick(at: start + .seconds(5)))
        #expect(outcome.error == .handshakeTimeout)
        #expect(side.isOver)
        #expect(side.receive([1, 2, 3]).isEmpty)
    }

    @Test func bytesAfterTheHandshakeAreTheFirstRecords() throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try mesh.member("alice"), try mesh.member("bob"))
        var flight = 0
        let (_, right) = run(try alice.dial(), try bob.answer()) { _, bytes in
            flight += 1
            return flight == 3 ? bytes + [7, 7, 7] : bytes
        }
        #expect(right.established?.leftover == [7, 7, 7])
    }
}
