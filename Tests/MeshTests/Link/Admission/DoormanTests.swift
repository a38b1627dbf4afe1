import Mesh
import Noise
import Secrets
import Testing
import Trust
import Wire

@Suite struct DoormanTests {
    // MARK: Strangers

    @Test func strangersGetSilence() throws {
        var world = try DoorWorld()
        var random = SeededGenerator(seed: 1)
        for number in 0..<100 {
            let visit = world.visit(random.bytes(60), from: source(number))
            #expect(visit.sent.isEmpty && visit.admitted == nil)
            #expect(world.closed[visit.connection] == .unknownLane)
        }
        // A known key id does not help without the key.
        let wrong = try world.firstBytes(key: SecretBytes([UInt8](repeating: 8, count: 32)))
        let visit = world.visit(wrong, from: source(1))
        #expect(visit.sent.isEmpty && visit.admitted == nil)
        #expect(world.closed[visit.connection] == .notAuthentic)
        #expect(world.doorman.waiting == 0)
    }

    @Test func everyBitOfAFirstMessageCounts() throws {
        let world = try DoorWorld()
        let bytes = try world.firstBytes()
        for bit in 0..<bytes.count * 8 {
            var copy = world
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let visit = copy.visit(changed, from: source(1))
            #expect(visit.sent.isEmpty && visit.admitted == nil, "bit \(bit)")
            #expect(copy.closed[visit.connection] != nil, "bit \(bit)")
        }
    }

    @Test func theFirstMessageMayComeInPiecesAndIsAdmittedOnceWhole() throws {
        let world = try DoorWorld()
        let bytes = try world.firstBytes()
        for piece in [1, 7, 59] {
            var copy = world
            var visit = copy.visit([], from: source(1))
            for first in stride(from: 0, to: bytes.count, by: piece) {
                #expect(visit.admitted == nil)
                visit = copy.say(
                    Array(bytes[first..<min(first + piece, bytes.count)]), on: visit.connection)
            }
            #expect(visit.admitted?.reason == .room)
        }
    }

    @Test func aFirstMessageOfAnotherLengthIsRefusedBeforeItsBytesCome() throws {
        for length in [0, 1, 15, 47, 49, 65_535] {
            var world = try DoorWorld()
            let visit = world.visit(
                [1, 0] + gateID + [UInt8(length >> 8), UInt8(length & 255)], from: source(1))
            #expect(world.closed[visit.connection] == .unknownLane, "length \(length)")
        }
    }

    @Test func bytesAfterTheFirstMessageAreRefused() throws {
        var world = try DoorWorld()
        let visit = world.visit(try world.firstBytes() + [0], from: source(1))
        #expect(visit.admitted == nil)
        #expect(world.closed[visit.connection] == .unknownLane)
    }

    @Test func whoSaysNothingOrSaysItSlowlyIsClosedAtTheDeadline() throws {
        var world = try DoorWorld()
        let bytes = try world.firstBytes()
        var visit = world.visit([], from: source(1))
        for index in 0..<49 {
            world.advance(.milliseconds(100))
            visit = world.say([bytes[index]], on: visit.connection)
            #expect(world.closed[visit.connection] == nil)
        }
        world.advance(.milliseconds(100))
        #expect(world.closed[visit.connection] == .late)
        #expect(world.doorman.waiting == 0)
    }

    // MARK: Room

    @Test func anAdmittedConnectionBecomesALink() throws {
        var world = try DoorWorld()
        let guest = try world.mesh.member("guest")
        let (link, _) = try world.dial(guest, from: source(1))
        #expect(link?.peer.member?.name == "guest")
        #expect(world.doorman.counters.admittedByRoom == 1)
        #expect(world.doorman.halfOpen == 0)
    }

