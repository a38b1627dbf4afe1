import Mesh
import NIOCore
import Testing
import Trust
import Wire

@testable import MeshTransport

@Suite(.timeLimit(.minutes(3))) struct ClosingTests {
    @Test func aCloseArrivesThoughWhoClosesHasNotReadAll() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .inference) { stream, _ in
            while (try? await stream.read()) != nil {}
        }
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let stream = try await link.open(service: .inference, first: [1])
        try await eventually("the link stands at the other end too") {
            await bob.transport.peers == [alice.id]
        }
        let (here, there) = (alice.transport.hub, bob.transport.hub)
        // Both are on one loop, so that nothing is read between these two steps.
        await alice.transport.loop.run {
            let connection = here.value.links[bob.id]
            _ = connection?.offer([UInt8](repeating: 1, count: 60_000)[...], to: stream.id)
            connection?.pump()
            there.value.links[alice.id]?.close(.shutdown, text: "enough")
        }
        await #expect(throws: LinkError.closedByPeer(.shutdown, "enough")) {
            while try await stream.read() != nil {}
        }
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }
}
