import Gossip
import MeshTransport
import Wire

/// A member, as far as trust is concerned.
struct TrustMember: Sendable {
    var node: NodeID
    var addresses: [NetworkAddress]
    /// Whether it takes part now, as far as is known.
    var isLive: Bool
    /// Through whom it may be reached when it cannot be dialled.
    var relays: [NodeID] = []
}

extension TrustMember {
    init(_ member: KnownMember, relays: [NodeID]) {
        let state = member.view.state
        self.init(
            node: member.view.id, addresses: member.view.alive.addresses,
            isLive: state == .alive || state == .suspect, relays: relays)
    }
}