    @Test func aReplayedFirstMessageIsDropped() throws {
        var world = try DoorWorld()
        let bytes = try world.firstBytes()
        #expect(world.visit(bytes, from: source(1)).admitted != nil)
        for _ in 0..<3 {
            let again = world.visit(bytes, from: source(2))
            #expect(again.admitted == nil && again.sent.isEmpty)
            #expect(world.closed[again.connection] == .replayed)
        }
        // And still after one generation, but not for ever: the cache is bounded by time too.
        world.advance(AdmissionLimits.replayGeneration)
        let late = world.visit(bytes, from: source(2))
        #expect(world.closed[late.connection] == .replayed)
        for _ in 0..<2 {
            world.advance(AdmissionLimits.replayGeneration)
            _ = world.visit(try world.firstBytes(), from: source(3))
        }
        #expect(world.visit(bytes, from: source(2)).admitted != nil)
    }

    @Test func oneSourceTakesItsShareOfTheRoomAndNoMore() throws {
        var world = try DoorWorld()
        for _ in 0..<AdmissionLimits.openRoomPerSource {
            #expect(world.visit(try world.firstBytes(), from: source(1)).admitted != nil)
        }
        let next = world.visit(try world.firstBytes(), from: source(1))
        #expect(next.admitted == nil && !next.sent.isEmpty)  // a cookie
        #expect(world.visit(try world.firstBytes(), from: source(2)).admitted != nil)
        // Handshakes that are over make place.
        world.advance(LinkLimits.handshakeDeadline)
        #expect(world.visit(try world.firstBytes(), from: source(1)).admitted != nil)
    }

    @Test func theRoomIsBoundedAndThenEveryoneIsAskedForANameOfFixedLength() throws {
        var world = try DoorWorld()
        try world.fillOpenRoom()
        #expect(world.doorman.halfOpen == AdmissionLimits.openRoom)
        // Diffie–Hellman was earned back meanwhile: it is the room that is full.
        world.advance(.seconds(1))
        let next = world.visit(try world.firstBytes(), from: source(1))
        #expect(next.admitted == nil)
        #expect(next.sent.count == 2 + LinkLimits.challengeBytes)
        #expect(LinkLimits.challengeBytes < LinkLimits.secondMessageBytesMin)
    }

