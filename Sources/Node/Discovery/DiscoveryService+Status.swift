import MeshTransport
import NIOCore
import NodeAPI
import Wire

extension DiscoveryService {
    /// The addresses at which members are looked for, as a status shows them: all that somebody
    /// gave, and the first of the remembered ones.
    ///
    /// - Parameters:
    ///   - members: The present ones: this service looks at them a moment later.
    ///   - turnedAway: What members say that closed a connection because of this node.
    func status(
        members: [KnownMember], names: [NodeID: String], turnedAway: [NodeID: String]
    ) -> NodeStatus.Discovery {
        let now = MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
        return NodeStatus.Discovery(
            alone: DiscoveryCore.Surroundings(members).active.isEmpty,
            places: places.prefix(NodeLimits.statusPlacesMax).map { place in
                var shown = NodeStatus.Place(
                    address: place.address.description, origin: place.origin.rawValue,
                    resolved: place.resolved.map(\.description), outcome: "untried", reason: nil,
                    triedSecondsAgo: place.triedAt.map { (now - $0).seconds })
                switch place.outcome {
                case .untried: break
                case .itself: shown.outcome = "self"
                case .member(let node) where turnedAway[node] != nil:
                    // It answered, and closed the link at once.
                    (shown.outcome, shown.reason) = ("failed", turnedAway[node])
                case .member(let node):
                    (shown.outcome, shown.reason) = ("member", names[node] ?? node.short)
                case .failed(let reason): (shown.outcome, shown.reason) = ("failed", reason)
                }
                return shown
            })
    }
}
