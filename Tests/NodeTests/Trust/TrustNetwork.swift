import Foundation
import Logging
import Mesh
import MeshTransport
import Synchronization
import Testing
import Trust
import Wire

@testable import Node

/// The time of a test, which it puts ahead.
final class TestClock: Sendable {
    private let value = Mutex(now)

    var time: WallTime { value.withLock { $0 } }

    func advance(days: Int) { value.withLock { $0 = $0 + .seconds(days * 86_400) } }
}

/// A node that does nothing but exchange trust, over real links on loopback.
final class TrustNode: Sendable {
    let directory: StateDirectory
    let keeper: TrustKeeper
    let transport: LinkTransport
    let service: TrustService
    let address: NetworkAddress
    private let box: MembersBox

    /// A node whose service the test moves.
    init(
        _ directory: StateDirectory, _ clock: TestClock, known: [NodeID] = []
    ) async throws {
        self.directory = directory
        let time: @Sendable () -> WallTime = { clock.time }
        keeper = try TrustKeeper(directory: directory, known: known, now: time)
        let logger = Logger(label: "test")
        let transport = try await LinkTransport(
            credentials: keeper.credentials, logger: logger, wallClock: time)
        self.transport = transport
        let port = try await transport.listen(host: "127.0.0.1", port: 0)
        address = try #require(NetworkAddress("127.0.0.1:\(port)"))
        let box = MembersBox()
        self.box = box
        service = TrustService(
            keeper: keeper, transport: transport, members: { box.members }, seeds: { [] },
            addSeeds: { _ in },
            apply: { try? await transport.update($0) },
            logger: logger, now: time)
        let service = service
        await transport.setHandler(for: .trust) { stream, peer in
            await service.serve(stream, from: peer)
        }
        await transport.setCatchUpHandler { link in await service.catchUp(over: link) }
    }

    final class MembersBox: Sendable {
        private let value = Mutex<[TrustMember]>([])
        var members: [TrustMember] {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    var id: NodeID { directory.identity.nodeID }

    /// This node as others know it.
    var member: TrustMember { TrustMember(node: id, addresses: [address], isLive: true) }

    /// Those are the members from now on.
    func knows(_ nodes: TrustNode...) { box.members = nodes.map(\.member) }

    /// Exchanges with another, as often as it takes on a machine that is busy with other tests.
    func exchange(with other: TrustNode) async throws {
        try await persistently {
            let link = try await transport.connect(to: [other.address], expecting: other.id)
            guard await service.exchange(over: link) else { throw LinkError.cancelled }
        }
    }

    /// Renews its certificate, as often as that takes.
    func renew() async throws {
        try await persistently {
            guard await service.renewOwn() else { throw LinkError.cancelled }
        }
    }

    func stop() async { await transport.shutdown() }
}

/// Waits until something holds: what the other side of an exchange does comes after this side's end of
/// it. The limit only ends a test that hangs.
func eventually(
    _ condition: () throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let end = ContinuousClock.now + .seconds(600)
    while try !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("it does not come about", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Does something until it succeeds. The limit only ends a test that hangs.
func persistently<R>(_ body: () async throws -> R) async throws -> R {
    let end = ContinuousClock.now + .seconds(600)
    while true {
        do { return try await body() } catch {
            guard ContinuousClock.now < end else { throw error }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
