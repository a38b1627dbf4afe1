import Mesh
import MeshTransport
import Testing
import Trust
import Wire

@Suite(.timeLimit(.minutes(3))) struct HostileConnectionTests {
    @Test func randomBytesGetSilenceAndHonestPeersStillGetIn() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        var random = SystemRandomNumberGenerator()
        for round in 0..<30 {
            let client = try await RawClient(port: bob.port)
            client.send((0..<(10 + round * 100)).map { _ in .random(in: 0...255, using: &random) })
            try await eventually("the connection is closed") { client.isClosed }
            #expect(client.received.isEmpty)
        }
        let counters = await bob.transport.counters
        #expect(counters.accepted == 30)
        #expect(counters.refusedAtDoor == 30)
        #expect(counters.handshakesFailed == 0, "a stranger's bytes come no further than the door")
        #expect(counters.halfOpen == 0 && counters.waitingAtDoor == 0)
        _ = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func oversizedAndUndersizedMessagesAreCutOffAtTheirLength() async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        for length in [0, 1, 47, 49, 2049, 65_535] {
            let client = try await RawClient(port: bob.port)
            client.send([1, 0] + mesh.gateKey.keyID + [UInt8(length >> 8), UInt8(length & 255)])
            try await eventually("length \(length) is refused") { client.isClosed }
            #expect(client.received.isEmpty)
        }
        await bob.transport.shutdown()
    }

    @Test func silentConnectionsAreFewAndEndByThemselves() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        var clients: [RawClient] = []
        for _ in 0..<AdmissionLimits.silentMax {
            clients.append(try await RawClient(port: bob.port))
        }
        try await eventually("all wait") {
            await bob.transport.counters.waitingAtDoor == AdmissionLimits.silentMax
        }
        for _ in 0..<20 { clients.append(try await RawClient(port: bob.port)) }
        try await eventually("for each that comes after, one makes place") {
            clients.count(where: \.isClosed) == 20
        }
        #expect(await bob.transport.counters.waitingAtDoor == AdmissionLimits.silentMax)
        // Who has something to say is not kept out by those who don't.
        _ = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        // A byte now and then gains no time: the deadline is for the whole.
        let slow = try #require(clients.first { !$0.isClosed })
        slow.send([1])
        try await eventually("all end") {
            slow.send([0])
            return clients.allSatisfy(\.isClosed)
        }
        for client in clients { #expect(client.received.isEmpty) }
        #expect(await bob.transport.counters.waitingAtDoor == 0)
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }
}
