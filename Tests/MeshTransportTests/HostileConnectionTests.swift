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
}
