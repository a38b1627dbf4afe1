import Gossip
import Logging
import MeshTransport
import ServiceLifecycle
import Trust
import Wire

/// The mesh side of a node while it runs: passes link events to the gossip, tells the mesh how busy
/// the node is, looks for members, and renews what expires. Leaves in order when it is stopped.
struct MeshService: Service {
    let trust: TrustService
    let transport: LinkTransport
    let gossip: GossipRunner
    let activity: ActivityReporter
    let discovery: DiscoveryService
    let logger: Logger

    /// A link key lives a day; half of that is left for peers that are away.
    private static let renewalInterval: Duration = .seconds(12 * 3600)

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await gossip.follow(transport) }
            group.addTask { await activity.report { gossip.update(activity: $0) } }
            group.addTask { await discovery.run() }
            group.addTask { await trust.run() }
            group.addTask { try await every(Self.renewalInterval) { await renew() } }
            group.addTask { try? await gracefulShutdown() }
            // The first to end is the shutdown; the rest end by cancellation.
            try await group.next()
            await gossip.leave()
            await transport.shutdown()
            group.cancelAll()
        }
    }

    private func every(
        _ interval: Duration, _ body: @Sendable () async -> Void
    ) async throws {
        while !Task.isCancelled {
            do { try await Task.sleep(for: interval) } catch { return }
            await body()
        }
    }

    private func renew() async {
        trust.keeper.renewLinkKey()
        await trust.apply(trust.keeper.credentials)
    }
}
