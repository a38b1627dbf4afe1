import MeshTransport
import Testing
import Trust
import Wire

@Suite struct RelayRoomTests {
    private let nodes = (1...4).map { _ in Identity.generate().nodeID }

    /// Whether each of these members got a place, asked in this order.
    private func enter(_ members: [NodeID], _ room: inout RelayRoom) -> [Bool] {
        members.map { room.enter($0) }
    }

    @Test func oneMemberTakesOnlyItsShareAndAllTogetherNoMoreThanThereIs() {
        var room = RelayRoom(streamsMax: 5, perAskerMax: 2)
        for node in nodes[..<2] {
            #expect(enter([node, node, node], &room) == [true, true, false])
        }
        #expect(enter([nodes[2], nodes[2], nodes[3]], &room) == [true, false, false])
        #expect(room.count == 5)
    }

    @Test func aPlaceThatIsGivenBackIsTakenAgain() {
        var room = RelayRoom(streamsMax: 1, perAskerMax: 1)
        #expect(enter([nodes[0], nodes[1]], &room) == [true, false])
        // Who has none gives none back.
        room.leave(nodes[1])
        #expect(enter([nodes[1]], &room) == [false])
        room.leave(nodes[0])
        #expect(room.count == 0)
        #expect(enter([nodes[1]], &room) == [true])
    }

    @Test func aNodeThatCarriesNothingRefusesTheFirst() {
        var room = RelayRoom(streamsMax: 0)
        #expect(enter([nodes[0]], &room) == [false])
    }
}
