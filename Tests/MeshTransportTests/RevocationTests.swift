import Logging
import Mesh
import Synchronization
import Testing
import Trust
import Wire

@testable import MeshTransport

@Suite(.timeLimit(.minutes(3))) struct RevocationTests {
    private func echo(_ stream: LinkStream, _ peer: VerifiedMember) async {
        do {
            for try await bytes in stream.inbound { try await stream.send(bytes) }
            stream.finish()
        } catch {}
    }

    private func revoked(_ node: TestNode, in mesh: TestMesh) throws -> TrustState {
        var trust = TrustState()
        try trust.revoke(
            .member(node.id), reason: "lost", signedBy: mesh.authority, genesis: mesh.genesis,
            at: wallNow())
        return trust
    }

    @Test func aNodeThatIsRevokedInMidSessionLosesItsLinksAndGetsNoOther() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let mallory = try await mesh.node("mallory")
        for service in [LinkService.inference, .measure] {
            await bob.transport.setHandler(for: service, echo)
        }
        let link = try await mallory.transport.connect(to: [bob.address], expecting: bob.id)
        let honest = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        var streams: [LinkStream] = []
        // The second one is on a connection of its own.
        for service in [LinkService.inference, .measure] {
            let stream = try await link.open(service: service, first: [1])
            #expect(try await stream.read() == [1])
            streams.append(stream)
        }
        let kept = try await honest.open(service: .inference, first: [2])
        #expect(try await kept.read() == [2])

        var credentials = bob.credentials
        credentials.trust = try revoked(mallory, in: mesh)
        try await bob.transport.update(credentials)
        for stream in streams {
            do throws(LinkError) {
                _ = try await stream.read()
                Issue.record("a stream of a revoked node goes on")
            } catch {
                guard case .closedByPeer(.revoked, _) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
        #expect(await bob.transport.peers == [alice.id])
        try await kept.send([3])
        #expect(try await kept.read() == [3])
        // Neither side makes another.
        await #expect(throws: LinkError.self) {
            let again = try await mallory.transport.connect(to: [bob.address], expecting: bob.id)
            // The initiator's handshake is over before its proof was judged.
            _ = try await again.open(service: .inference, first: [1]).read()
        }
        await #expect(throws: LinkError.self) {
            try await bob.transport.connect(to: [mallory.address], expecting: mallory.id)
        }
        #expect(await bob.transport.peers == [alice.id])
        for node in [alice, bob, mallory] { await node.transport.shutdown() }
    }

    /// What a node was told about its own revocation.
    private final class Told: Sendable {
        private let all = Mutex<[(by: NodeID, text: String)]>([])

        init(_ node: TestNode) async {
            await node.transport.setTurnedAwayHandler { [self] told in
                guard case .revoked(let text) = told.reason else { return }
                all.withLock { $0.append((told.by.nodeID, text)) }
            }
        }

        var by: [NodeID] { all.withLock { $0.map(\.by) } }
        var text: String { all.withLock { $0.last?.text ?? "" } }
    }

    @Test func aRevokedNodeIsToldSoAtALinkThatStandsAndWhenItAsksAgain() async throws {
        let mesh = try TestMesh()
        let (bob, mallory) = (try await mesh.node("bob"), try await mesh.node("mallory"))
        let told = await Told(mallory)
        _ = try await mallory.transport.connect(to: [bob.address], expecting: bob.id)
        var credentials = bob.credentials
        credentials.trust = try revoked(mallory, in: mesh)
        try await bob.transport.update(credentials)
        try await eventually("mallory is told") { told.by == [bob.id] }
        #expect(told.text.contains("was revoked: lost"))
        // On the lane of members, with a key that still opens it.
        _ = try? await mallory.transport.connect(to: [bob.address], expecting: bob.id)
        try await eventually("mallory is told again") { told.by == [bob.id, bob.id] }
        // And, as after a while away, on that of catching up.
        credentials.gateKeys = try rolled(mesh)
        try await bob.transport.update(credentials)
        _ = try? await mallory.transport.catchUp(to: [bob.address], expecting: bob.id)
        try await eventually("mallory is told for the third time") { told.by.count == 3 }
        #expect(await bob.transport.peers.isEmpty)
        for node in [bob, mallory] { await node.transport.shutdown() }
    }

    // MARK: The clock

    /// A member by whose clock it is an hour later, with a link key that it made by that.
    private func fast(_ mesh: TestMesh, _ name: String) async throws -> TestNode {
        let late: @Sendable () -> WallTime = { wallNow() + .seconds(3600) }
        var credentials = try mesh.credentials(name)
        credentials.linkKey = .generate(now: late())
        let transport = try await LinkTransport(
            credentials: credentials, logger: Logger(label: name), wallClock: late)
        return TestNode(
            credentials: credentials, transport: transport,
            port: try await transport.listen(host: "127.0.0.1", port: 0))
    }

    @Test func whoseClockIsAheadIsToldTheTimeOnBothLanesAndGetsNothing() async throws {
        let mesh = try TestMesh()
        let (bob, hasty) = (try await mesh.node("bob"), try await fast(mesh, "hasty"))
        for service in [LinkService.inference, .trust] {
            await bob.transport.setHandler(for: service, echo)
        }
        let told = Mutex<[TurnedAway]>([])
        await hasty.transport.setTurnedAwayHandler { word in told.withLock { $0.append(word) } }
        let first = try? await hasty.transport.connect(to: [bob.address], expecting: bob.id)
        try await eventually("hasty is told") { told.withLock { $0.count } == 1 }
        let second = try? await hasty.transport.catchUp(to: [bob.address], expecting: bob.id)
        try await eventually("hasty is told again") { told.withLock { $0.count } == 2 }
        for word in told.withLock({ $0 }) {
            guard case .clock(let time) = word.reason else {
                Issue.record("\(word)")
                continue
            }
            #expect(word.by.nodeID == bob.id)
            #expect(time <= wallNow() && wallNow() < time + .seconds(300))
        }
        // It is no member there: no stream of it is answered.
        for (link, service) in [(first, LinkService.inference), (second, .trust)] {
            await #expect(throws: LinkError.self) {
                let stream = try await link?.open(service: service, first: [1])
                guard try await stream?.read() == [1] else { throw LinkError.cancelled }
            }
        }
        #expect(await bob.transport.peers.isEmpty)
        // The other way round: bob refuses it, and can tell by how much at least it is ahead.
        await #expect(throws: LinkError.self) {
            try await bob.transport.connect(to: [hasty.address], expecting: hasty.id)
        }
        let probed = await LinkProbe.run(
            at: hasty.address, credentials: bob.credentials, within: .seconds(20),
            wallClock: wallNow
        ).outcome
        guard case .clockAhead(let difference) = probed else {
            Issue.record("\(probed)")
            return
        }
        #expect((3000...3600).contains(difference.components.seconds))
        for node in [bob, hasty] { await node.transport.shutdown() }
    }

    @Test func whoIsNotRevokedIsToldNothing() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let told = await Told(alice)
        _ = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        await bob.transport.shutdown()
        try await eventually("the link is gone") { await alice.transport.peers.isEmpty }
        #expect(told.by.isEmpty)
        await alice.transport.shutdown()
    }

    // MARK: The catch-up lane

    /// `mesh` with its gate key rolled.
    private func rolled(_ mesh: TestMesh, times: Int = 1) throws -> GateKeyRing {
        var ring = mesh.gateKeys
        for _ in 0..<times {
            try ring.roll(
                by: mesh.authority, certificate: nil, genesis: mesh.genesis, at: wallNow(),
                trust: TrustState())
        }
        return ring
    }

    @Test func whoWasAwayWhenTheKeyWasRolledFindsBackByTheCatchUpLane() async throws {
        let mesh = try TestMesh()
        let (away, bob) = (try await mesh.node("away"), try await mesh.node("bob"))
        let ring = try rolled(mesh, times: 3)
        var credentials = bob.credentials
        credentials.gateKeys = ring
        try await bob.transport.update(credentials)
        await bob.transport.setHandler(for: .trust) { stream, member in
            try? await stream.send(Array(member.name.utf8))
        }
        await bob.transport.setHandler(for: .control, echo)
        await #expect(throws: LinkError.silentlyRefused) {
            try await away.transport.connect(to: [bob.address], expecting: bob.id)
        }
        let link = try await away.transport.catchUp(to: [bob.address], expecting: bob.id)
        #expect(link.lane == .catchUp)
        let stream = try await link.open(service: .trust)
        #expect(try await stream.readAll(limit: 100) == Array("away".utf8))
        // Nothing else is answered there, and it is no link of the mesh.
        await #expect(throws: LinkError.streamReset(.unknownService, byPeer: true)) {
            try await link.open(service: .control, first: [1]).read()
        }
        #expect(await bob.transport.peers.isEmpty)
        link.close(.done)

        // With a handler, connecting does it all by itself.
        let (transport, old) = (away.transport, away.credentials)
        let calls = Mutex(0)
        await transport.setCatchUpHandler { link in
            calls.withLock { $0 += 1 }
            var renewed = old
            renewed.gateKeys = ring
            try? await transport.update(renewed)
            return link.lane == .catchUp
        }
        let found = try await transport.connect(to: [bob.address], expecting: bob.id)
        #expect(found.lane == .member && calls.withLock { $0 } == 1)
        try await eventually("the link stands at the other end too") {
            await bob.transport.peers == [away.id]
        }
        for node in [away, bob] { await node.transport.shutdown() }
    }

    @Test func whoHasTheNewerKeyFindsWhoWasAway() async throws {
        let mesh = try TestMesh()
        let (away, bob) = (try await mesh.node("away"), try await mesh.node("bob"))
        var credentials = bob.credentials
        credentials.gateKeys = try rolled(mesh)
        try await bob.transport.update(credentials)
        let link = try await bob.transport.catchUp(to: [away.address], expecting: away.id)
        #expect(link.peer.name == "away")
        for node in [away, bob] { await node.transport.shutdown() }
    }

    @Test func theCatchUpLaneRefusesWhoWasRevokedAndTakesAnExpiredCertificate() async throws {
        let mesh = try TestMesh()
        let (mallory, bob) = (try await mesh.node("mallory"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .trust) { stream, member in
            try? await stream.send([member.isExpired ? 1 : 0])
        }
        let late = try await mesh.node("late", expired: true)
        await #expect(throws: LinkError.self) {
            let link = try await late.transport.connect(to: [bob.address], expecting: bob.id)
            _ = try await link.open(service: .control).read()
        }
        let link = try await late.transport.catchUp(to: [bob.address], expecting: bob.id)
        #expect(try await link.open(service: .trust).readAll(limit: 10) == [1])

        var credentials = bob.credentials
        credentials.trust = try revoked(mallory, in: mesh)
        try await bob.transport.update(credentials)
        await #expect(throws: LinkError.self) {
            let link = try await mallory.transport.catchUp(to: [bob.address], expecting: bob.id)
            _ = try await link.open(service: .trust).readAll(limit: 10)
        }
        for node in [mallory, bob, late] { await node.transport.shutdown() }
    }
}
