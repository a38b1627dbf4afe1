import Logging
import Mesh
import NIOCore
import Noise
import Synchronization
import Testing
import Trust
import Wire

@testable import MeshTransport

/// Many at one port, from one address: honest ones, and those who only want to be in the way.
@Suite(.timeLimit(.minutes(3))) struct CrowdTests {
    @Test func sixteenNodesThatJoinAtOnceFromOneAddressAllGetIn() async throws {
        let mesh = try TestMesh()
        let inviter = try await mesh.node("inviter")
        let tickets = (0..<16).map { _ in
            Ticket.generate(
                genesis: mesh.genesis, inviter: inviter.id, addresses: [inviter.address],
                expires: wallNow() + .seconds(600), uses: 1, labels: [])
        }
        await inviter.transport.setJoinHandler(
            ticketKey: { id in tickets.first { $0.keyID == id }?.preSharedSecret }
        ) { attempt in
            guard let chain = try? mesh.certify(attempt.request.node, name: attempt.request.name)
            else { return .refused(.cannotIssue, message: "no certificate") }
            return .admitted(
                .init(chain: chain, gateKey: mesh.gateKeys.current, trust: TrustState(), seeds: []))
        }
        let joined = try await withThrowingTaskGroup(of: NodeID.self) { group in
            for (number, ticket) in tickets.enumerated() {
                group.addTask {
                    let identity = Identity.generate()
                    let response = try await JoinExchange.join(
                        with: ticket, identity: identity, name: "node-\(number)",
                        wallClock: wallNow)
                    guard case .admitted = response else { throw LinkError.cancelled }
                    return identity.nodeID
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(joined.count == 16)
        await inviter.transport.shutdown()
    }

    @Test func sixteenMembersThatDialAtOnceFromOneAddressAllGetIn() async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        let nodes = try await withThrowingTaskGroup(of: TestNode.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let node = try await mesh.node("node-\(number)", listens: false)
                    _ = try await node.transport.connect(to: [bob.address], expecting: bob.id)
                    return node
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try await eventually("all stand at the other end too") {
            await bob.transport.peers.count == 16
        }
        for node in nodes + [bob] { await node.transport.shutdown() }
    }

    /// The first bytes of a member's handshake, as whoever holds the gate key can make them.
    private func firstMessage(_ mesh: TestMesh) throws -> (LinkHandshake, [UInt8]) {
        let credentials = try mesh.credentials("crowd")
        let key = mesh.gateKey
        var handshake = try LinkHandshake(
            initiating: try #require(LinkPreamble(lane: .member, keyID: key.keyID)),
            preSharedKey: key.preSharedSecret, local: try credentials.handshakeLocal(),
            expecting: nil,
            verifier: MemberVerifier(genesis: mesh.genesis, trust: nil, now: wallNow),
            ephemeral: .generate(), at: .origin)
        for case .send(let bytes) in handshake.start() { return (handshake, bytes) }
        throw LinkError.cancelled
    }

    @Test(arguments: ["random", "valid", "replayed"])
    func whileFirstMessagesFloodHonestPeersGetIn(_ kind: String) async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        let replayed = try firstMessage(mesh).1
        var clients: [RawClient] = []
        for _ in 0..<200 {
            let client = try await RawClient(port: bob.port)
            switch kind {
            case "valid": client.send(try firstMessage(mesh).1)
            case "replayed": client.send(replayed)
            default:
                client.send(replayed.prefix(12) + (0..<48).map { _ in .random(in: 0...255) })
            }
            clients.append(client)
        }
        try await eventually("all of it has come") {
            await bob.transport.counters.accepted == 200
        }
        // From the same address, past all of them.
        let alice = try await mesh.node("alice")
        _ = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let counters = await bob.transport.counters
        #expect(counters.halfOpen <= LinkLimits.halfOpenMax)
        if kind == "valid" {
            #expect(counters.admission.admittedByName == 1)
            #expect(counters.admission.challenged > 100)
        } else {
            #expect(counters.refusedAtDoor >= 199)
            // A stranger's message is met with silence.
            #expect(clients.count { !$0.received.isEmpty } <= 1)
        }
        for client in clients { client.close() }
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func aHandshakeThatStopsInsideAFrameEndsAtTheDeadline() async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        var (handshake, first) = try firstMessage(mesh)
        let client = try await RawClient(port: bob.port)
        client.send(first)
        try await eventually("message 2 comes") { client.received.count > 96 }
        for case .send(let third) in handshake.receive(client.received) {
            client.send(Array(third.dropLast(10)))
        }
        #expect(await bob.transport.counters.halfOpen == 1)
        try await eventually("the rest is not waited for") {
            client.send([])
            return client.isClosed
        }
        #expect(await bob.transport.counters.halfOpen == 0)
        #expect(await bob.transport.counters.handshakesFailed == 1)
        await bob.transport.shutdown()
    }

    @Test func aRecordThatNeverComesWholeIsSilence() async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        var (handshake, first) = try firstMessage(mesh)
        let client = try await RawClient(port: bob.port)
        client.send(first)
        try await eventually("message 2 comes") { client.received.count > 96 }
        for case .send(let third) in handshake.receive(client.received) { client.send(third) }
        try await eventually("the link stands") { await bob.transport.peers.count == 1 }
        client.send([0x40, 0])  // a record of 16 KiB begins
        let hub = bob.transport.hub
        for _ in 0..<20 {
            client.send([0])  // a byte now and then
            await bob.transport.loop.run {
                hub.value.clockAhead += MeshTransportLimits.linkTick
                hub.value.tick()
            }
        }
        #expect(await bob.transport.peers.isEmpty)
        try await eventually("the connection ends") { client.isClosed }
        await bob.transport.shutdown()
    }

    @Test func ofTwoConnectionsOfOneMemberTheNewerIsItsLink() async throws {
        let mesh = try TestMesh()
        let bob = try await mesh.node("bob")
        let credentials = try mesh.credentials("twice")
        var transports: [LinkTransport] = []
        for _ in 0..<3 {
            let transport = try await LinkTransport(
                credentials: credentials, logger: Logger(label: "twice"), wallClock: wallNow)
            _ = try await transport.connect(to: [bob.address], expecting: bob.id)
            transports.append(transport)
            try await eventually("the older ones are closed") {
                var open = 0
                for transport in transports { open += await transport.peers.count }
                return open == 1
            }
        }
        #expect(await transports.last?.peers == [bob.id])
        #expect(await bob.transport.counters.links == 1)
        for transport in transports + [bob.transport] { await transport.shutdown() }
    }

    private final class Taken: Sendable {
        private let count = Mutex(0)
        func add(_ bytes: Int) { count.withLock { $0 += bytes } }
        var bytes: Int { count.withLock { $0 } }
    }

    @Test func whatASlowReaderHoldsIsBounded() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let (gate, open) = AsyncStream<Void>.makeStream()
        await bob.transport.setHandler(for: .measure) { stream, _ in
            _ = try? await stream.read()  // one look, which widens the windows
            for await _ in gate { break }
        }
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let taken = Taken()
        var writers: [Task<Void, any Error>] = []
        for _ in 0..<8 {
            let stream = try await link.open(service: .measure)
            writers.append(
                Task {
                    while true {
                        try await stream.send([UInt8](repeating: 1, count: 64 << 10))
                        taken.add(64 << 10)
                    }
                })
        }
        var before = -1
        try await eventually("the writers come to a halt") {
            let now = taken.bytes
            defer { before = now }
            try await Task.sleep(for: .milliseconds(200))
            return now == before && now > 0
        }
        // At the reader what the windows allow, at the writer a buffer for each stream, and what
        // waits on the way.
        let held = LinkLimits.bulkSessionWindowBytes + 8 * LinkLimits.sendBufferBytesMax
        #expect(taken.bytes <= held + 8 * LinkLimits.streamWindowBytes + (4 << 20))
        for writer in writers { writer.cancel() }
        open.finish()
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }
}
