import Logging
import Mesh
import MeshTransport
import Testing
import Trust
import Wire

@Suite(.timeLimit(.minutes(3))) struct LinkTransportTests {
    /// Answers each stream with what comes on it.
    private func echo(_ stream: LinkStream, _ peer: VerifiedMember) async {
        do {
            for try await bytes in stream.inbound { try await stream.send(bytes) }
            stream.finish()
        } catch {}
    }

    @Test func tenMegabytesComeBackAsTheyWent() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .inference, echo)
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        #expect(link.peer.name == "bob")
        let stream = try await link.open(service: .inference, first: [1, 2, 3])
        // A period that divides neither records nor windows shows any shift.
        let period = (0..<9973).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let sent = (0..<1003).reduce(into: [UInt8]()) { bytes, _ in bytes += period }
        let writer = Task {
            try await stream.send(sent)
            stream.finish()
        }
        let received = try await stream.readAll(limit: 11_000_000)
        try await writer.value
        #expect(received.prefix(3) == [1, 2, 3])
        #expect(Array(received.dropFirst(3)) == sent)
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func bothSidesSeeTheLinkAndItsRoundTrip() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let events = await bob.transport.events()
        _ = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        var measured = false
        for await event in events {
            if case .up(let member) = event { #expect(member.nodeID == alice.id) }
            if case .roundTrip(let peer, _) = event {
                #expect(peer == alice.id)
                measured = true
                break
            }
        }
        #expect(measured)
        #expect(await bob.transport.peers == [alice.id])
        await alice.transport.shutdown()
        try await eventually("the link goes down at the other end") {
            await bob.transport.peers.isEmpty
        }
        await bob.transport.shutdown()
    }

    @Test func aSlowReaderHoldsItsWriterAndNobodyElse() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let (gate, open) = AsyncStream<Void>.makeStream()
        await bob.transport.setHandler(for: LinkService(rawValue: 99)) { stream, _ in
            for await _ in gate { break }
            let count = (try? await stream.readAll(limit: 5_000_000).count) ?? -1
            try? await stream.send(Array("\(count)".utf8))
        }
        await bob.transport.setHandler(for: .control, echo)
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let slow = try await link.open(service: LinkService(rawValue: 99))
        let writer = Task {
            try await slow.send([UInt8](repeating: 1, count: 3_000_000))
            slow.finish()
        }
        for round in UInt8(0)..<20 {
            let quick = try await link.open(service: .control, first: [round])
            quick.finish()
            #expect(try await quick.readAll(limit: 10) == [round])
        }
        open.finish()
        try await writer.value
        #expect(try await slow.readAll(limit: 10) == Array("3000000".utf8))
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func whenOneSideGoesTheStreamsOfTheOtherFail() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await bob.transport.setHandler(for: .inference) { stream, _ in
            _ = try? await stream.read()  // never answers
            _ = try? await stream.read()
        }
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        var streams: [LinkStream] = []
        for _ in 0..<3 {
            streams.append(try await link.open(service: .inference, first: [1]))
        }
        let readers = streams.map { stream in
            Task { () -> LinkError? in
                do throws(LinkError) {
                    _ = try await stream.read()
                    return nil
                } catch { return error }
            }
        }
        // Before that, who goes has nobody to say it to.
        try await eventually("the link stands at the other end too") {
            await bob.transport.peers == [alice.id]
        }
        await bob.transport.shutdown()
        for reader in readers {
            #expect(await reader.value == .closedByPeer(.shutdown, "the node stops"))
        }
        await #expect(throws: LinkError.self) { try await streams[0].send([1]) }
        #expect(await alice.transport.link(to: bob.id) == nil)
        await #expect(throws: LinkError.self) {
            try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        }
        await alice.transport.shutdown()
    }

    @Test func aCloseArrivesThoughMoreWasOnItsWayToWhoCloses() async throws {
        let mesh = try TestMesh()
        for _ in 0..<10 {
            let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
            await bob.transport.setHandler(for: .inference) { stream, _ in
                while (try? await stream.read()) != nil {}
            }
            let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
            let stream = try await link.open(service: .inference)
            try await eventually("the link stands at the other end too") {
                await bob.transport.peers == [alice.id]
            }
            let writer = Task { () -> LinkError in
                do throws(LinkError) {
                    while true { try await stream.send([UInt8](repeating: 1, count: 100_000)) }
                } catch { return error }
            }
            try await Task.sleep(for: .milliseconds(5))
            await bob.transport.shutdown()
            #expect(await writer.value == .closedByPeer(.shutdown, "the node stops"))
            await alice.transport.shutdown()
        }
    }

    @Test func cancellingATaskResetsItsStream() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let (outcomes, report) = AsyncStream<LinkError>.makeStream()
        await bob.transport.setHandler(for: .inference) { stream, _ in
            do throws(LinkError) {
                while true { try await stream.send([UInt8](repeating: 1, count: 10_000)) }
            } catch { report.yield(error) }
        }
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let stream = try await link.open(service: .inference, first: [1])
        let reader = Task { () -> LinkError? in
            do throws(LinkError) {
                while try await stream.read() != nil {}
                return nil
            } catch { return error }
        }
        reader.cancel()
        #expect(await reader.value == .cancelled)
        for await outcome in outcomes {
            #expect(outcome == .streamReset(.cancelled, byPeer: true))
            break
        }
        // Dropping the last reference does the same.
        do { _ = try await link.open(service: .inference, first: [2]) }
        for await outcome in outcomes {
            #expect(outcome == .streamReset(.cancelled, byPeer: true))
            break
        }
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func aServiceThatNobodyAnswersForIsRefused() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let link = try await alice.transport.connect(to: [bob.address], expecting: bob.id)
        let stream = try await link.open(service: LinkService(rawValue: 200), first: [1])
        await #expect(throws: LinkError.streamReset(.unknownService, byPeer: true)) {
            try await stream.read()
        }
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func simultaneousDialsLeaveOneLink() async throws {
        let mesh = try TestMesh()
        for _ in 0..<5 {
            let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
            await alice.transport.setHandler(for: .control, echo)
            await bob.transport.setHandler(for: .control, echo)
            async let one = alice.transport.connect(to: [bob.address], expecting: bob.id)
            async let two = bob.transport.connect(to: [alice.address], expecting: alice.id)
            for link in [try await one, try await two] {
                let stream = try await link.open(service: .control, first: [7])
                stream.finish()
                #expect(try await stream.readAll(limit: 10) == [7])
            }
            let left = try #require(await alice.transport.link(to: bob.id))
            try await eventually("both keep the same link") {
                await bob.transport.link(to: alice.id)?.isInitiator != left.isInitiator
            }
            #expect(await alice.transport.counters.links == 1)
            await alice.transport.shutdown()
            await bob.transport.shutdown()
        }
    }

    @Test func manyTasksThatNeedALinkShareOneDial() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        try await withThrowingTaskGroup(of: NodeID.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await alice.transport.connect(to: [bob.address], expecting: bob.id).peer
                        .nodeID
                }
            }
            for try await peer in group { #expect(peer == bob.id) }
        }
        #expect(await bob.transport.counters.accepted == 1)
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func addressesAreTriedInTurnAndNamesResolved() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let gone = try await mesh.node("gone")
        await gone.transport.shutdown()
        let name = try #require(NetworkAddress("localhost:\(bob.port)"))
        let link = try await alice.transport.connect(to: [gone.address, name], expecting: bob.id)
        #expect(link.peer.nodeID == bob.id)
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }

    @Test func theWrongPeerOneselfAndAnotherMeshAreRefused() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        let stranger = try await TestMesh().node("mallory")
        await #expect(throws: LinkError.wrongPeer(expected: stranger.id, found: bob.id)) {
            try await alice.transport.connect(to: [bob.address], expecting: stranger.id)
        }
        await #expect(throws: LinkError.selfDial) {
            try await alice.transport.connect(to: [alice.address], expecting: nil)
        }
        await #expect(throws: LinkError.silentlyRefused) {
            try await stranger.transport.connect(to: [bob.address], expecting: bob.id)
        }
        for node in [alice, bob, stranger] { await node.transport.shutdown() }
    }

    @Test func aPortInUseIsNamed() async throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try await mesh.node("alice"), try await mesh.node("bob"))
        await #expect(
            throws: LinkError.cannotListen(
                address: "127.0.0.1:\(alice.port)", reason: "the port is in use")
        ) { try await bob.transport.listen(host: "127.0.0.1", port: alice.port) }
        await alice.transport.shutdown()
        await bob.transport.shutdown()
    }
}
