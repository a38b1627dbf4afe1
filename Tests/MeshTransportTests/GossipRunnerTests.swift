import Gossip
import Logging
import Mesh
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Trust
import Wire

@testable import MeshTransport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A member with links and membership.
private struct Peer: Sendable {
    let credentials: LinkCredentials
    let transport: LinkTransport
    let runner: GossipRunner
    let port: UInt16
    let following: Task<Void, Never>

    var id: NodeID { credentials.identity.nodeID }
    var seed: SeedAddress { SeedAddress(node: id, addresses: [loopback(port)]) }

    /// How this peer sees another.
    func view(of other: Peer) -> MemberView? {
        runner.snapshot().first { $0.view.id == other.id }?.view
    }

    func sees(_ other: Peer, as state: MemberState) -> Bool { view(of: other)?.state == state }

    /// Stops at once and says nothing, as if its process had been killed.
    func kill() async {
        await runner.stop()
        following.cancel()
        await transport.shutdown()
    }
}

extension TestMesh {
    private static func metadata(_ model: String) -> MemberMetadata {
        MemberMetadata(
            numerics: "test-1", kvTypes: 1,
            models: [
                OfferedModel(digest: ModelDigest(number: 7), name: model, contextLength: 128)
            ])
    }

    /// Starts a member; one that does not listen can only dial out.
    fileprivate func peer(
        _ name: String, seeds: [SeedAddress], listens: Bool = true,
        credentials: LinkCredentials? = nil, generation: UInt64 = 1
    ) async throws -> Peer {
        let credentials = try credentials ?? self.credentials(name)
        let logger = Logger(label: name)
        // The datagrams' port is the links': where it is taken, another pair is tried.
        for attempt in 0..<20 {
            let transport = try await LinkTransport(
                credentials: credentials, logger: logger, wallClock: wallNow)
            let port = listens ? try await transport.listen(host: "127.0.0.1", port: 0) : 0
            let runner = try await GossipRunner(
                settings: GossipSettings(
                    listen: listens ? ("127.0.0.1", Int(port)) : nil,
                    addresses: listens ? [loopback(port)] : [], generation: generation,
                    metadata: Self.metadata("model-of-\(name)"), seeds: seeds),
                credentials: credentials, transport: transport, logger: logger, now: wallNow)
            for service in [LinkService.gossip, .pushPull, .certificate] {
                await transport.setHandler(for: service) { stream, _ in
                    await runner.serve(stream)
                }
            }
            do {
                try await runner.start()
            } catch {
                await transport.shutdown()
                guard attempt < 19 else { throw error }
                continue
            }
            let following = Task { await runner.follow(transport) }
            return Peer(
                credentials: credentials, transport: transport, runner: runner, port: port,
                following: following)
        }
        throw LinkError.unreachable(["no port is free"])
    }
}

extension GossipRunner {
    /// Keeps the thread busy with something else, as a machine does that has no processor for it.
    fileprivate func stall(seconds: UInt32) async {
        await thread.run { _ in _ = sleep(seconds) }
    }
}

/// How many deaths were told of.
private final class Deaths: Sendable {
    private let value = Mutex(0)
    var seen: Int { value.withLock { $0 } }

    func count(_ runner: GossipRunner) async {
        for await event in await runner.events() where event.event == .died {
            value.withLock { $0 += 1 }
        }
    }
}

private func allSee(_ peers: [Peer], as state: MemberState = .alive) -> Bool {
    peers.allSatisfy { peer in
        peers.allSatisfy { $0.id == peer.id || peer.sees($0, as: state) }
    }
}

