import Gossip
import Wire

/// A defect built into every node of a run on purpose, to see that the checkers find it.
public enum Sabotage: String, Sendable, CaseIterable {
    /// The shell lets timers fire before it reads its sockets, after a stall too.
    case timersBeforeSockets
    /// A restart uses its generation again.
    case generationStuck
    /// Datagrams are a little longer than they may be.
    case oversizedDatagrams
    /// A map has no bound.
    case unboundedMap
    /// The loop ends at the first datagram that does not authenticate.
    case deafAfterGarbage

    /// What the shell is told to do instead.
    func altered(_ effects: [EndpointEffect]) -> [EndpointEffect] {
        guard self == .oversizedDatagrams else { return effects }
        return effects.map { effect in
            guard case .datagram(let bytes, let to) = effect, bytes.count > 1000 else {
                return effect
            }
            let padding = [UInt8](repeating: 0, count: DatagramLimits.bytesMax)
            return .datagram(bytes + padding, to: to)
        }
    }

    /// What a node reports of its sizes instead.
    func altered(_ sizes: EndpointSizes) -> EndpointSizes {
        guard self == .unboundedMap else { return sizes }
        var altered = sizes
        altered.gossip.broadcasts = GossipLimits.broadcastsMax + 1
        return altered
    }
}
