import Mesh
import MeshTransport
import Synchronization
import Testing
import Trust
import Wire

/// Two nodes without an address for each other, and a third that both have a link to.
@Suite(.timeLimit(.minutes(3))) struct RelayTests {
    private struct Place {
        let alice: TestNode
        let bob: TestNode
        let relay: TestNode

        func end() async {
            for node in [alice, bob, relay] { await node.transport.shutdown() }
        }
    }

    private func place() async throws -> Place {
        let mesh = try TestMesh()
        let relay = try await mesh.node("relay")
        let place = Place(
            alice: try await mesh.node("alice", listens: false),
            bob: try await mesh.node("bob", listens: false), relay: relay)
        for node in [place.alice, place.bob] {
            _ = try await node.transport.connect(to: [relay.address], expecting: relay.id)
            await node.transport.setHandler(for: .inference, echo)
        }
        try await eventually("both links stand") {
            await relay.transport.peers.count == 2
        }
        return place
    }

    private func echo(_ stream: LinkStream, _ peer: VerifiedMember) async {
        do {
            for try await bytes in stream.inbound { try await stream.send(bytes) }
            stream.finish()
        } catch {}
    }

    private func relayed(_ place: Place) async throws -> Link {
        try await place.alice.transport.connect(
            to: [], expecting: place.bob.id, relays: [place.relay.id])
    }

    @Test func twoNodesThatCannotReachEachOtherTalkThroughAThird() async throws {
        let place = try await place()
        let link = try await relayed(place)
        #expect(link.peer.nodeID == place.bob.id && link.relay == place.relay.id)
        try await eventually("it is a link at the other end too") {
            await place.bob.transport.link(to: place.alice.id)?.relay == place.relay.id
        }
        let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let stream = try await link.open(service: .inference, first: [7])
        let writer = Task {
            try await stream.send(sent)
            stream.finish()
        }
        let received = try await stream.readAll(limit: 4_000_000)
        try await writer.value
        #expect(received.first == 7 && Array(received.dropFirst()) == sent)
        // The other end may open streams too.
        let back = try #require(await place.bob.transport.link(to: place.alice.id))
        let other = try await back.open(service: .inference, first: [9])
        #expect(try await other.read() == [9])
        #expect(await place.relay.transport.counters.relayed == 1)
        await place.end()
    }

    private final class Seen: Sendable {
        private let all = Mutex<[UInt8]>([])
        func add(_ bytes: [UInt8]) { all.withLock { $0 += bytes } }
        var bytes: [UInt8] { all.withLock { $0 } }
    }

    /// Carries a stream on as a relay does, by a test's own rules.
    private func carry(
        _ stream: LinkStream, over transport: LinkTransport, as asker: NodeID,
        seeing see: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async {
        guard let first = try? await stream.read(),
            let target = NodeID(Array(first.prefix(NodeID.byteCount))),
            let onward = try? await transport.link(to: target)?.open(
                service: .relayed, first: asker.bytes)
        else { return stream.reset() }
        see(first)
        try? await onward.send(Array(first.dropFirst(NodeID.byteCount)))
        await withTaskGroup(of: Void.self) { group in
            for (from, to) in [(stream, onward), (onward, stream)] {
                group.addTask {
                    while let bytes = try? await from.read() {
                        see(bytes)
                        try? await to.send(bytes)
                    }
                    to.finish()
                }
            }
        }
    }

    @Test func theRelaySeesNothingButSealedBytes() async throws {
        let place = try await place()
        // A relay that looks at what it pipes.
        let seen = Seen()
        let transport = place.relay.transport
        await transport.setHandler(for: .relay) { stream, asker in
            await carry(stream, over: transport, as: asker.nodeID) { seen.add($0) }
        }
        let link = try await relayed(place)
        let secret = Array("the prompt that nobody else may read".utf8)
        let stream = try await link.open(service: .inference, first: secret)
        try await stream.send(secret)
        #expect(try await stream.read()?.isEmpty == false)
        stream.finish()
        _ = try await stream.readAll(limit: 1000)
        let piped = seen.bytes
        #expect(piped.count > 500)
        for window in [secret, Array("alice".utf8), Array("bob".utf8)] {
            let isThere = piped.indices.contains { piped[$0...].starts(with: window) }
            #expect(!isThere, "the relay reads \(String(decoding: window, as: UTF8.self))")
        }
        await place.end()
    }

    @Test func aSlowReaderBehindARelayHoldsItsWriter() async throws {
        let place = try await place()
        let (gate, open) = AsyncStream<Void>.makeStream()
        await place.bob.transport.setHandler(for: .inference) { stream, _ in
            for await _ in gate { break }
            let count = (try? await stream.readAll(limit: 10_000_000).count) ?? -1
            try? await stream.send(Array("\(count)".utf8))
        }
        let link = try await relayed(place)
        let stream = try await link.open(service: .inference)
        let sent = Mutex(0)
        let writer = Task {
            for _ in 0..<80 {
                try await stream.send([UInt8](repeating: 1, count: 100_000))
                sent.withLock { $0 += 1 }
            }
            stream.finish()
        }
        // As much as windows and buffers on the way hold, and no more.
        try await Task.sleep(for: .milliseconds(500))
        #expect(sent.withLock { $0 } < 20)
        open.finish()
        try await writer.value
        #expect(try await stream.readAll(limit: 10) == Array("8000000".utf8))
        await place.end()
    }

    @Test func whenTheRelayOrTheOtherEndGoesTheLinkFails() async throws {
        for goes in ["relay", "bob"] {
            let place = try await place()
            let link = try await relayed(place)
            let stream = try await link.open(service: .inference, first: [1])
            #expect(try await stream.read() == [1])
            await (goes == "relay" ? place.relay : place.bob).transport.shutdown()
            await #expect(throws: LinkError.self) {
                while try await stream.read() != nil {}
            }
            try await eventually("the link is gone") {
                await place.alice.transport.link(to: place.bob.id) == nil
            }
            await place.end()
        }
    }

    @Test func relaysThatCannotOrWillNotHelpAreNamed() async throws {
        let place = try await place()
        await place.relay.transport.setRelayRoom(RelayRoom(streamsMax: 0))
        await #expect(throws: LinkError.self) { try await relayed(place) }
        await place.relay.transport.setRelayRoom(RelayRoom())
        let stranger = Identity.generate().nodeID
        await #expect(throws: LinkError.self) {
            try await place.alice.transport.connect(
                to: [], expecting: stranger, relays: [place.relay.id])
        }
        // One that there is no link to, then one that helps.
        let link = try await place.alice.transport.connect(
            to: [], expecting: place.bob.id, relays: [stranger, place.relay.id])
        #expect(link.relay == place.relay.id)
        await place.end()
    }

    @Test func aRelayWithoutRoomRefusesAndHasRoomAgainWhenALinkIsGone() async throws {
        let mesh = try TestMesh()
        let relay = try await mesh.node("relay")
        await relay.transport.setRelayRoom(RelayRoom(streamsMax: 1))
        var nodes: [TestNode] = []
        for name in ["alice", "bob", "carol"] {
            let node = try await mesh.node(name, listens: false)
            _ = try await node.transport.connect(to: [relay.address], expecting: relay.id)
            nodes.append(node)
        }
        try await eventually("all links stand") { await relay.transport.peers.count == 3 }
        let (alice, bob, carol) = (nodes[0], nodes[1], nodes[2])
        let link = try await alice.transport.connect(
            to: [], expecting: bob.id, relays: [relay.id])
        await #expect(throws: LinkError.self) {
            try await carol.transport.connect(to: [], expecting: bob.id, relays: [relay.id])
        }
        link.close(.done)
        try await eventually("there is room again") {
            (try? await carol.transport.connect(to: [], expecting: bob.id, relays: [relay.id]))
                != nil
        }
        for node in nodes + [relay] { await node.transport.shutdown() }
    }

    @Test func aRelayedLinkInWhichNothingMovesIsEndedByTheRelay() async throws {
        let place = try await place()
        await place.relay.transport.setRelayRoom(RelayRoom(idle: .milliseconds(100)))
        let link = try await relayed(place)
        let stream = try await link.open(service: .inference, first: [1])
        await #expect(throws: LinkError.self) { while try await stream.read() != nil {} }
        try await eventually("the link is gone at both ends") {
            let ends = [
                await place.alice.transport.link(to: place.bob.id),
                await place.bob.transport.link(to: place.alice.id),
            ]
            return ends.allSatisfy { $0 == nil }
        }
        await place.end()
    }

    @Test func aRelayThatNamesAnotherAskerThanTheOneInsideIsRefused() async throws {
        let place = try await place()
        let (transport, stranger) = (place.relay.transport, Identity.generate().nodeID)
        let isLying = Mutex(true)
        await transport.setHandler(for: .relay) { stream, asker in
            await carry(
                stream, over: transport, as: isLying.withLock { $0 } ? stranger : asker.nodeID)
        }
        // The handshake inside says who asks: bob counts the link for nobody else.
        if let link = try? await relayed(place) {
            await #expect(throws: LinkError.self) {
                let stream = try await link.open(service: .inference, first: [1])
                while try await stream.read() != nil {}
            }
        }
        #expect(await place.bob.transport.link(to: stranger) == nil)
        #expect(await place.bob.transport.link(to: place.alice.id) == nil)
        // The same relay without the lie.
        isLying.withLock { $0 = false }
        try await eventually("it carries") { (try? await relayed(place)) != nil }
        await place.end()
    }

    @Test func aDirectLinkTakesOverFromARelayedOne() async throws {
        let place = try await place()
        let link = try await relayed(place)
        let stream = try await link.open(service: .inference, first: [1])
        #expect(try await stream.read() == [1])
        let port = try await place.bob.transport.listen(host: "127.0.0.1", port: 0)
        let direct = try await place.alice.transport.connect(
            to: [loopback(port)], expecting: place.bob.id)
        #expect(direct.relay == nil)
        // What was begun goes on over the relay.
        try await stream.send([2])
        #expect(try await stream.read() == [2])
        try await eventually("it is the link at the other end too") {
            let link = await place.bob.transport.link(to: place.alice.id)
            return link != nil && link?.relay == nil
        }
        await place.end()
    }
}