@Suite(.timeLimit(.minutes(4))) struct GossipRunnerTests {
    @Test func threeMembersMeetThroughOneSeedAndNoticeWhoGoes() async throws {
        let mesh = try TestMesh()
        let first = try await mesh.peer("first", seeds: [])
        let second = try await mesh.peer("second", seeds: [first.seed])
        let third = try await mesh.peer("third", seeds: [first.seed])
        let peers = [first, second, third]
        try await eventually("all see all alive") { allSee(peers) }
        try await eventually("what they offer and who they are is known everywhere") {
            peers.allSatisfy { peer in
                peer.runner.snapshot().allSatisfy {
                    $0.certificate.map { "model-of-\($0.name)" }
                        == $0.view.metadata?.models.first?.name
                }
            }
        }
        try await eventually("probes by datagram measure round trips") {
            peers.allSatisfy { peer in
                peers.allSatisfy { $0.id == peer.id || peer.view(of: $0)?.roundTrip != nil }
            }
        }
        #expect(await (third.runner.counters()["gossip_datagrams_received"] ?? 0) > 0)

        let events = await first.runner.events()
        await second.runner.leave()
        try await eventually("who leaves has left for all") {
            first.sees(second, as: .left) && third.sees(second, as: .left)
        }
        for await event in events where event.member.view.id == second.id {
            if event.event == .left { break }
        }
        await second.kill()

        await third.kill()
        try await eventually("who is killed is dead for the one who remains") {
            first.sees(third, as: .dead)
        }
        await first.kill()
    }

    @Test func aMemberThatOnlyDialsOutIsAliveForAll() async throws {
        let mesh = try TestMesh()
        let first = try await mesh.peer("first", seeds: [])
        let second = try await mesh.peer("second", seeds: [first.seed])
        let hidden = try await mesh.peer("hidden", seeds: [first.seed], listens: false)
        let peers = [first, second, hidden]
        try await eventually("all see all alive") { allSee(peers) }
        #expect(first.view(of: hidden)?.alive.reachability == .outboundOnly)
        try await eventually("it has dialled everyone") {
            await Set(hidden.transport.peers) == [first.id, second.id]
        }
        // Longer than it takes to bury someone who does not answer. Where the machine has no time for
        // the test, a member may be suspected meanwhile, but not die.
        let deaths = Deaths()
        let watching = [first.runner, second.runner].map { runner in
            Task { await deaths.count(runner) }
        }
        try await Task.sleep(for: .seconds(7))
        try await eventually("all see all alive still") { allSee(peers) }
        #expect(deaths.seen == 0)
        watching.forEach { $0.cancel() }
        #expect(await hidden.runner.counters()["gossip_datagrams_sent"] == 0)
        for peer in peers { await peer.kill() }
    }

    @Test func aMemberThatComesBackAsANewStartIsAliveAgain() async throws {
        let mesh = try TestMesh()
        let first = try await mesh.peer("first", seeds: [])
        let second = try await mesh.peer("second", seeds: [first.seed])
        try await eventually("they meet") { allSee([first, second]) }
        await second.kill()
        try await eventually("its death is noticed") { first.sees(second, as: .dead) }
        let again = try await mesh.peer(
            "second", seeds: [first.seed], credentials: second.credentials, generation: 2)
        try await eventually("it is back") {
            first.view(of: again)?.alive.generation == 2 && allSee([first, again])
        }
        await first.kill()
        await again.kill()
    }

    @Test func aThreadThatGotNoProcessorBlamesNobodyForIt() async throws {
        let mesh = try TestMesh()
        let first = try await mesh.peer("first", seeds: [])
        let second = try await mesh.peer("second", seeds: [first.seed])
        let third = try await mesh.peer("third", seeds: [first.seed])
        let peers = [first, second, third]
        try await eventually("they meet") { allSee(peers) }
        let events = await first.runner.events()
        // Longer than a suspicion lasts. What the others send meanwhile waits in the socket.
        await first.runner.stall(seconds: 12)
        try await eventually("they agree again") { allSee(peers) }
        try await Task.sleep(for: .seconds(6))
        #expect(allSee(peers))
        #expect((await first.runner.counters()["gossip_timers_late"] ?? 0) > 0)
        await first.kill()
        for await event in events { #expect(event.event != .died && event.event != .left) }
        await second.kill()
        await third.kill()
    }

    @Test func randomBytesOnTheGossipPortChangeNothing() async throws {
        let mesh = try TestMesh()
        let first = try await mesh.peer("first", seeds: [])
        let second = try await mesh.peer("second", seeds: [first.seed])
        try await eventually("they meet") { allSee([first, second]) }
        let before = await first.runner.counters()
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let target = try SocketAddress(ipAddress: "127.0.0.1", port: Int(first.port))
        for length in 0..<300 {
            let bytes = (0..<length * 5).map { _ in UInt8.random(in: 0...255) }
            try await channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: target, data: ByteBuffer(bytes: bytes)))
        }
        try await eventually("they are counted") {
            let now = await first.runner.counters()
            return (now["datagrams_malformed"] ?? 0) > (before["datagrams_malformed"] ?? 0)
        }
        try await channel.close()
        let received = await first.runner.counters()["gossip_datagrams_received"] ?? 0
        try await eventually("the loop goes on") {
            await (first.runner.counters()["gossip_datagrams_received"] ?? 0) > received + 3
        }
        #expect(allSee([first, second]))
        #expect(first.runner.snapshot().count == 1)
        await first.kill()
        await second.kill()
    }

    @Test func aPortInUseIsNamed() async throws {
        let mesh = try TestMesh()
        let first = try await mesh.peer("first", seeds: [])
        let credentials = try mesh.credentials("second")
        let transport = try await LinkTransport(
            credentials: credentials, logger: Logger(label: "second"), wallClock: wallNow)
        let runner = try await GossipRunner(
            settings: GossipSettings(
                listen: ("127.0.0.1", Int(first.port)), addresses: [], generation: 1,
                metadata: MemberMetadata(numerics: "test-1", kvTypes: 1, models: []), seeds: []),
            credentials: credentials, transport: transport, logger: Logger(label: "second"),
            now: wallNow)
        await #expect(
            throws: LinkError.cannotListen(
                address: "127.0.0.1:\(first.port)", reason: "for datagrams, the port is in use")
        ) { try await runner.start() }
        await runner.stop()
        await transport.shutdown()
        await first.kill()
    }
}
