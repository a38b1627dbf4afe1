import Mesh
import MeshTransport
import NIOCore
import NIOPosix
import Testing
import Trust
import Wire

/// Addresses that come without a node's id: dialled, and looked at.
@Suite(.timeLimit(.minutes(3))) struct SeedDiallingTests {
    @Test func whicheverMemberAnswersIsLinked() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        #expect(try await alice.transport.connect(toAnyMemberAt: bob.address) == bob.id)
        #expect(await alice.transport.peers == [bob.id])
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func aNodeThatDialsItselfIsTold() async throws {
        let alice = try await TestMesh().node("alice")
        await #expect(throws: LinkError.selfDial) {
            try await alice.transport.connect(toAnyMemberAt: alice.address)
        }
        #expect(await alice.transport.peers.isEmpty)
        await alice.transport.shutdown()
    }

    @Test func aLinkThatStandsIsNotTouched() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .inference) { stream, _ in
            // Until the other side ends it.
            _ = try? await stream.readAll(limit: 16)
        }
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let stream = try await link.open(service: .inference, first: [])
        for _ in 0..<3 {
            #expect(try await alice.transport.connect(toAnyMemberAt: bob.address) == bob.id)
        }
        // The other side saw handshakes that were given up, and one link.
        try await eventually("the handshakes are over") {
            await bob.transport.counters.handshakesFailed == 3
        }
        #expect(await bob.transport.counters.established == 1)
        try await stream.send([1])
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func aNodeOfAnotherMeshIsNobody() async throws {
        let (alice, eve) = (try await TestMesh().node("alice"), try await TestMesh().node("eve"))
        await #expect(throws: LinkError.silentlyRefused) {
            try await alice.transport.connect(toAnyMemberAt: eve.address)
        }
        await alice.transport.shutdown()
        await eve.transport.shutdown()
    }

    // MARK: Probes

    private func probe(
        _ address: NetworkAddress, as credentials: LinkCredentials,
        within limit: Duration = .seconds(20)
    ) async -> ProbeOutcome {
        await LinkProbe.run(
            at: address, credentials: credentials, within: limit, wallClock: wallNow
        ).outcome
    }

    @Test func aProbeTellsWhoAnswersAndLeavesNoLink() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        guard case .member(let member, let end) = await probe(bob.address, as: alice.credentials)
        else { throw LinkError.cancelled }
        #expect(member.nodeID == bob.id)
        #expect(end == bob.credentials.linkKey.notAfter)
        #expect(await probe(alice.address, as: alice.credentials) == .itself)
        // The link of the node that was probed for stands.
        #expect(await bob.transport.counters.established == 1)
        _ = try await link.open(service: .inference, first: [])
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func aProbeTellsSilenceFromRefusalFromAnotherLanguage() async throws {
        let mesh = try TestMesh()
        let credentials = try mesh.credentials("alice")
        let eve = try await TestMesh().node("eve")
        #expect(await probe(eve.address, as: credentials) == .closedSilently)
        let port = eve.port
        await eve.transport.shutdown()
        #expect(await probe(loopback(port), as: credentials) == .connectionRefused)

        let mute = try await listener { _ in }
        #expect(
            await probe(loopback(mute.port), as: credentials, within: .milliseconds(300)) == .silent
        )
        let chatty = try await listener { channel in
            channel.writeAndFlush(ByteBuffer(string: "SSH-2.0-OpenSSH_9.6\r\n"), promise: nil)
        }
        #expect(await probe(loopback(chatty.port), as: credentials) == .otherProtocol)
        try await mute.channel.close()
        try await chatty.channel.close()
    }

    @Test func aProbeTellsWhyAMemberIsNotAccepted() async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        let late: @Sendable () -> WallTime = { wallNow() + .seconds(2 * 86_400) }
        let outcome = await LinkProbe.run(
            at: bob.address, credentials: try mesh.credentials("alice"), within: .seconds(20),
            wallClock: late
        ).outcome
        guard case .peerRefused(let reason) = outcome else { throw LinkError.cancelled }
        #expect(reason.contains("expired"))
        await bob.transport.shutdown()
    }

    /// A program that is no node; `greet` is called for each connection once it stands.
    private func listener(
        _ greet: @escaping @Sendable (any Channel) -> Void
    ) async throws -> (channel: any Channel, port: UInt16) {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(greet))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (channel, UInt16(channel.localAddress?.port ?? 0))
    }

    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let greet: @Sendable (any Channel) -> Void

        init(_ greet: @escaping @Sendable (any Channel) -> Void) { self.greet = greet }

        func channelActive(context: ChannelHandlerContext) { greet(context.channel) }
    }

    // MARK: Tests of one's own port

    @Test func aPortOfOnesOwnIsReachedByStreamAndDatagram() async throws {
        let test = await SelfTest.listen(host: "127.0.0.1", port: 0, alsoDatagrams: true)
        #expect(test.problem == nil)
        let here = await test.reach(loopback(test.port), within: .seconds(20))
        #expect(here == SelfTest.Arrival(stream: true, datagram: true))
        // Another program at the address is not taken for oneself.
        let other = await SelfTest.listen(host: "127.0.0.1", port: 0, alsoDatagrams: true)
        let there = await test.reach(loopback(other.port), within: .seconds(2))
        #expect(there == SelfTest.Arrival(stream: false, datagram: false))
        let second = await SelfTest.listen(host: "127.0.0.1", port: test.port)
        #expect(second.problem == .inUse(forDatagrams: false))
        let foreign = await SelfTest.listen(host: "192.0.2.1", port: 0)
        #expect(foreign.problem == .notOurs)
        for test in [test, other, second, foreign] { await test.close() }
    }
}