    @Test func theRoomsTogetherAreAllHalfOpenHandshakesThereMayBe() {
        #expect(
            AdmissionLimits.openRoom + AdmissionLimits.memberRoom + AdmissionLimits.joinRoom
                == LinkLimits.halfOpenMax)
    }

    @Test func diffieHellmanForStrangersIsRationed() throws {
        var world = try DoorWorld()
        var admitted = 0
        // Handshakes that end at once, so that only their rate is in question.
        for number in 0..<2000 {
            let visit = world.visit(try world.firstBytes(), from: source(number))
            if visit.admitted != nil {
                admitted += 1
                world.doorman.released(visit.connection)
            }
            world.advance(.milliseconds(1))
        }
        let operations = admitted * AdmissionLimits.diffieHellmanPerHandshake
        let saved = AdmissionLimits.openRoom * AdmissionLimits.diffieHellmanPerHandshake
        #expect(operations <= 2 * AdmissionLimits.diffieHellmanPerSecond + saved)
        #expect(operations >= 2 * AdmissionLimits.diffieHellmanPerSecond)
    }

    @Test func anIPv6HouseholdAndAMappedAddressAreOneSource() {
        let home = [UInt8](repeating: 1, count: 7)
        func address(_ seed: UInt8) -> [UInt8] { home + [UInt8](repeating: seed, count: 9) }
        #expect(AdmissionSource(address: address(1)) == AdmissionSource(address: address(2)))
        #expect(
            AdmissionSource(address: [2] + address(1).dropFirst())
                != AdmissionSource(address: address(1)))
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 1, 2, 3, 4]
        #expect(AdmissionSource(address: mapped) == AdmissionSource(address: [1, 2, 3, 4]))
        #expect(AdmissionSource(address: [1, 2, 3, 4]) != AdmissionSource(address: [1, 2, 3, 5]))
        #expect(AdmissionSource(address: []) == .unknown)
    }

    // MARK: Joiners

    @Test func aTicketHasAShareOfItsOwnWhenTheRoomIsFull() throws {
        var world = try DoorWorld()
        try world.fillOpenRoom()
        let id = ticketBeginning + [1]
        for _ in 0..<AdmissionLimits.joinRoomPerTicket {
            let bytes = try world.firstBytes(lane: .join, id: id, key: ticketKey)
            #expect(world.visit(bytes, from: source(1)).admitted?.reason == .ticket)
        }
        // Its rate was earned back meanwhile: it is its part of the room that is taken.
        world.advance(.seconds(1))
        let bytes = try world.firstBytes(lane: .join, id: id, key: ticketKey)
        let refused = world.visit(bytes, from: source(1))
        #expect(refused.sent.isEmpty)
        #expect(world.closed[refused.connection] == .ticketBusy)
        // Another ticket is not hurt by it.
        let (link, _) = try world.dial(
            world.mesh.stranger(), lane: .join, id: ticketBeginning + [2], key: ticketKey,
            from: source(1))
        #expect(link?.preamble.lane == .join)
    }

    @Test func aTicketsShareIsAlsoOneOfTime() throws {
        var world = try DoorWorld()
        try world.fillOpenRoom()
        var admitted = 0
        for _ in 0..<100 {
            let bytes = try world.firstBytes(
                lane: .join, id: ticketBeginning + [1], key: ticketKey)
            let visit = world.visit(bytes, from: source(1))
            if visit.admitted != nil {
                admitted += 1
                world.doorman.released(visit.connection)
            }
            world.advance(.milliseconds(10))
        }
        #expect((2...2 * AdmissionLimits.joinAdmissionsPerSecond).contains(admitted))
    }

    // MARK: Memory

    @Test func whoWaitsIsBoundedInNumber() throws {
        var world = try DoorWorld()
        for number in 0..<2000 { _ = world.visit([1], from: source(number)) }
        #expect(world.doorman.waiting == AdmissionLimits.silentMax)
        try world.fillOpenRoom()
        for number in 0..<700 { _ = world.visit(try world.firstBytes(), from: source(number)) }
        // Who is challenged was among the silent for a moment, and one of them went for it.
        #expect(
            world.doorman.waiting == AdmissionLimits.silentMax - 1 + AdmissionLimits.challengedMax)
        let counters = world.doorman.counters
        #expect(counters.refused[.crowdedOut] ?? 0 > 1744)
        // Everyone who went was told to the shell, which holds the sockets.
        let gone = counters.refused.values.reduce(0, +)
        #expect(UInt64(world.closed.count) == gone)
        #expect(
            counters.arrived - gone
                == UInt64(world.doorman.waiting + world.doorman.halfOpen))
        world.advance(LinkLimits.handshakeDeadline)
        #expect(world.doorman.waiting == 0)
        #expect(world.doorman.halfOpen == 0)
    }

    @Test func aCrowdFromOneSourceMakesPlaceForOthers() throws {
        var world = try DoorWorld()
        let lonely = world.visit([1], from: source(7))
        for _ in 0..<20_000 { _ = world.visit([1], from: source(8)) }
        #expect(world.closed[lonely.connection] == nil)
    }

    @Test func whoLeavesWhileItWaitsIsForgotten() throws {
        var world = try DoorWorld()
        let silent = world.visit([1], from: source(1))
        try world.fillOpenRoom()
        let asked = world.visit(try world.firstBytes(), from: source(1))
        #expect(world.doorman.waiting == 2)
        world.doorman.released(silent.connection)
        world.doorman.released(asked.connection)
        #expect(world.doorman.waiting == 0)
        #expect(world.say([1, 2, 3], on: asked.connection).sent.isEmpty)
    }
}
