import Gossip
import Wire

/// Queues, maps, tombstones and timers are bounded, under hostile input too.
struct BoundsChecker: MembershipChecker {
    static let name = "bounds"

    private(set) var judged = 0

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard case .held(let node, let sizes) = observation, world.nodes[node].isHonest else {
            return
        }
        judged += 1
        for (name, count, limit) in sizes.withLimits where count > limit {
            findings.report(
                Self.name, now, "node \(node) holds \(count) \(name), over \(limit)")
        }
    }
}

extension GossipSizes {
    /// Each size with its name and limit.
    var withLimits: [(name: String, count: Int, limit: Int)] {
        [
            ("members", members, GossipLimits.membersMax),
            ("pending", pending, GossipLimits.pendingMax),
            ("broadcasts", broadcasts, GossipLimits.broadcastsMax),
            ("accusers", accusers, GossipLimits.accusersMax),
        ]
    }
}

/// Every packet is within its limit, and every datagram is after encryption.
struct DatagramSizeChecker: MembershipChecker {
    static let name = "datagram size"

    private(set) var judged = 0

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .packet(let node, let bytes) where world.nodes[node].isHonest:
            judged += 1
            guard bytes > GossipLimits.packetBytesMax else { return }
            findings.report(Self.name, now, "node \(node) sent a packet of \(bytes) bytes")
        case .datagram(let node, let bytes) where world.nodes[node].isHonest:
            judged += 1
            guard bytes > DatagramLimits.bytesMax else { return }
            findings.report(Self.name, now, "node \(node) sent a datagram of \(bytes) bytes")
        default: return
        }
    }
}
