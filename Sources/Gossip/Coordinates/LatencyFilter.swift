import Wire

/// What is remembered of one's measurements of others: the last round trips of each, since single
/// ones are noisy (Ledlie et al., section 3), and by how much the map was wrong about the last few.
struct LatencyFilter: Sendable {
    private struct Peer: Sendable {
        var id: NodeID
        var samples: SIMD4<Float>
        var count = 0
        var movedAt: MonotonicInstant?
    }

    private struct Residual: Sendable {
        var id: NodeID
        var magnitude: Float
    }

    /// A ring: with room no longer left, the one that is there for the longest makes place.
    private var peers: [Peer] = []
    /// Their ids, folded: what is searched.
    private var keys: [UInt64] = []
    private var oldest = 0
    /// The one measured last comes last.
    private var residuals: [Residual] = []

    /// How many peers are remembered.
    var peerCount: Int { peers.count }

    /// Takes in a round trip in seconds; returns the median of this peer's last ones, and whether
    /// it may be moved by: a peer counts once in ``VivaldiLimits/moveInterval``.
    mutating func add(
        _ seconds: Float, of id: NodeID, at now: MonotonicInstant
    ) -> (median: Float, mayMove: Bool) {
        let index = index(of: id)
        peers[index].samples[peers[index].count % VivaldiLimits.samplesPerPeer] = seconds
        peers[index].count += 1
        if peers[index].count >= 2 * VivaldiLimits.samplesPerPeer {
            peers[index].count -= VivaldiLimits.samplesPerPeer
        }
        let mayMove = peers[index].movedAt.map { now - $0 >= VivaldiLimits.moveInterval } ?? true
        if mayMove { peers[index].movedAt = now }
        return (Self.median(of: peers[index]), mayMove)
    }

    /// Where `id` is, perhaps only from now on.
    private mutating func index(of id: NodeID) -> Int {
        let key = id.folded
        for index in keys.indices where keys[index] == key && peers[index].id == id {
            return index
        }
        let peer = Peer(id: id, samples: .zero)
        guard peers.count >= VivaldiLimits.peersMax else {
            peers.append(peer)
            keys.append(key)
            return peers.count - 1
        }
        let index = oldest
        oldest = (oldest + 1) % VivaldiLimits.peersMax
        peers[index] = peer
        keys[index] = key
        return index
    }

    /// Of two, the shorter: what disturbs a round trip makes it longer.
    private static func median(of peer: Peer) -> Float {
        let (a, b, c) = (peer.samples[0], peer.samples[1], peer.samples[2])
        switch peer.count {
        case 1: return a
        case 2: return min(a, b)
        default: return max(min(a, b), min(max(a, b), c))
        }
    }

    /// Up to where a peer's residual is believed: some times the median of what the map was lately
    /// wrong by, with one vote for each peer. While the map forms that is much and little is held
    /// back. With fewer than half of the votes made up, the median is still an honest one's.
    mutating func bound(on residual: Float, of id: NodeID) -> Float {
        if let index = residuals.firstIndex(where: { $0.id == id }) {
            residuals.remove(at: index)
        } else if residuals.count >= VivaldiLimits.residualsMax {
            residuals.removeFirst()
        }
        residuals.append(Residual(id: id, magnitude: residual.magnitude))
        let sorted = residuals.map(\.magnitude).sorted()
        let median = sorted[(sorted.count - 1) / 2]
        return max(VivaldiLimits.residualSecondsMin, VivaldiLimits.residualSpread * median)
    }
}
