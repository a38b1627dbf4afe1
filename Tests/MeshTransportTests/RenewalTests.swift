import Mesh
import NIOCore
import Testing
import Trust
import Wire

@testable import MeshTransport

/// What hours bring to a link: the clock of the links is put ahead.
@Suite(.timeLimit(.minutes(3))) struct RenewalTests {
    private func echo(_ stream: LinkStream, _ peer: VerifiedMember) async {
        do {
            for try await bytes in stream.inbound { try await stream.send(bytes) }
            stream.finish()
        } catch {}
    }

    private func echoes(_ stream: LinkStream, _ byte: UInt8) async throws -> Bool {
        try await stream.send([byte])
        return try await stream.read() == [byte]
    }

    /// Both nodes' links live on, and look at the clock before anything else happens, as after a
    /// machine's sleep.
    private func pass(_ time: Duration, at one: TestNode, _ other: TestNode) async {
        let (first, second) = (one.transport.hub, other.transport.hub)
        // All links of a process are on one loop.
        await one.transport.loop.run {
            for hub in [first.value, second.value] {
                hub.clockAhead += time
                hub.tick()
            }
        }
    }

    private func connections(at node: TestNode) async -> Int {
        let hub = node.transport.hub
        // Those whose handshake is over.
        return await node.transport.loop.run {
            hub.value.connections.values.count { $0.established != nil }
        }
    }

    private final class Watch: Sendable {
        private let task: Task<[String], Never>

        init(_ node: TestNode) async {
            let events = await node.transport.events()
            task = Task {
                var seen: [String] = []
                for await event in events {
                    switch event {
                    case .up: seen.append("up")
                    case .down: seen.append("down")
                    case .roundTrip: break
                    }
                }
                return seen
            }
        }

        /// What was seen until the node's end.
        var seen: [String] { get async { await task.value } }
    }

    @Test func aLinkIsRenewedWithoutAMomentBetweenAndItsStreamsGoOn() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        for node in [alice, bob] { await node.transport.setHandler(for: .inference, echo) }
        let (watchAlice, watchBob) = (await Watch(alice), await Watch(bob))
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let old = try await link.open(service: .inference)
        #expect(try await echoes(old, 1))
        let theirs = try #require(await bob.transport.link(to: alice.id))
        let oldTheirs = try await theirs.open(service: .inference)
        #expect(try await echoes(oldTheirs, 2))

        await pass(LinkLimits.renewalAge, at: alice, bob)
        try await eventually("there is a second connection at both ends") {
            let counts = (await connections(at: alice), await connections(at: bob))
            return counts == (2, 2)
        }
        // What was begun goes on, at both ends, and what begins now does so on the new one: the old
        // one ends with its streams.
        #expect(try await echoes(old, 3))
        #expect(try await echoes(oldTheirs, 4))
        let new = try await link.open(service: .inference)
        let newTheirs = try await theirs.open(service: .inference)
        #expect(try await echoes(new, 5))
        #expect(try await echoes(newTheirs, 6))
        await pass(.seconds(60), at: alice, bob)
        #expect(await connections(at: alice) == 2, "streams hold the old connection")
        for stream in [old, oldTheirs] {
            stream.finish()
            #expect(try await stream.read() == nil)
        }
        try await eventually("the old connection ends when its streams did") {
            await pass(LinkLimits.retirement, at: alice, bob)
            let counts = (await connections(at: alice), await connections(at: bob))
            return counts == (1, 1)
        }
        #expect(try await echoes(new, 7))
        #expect(try await echoes(newTheirs, 8))
        #expect(await alice.transport.peers == [bob.id])
        await alice.transport.shutdown()
        await bob.transport.shutdown()
        #expect(await watchAlice.seen == ["up", "down"])
        #expect(await watchBob.seen == ["up", "down"])
    }

    @Test func anOldConnectionEndsAtItsHardStopWhateverIsOnIt() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .inference, echo)
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let old = try await link.open(service: .inference)
        #expect(try await echoes(old, 1))
        await pass(LinkLimits.renewalAge, at: alice, bob)
        try await eventually("the link is renewed") {
            let counts = (await connections(at: alice), await connections(at: bob))
            return counts == (2, 2)
        }
        await pass(LinkLimits.linkAgeMax - LinkLimits.renewalAge, at: alice, bob)
        await #expect(throws: LinkError.self) { _ = try await echoes(old, 2) }
        let new = try await link.open(service: .inference)
        #expect(try await echoes(new, 3))
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func aRenewalThatFailsIsTriedAgain() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .inference, echo)
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let hub = alice.transport.hub
        let away = loopback(1)
        await alice.transport.loop.run { hub.value.links[bob.id]?.dialled = away }
        await pass(LinkLimits.renewalAge, at: alice, bob)
        try await eventually("the attempt is over") {
            await alice.transport.loop.run { hub.value.renewing == 0 }
        }
        #expect(await connections(at: alice) == 1)
        #expect(try await echoes(try await link.open(service: .inference), 1))
        let address = bob.address
        await alice.transport.loop.run { hub.value.links[bob.id]?.dialled = address }
        await pass(MeshTransportLimits.renewalRetry, at: alice, bob)
        try await eventually("the next succeeds") { await connections(at: bob) == 2 }
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func bulkGoesOverAConnectionOfItsOwnThatEndsWhenIdle() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        for node in [alice, bob] {
            for service in [LinkService.measure, .control] {
                await node.transport.setHandler(for: service, echo)
            }
        }
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        #expect(try await echoes(try await link.open(service: .control), 1))
        #expect(await connections(at: bob) == 1)
        let streams = try await withThrowingTaskGroup(of: LinkStream.self) { group in
            for _ in 0..<5 { group.addTask { try await link.open(service: .measure) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for stream in streams { #expect(try await echoes(stream, 2)) }
        #expect(await connections(at: bob) == 2, "all of them share one")
        #expect(await bob.transport.counters.links == 1)
        // The other end, which can't dial back, uses the same one.
        let theirs = try #require(await bob.transport.link(to: alice.id))
        let bulk = try await theirs.open(service: .measure)
        #expect(try await echoes(bulk, 3))
        await pass(MeshTransportLimits.bulkIdle * 2, at: alice, bob)
        #expect(await connections(at: bob) == 2, "streams hold it")
        for stream in streams + [bulk] {
            stream.finish()
            #expect(try await stream.read() == nil)
        }
        try await eventually("it ends when idle") {
            await pass(MeshTransportLimits.bulkIdle, at: alice, bob)
            return await connections(at: bob) == 1
        }
        #expect(try await echoes(try await link.open(service: .measure), 4))
        #expect(await connections(at: bob) == 2)
        await bob.transport.shutdown()
        try await eventually("it goes with its link") { await connections(at: alice) == 0 }
        await alice.transport.shutdown()
    }
}
