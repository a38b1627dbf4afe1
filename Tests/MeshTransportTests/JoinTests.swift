import Logging
import Mesh
import MeshTransport
import Synchronization
import Testing
import Trust
import Wire

@Suite(.timeLimit(.minutes(3))) struct JoinTests {
    private func ticket(_ mesh: TestMesh, at inviter: TestNode) -> Ticket {
        Ticket.generate(
            genesis: mesh.genesis, inviter: inviter.id, addresses: [inviter.address],
            expires: wallNow() + .seconds(600), uses: 1, labels: [])
    }

    /// An inviter that lets the holder of `ticket` in once.
    private func invite(_ mesh: TestMesh, by inviter: TestNode, with ticket: Ticket) async {
        let used = Used()
        await inviter.transport.setJoinHandler(
            ticketKey: { $0 == ticket.keyID ? ticket.preSharedSecret : nil }
        ) { attempt in
            guard used.first() else { return .refused(.used, message: "the ticket was used") }
            guard let chain = try? mesh.certify(attempt.request.node, name: attempt.request.name)
            else { return .refused(.cannotIssue, message: "no certificate") }
            return .admitted(
                .init(
                    chain: chain, gateKey: mesh.gateKeys.current, trust: TrustState(),
                    seeds: [SeedAddress(node: inviter.id, addresses: [inviter.address])]))
        }
    }

    private final class Used: Sendable {
        private let flag = Mutex(false)
        func first() -> Bool {
            flag.withLock { used in
                defer { used = true }
                return !used
            }
        }
    }

    @Test func aTicketLetsItsHolderInOnce() async throws {
        let mesh = try TestMesh()
        let inviter = try await mesh.node("inviter")
        let ticket = ticket(mesh, at: inviter)
        await invite(mesh, by: inviter, with: ticket)
        let identity = Identity.generate()
        let response = try await JoinExchange.join(
            with: ticket, identity: identity, name: "newcomer", wallClock: wallNow)
        guard case .admitted(let admission) = response else {
            Issue.record("\(response)")
            return
        }
        #expect(admission.gateKey == mesh.gateKeys.current)
        #expect(admission.chain.member.body.name == "newcomer")
        // With what it got, the newcomer is a member.
        let transport = try await LinkTransport(
            credentials: LinkCredentials(
                identity: identity, chain: admission.chain, genesis: ticket.genesis,
                gateKeys: GateKeyRing(admission.gateKey), trust: admission.trust,
                linkKey: .generate(now: wallNow())),
            logger: Logger(label: "newcomer"), wallClock: wallNow)
        let seed = try #require(admission.seeds.first)
        _ = try await transport.connect(to: seed.addresses, expecting: seed.node)
        await transport.shutdown()

        let again = try await JoinExchange.join(
            with: ticket, identity: .generate(), name: "second", wallClock: wallNow)
        guard case .refused(.used, _) = again else {
            Issue.record("\(again)")
            return
        }
        await inviter.transport.shutdown()
    }

    @Test func anUnknownTicketMeetsSilence() async throws {
        let mesh = try TestMesh()
        let inviter = try await mesh.node("inviter")
        await invite(mesh, by: inviter, with: ticket(mesh, at: inviter))
        let other = ticket(mesh, at: inviter)
        await #expect(throws: LinkError.silentlyRefused) {
            try await JoinExchange.join(
                with: other, identity: .generate(), name: "guesser", wallClock: wallNow)
        }
        await inviter.transport.shutdown()
    }

    @Test func aTicketForAnotherInviterIsNotUsedUp() async throws {
        let mesh = try TestMesh()
        let (inviter, other) = (try await mesh.node("inviter"), try await mesh.node("other"))
        let ticket = Ticket.generate(
            genesis: mesh.genesis, inviter: inviter.id, addresses: [other.address],
            expires: wallNow() + .seconds(600), uses: 1, labels: [])
        await invite(mesh, by: other, with: ticket)
        await #expect(throws: LinkError.wrongPeer(expected: inviter.id, found: other.id)) {
            try await JoinExchange.join(
                with: ticket, identity: .generate(), name: "newcomer", wallClock: wallNow)
        }
        await inviter.transport.shutdown()
        await other.transport.shutdown()
    }

    /// Joins with a clock that is so many seconds ahead, or behind.
    private func join(
        ahead seconds: Int64, _ mesh: TestMesh, at address: NetworkAddress? = nil
    ) async throws -> JoinResponse {
        let inviter = try await mesh.node("inviter")
        var ticket = ticket(mesh, at: inviter)
        await invite(mesh, by: inviter, with: ticket)
        if let address {
            ticket = .generate(
                genesis: mesh.genesis, inviter: inviter.id, addresses: [address],
                expires: wallNow() + .seconds(600), uses: 1, labels: [])
        }
        let result: Result<JoinResponse, any Error>
        do {
            result = .success(
                try await JoinExchange.join(
                    with: ticket, identity: .generate(), name: "newcomer",
                    wallClock: {
                        WallTime(seconds: UInt64(Int64(wallNow().seconds) + seconds))
                    }))
        } catch { result = .failure(error) }
        await inviter.transport.shutdown()
        return try result.get()
    }

    @Test func aJoinerWhoseClockIsAheadIsLetInToBeToldOfIt() async throws {
        let response = try await join(ahead: 3600, try TestMesh())
        guard case .admitted = response else {
            Issue.record("\(response)")
            return
        }
    }

    @Test func aJoinerWhoseClockIsBehindIsToldThatTheClocksDiffer() async throws {
        let mesh = try TestMesh()
        let error = await #expect(throws: LinkError.self) {
            _ = try await join(ahead: -3 * 86_400, mesh)
        }
        guard case .clocksDiffer(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test func whereNobodyListensTheInviterIsUnreachable() async throws {
        let address = try #require(NetworkAddress("127.0.0.1:1"))
        let mesh = try TestMesh()
        let error = await #expect(throws: LinkError.self) {
            _ = try await join(ahead: 0, mesh, at: address)
        }
        guard case .unreachable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
