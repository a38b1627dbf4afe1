import Gossip
import Wire

/// Queues, maps and tombstones are bounded, under hostile input too. (Timers are one per node; see
/// ``TimerChecker``.)
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

extension EndpointSizes {
    /// Each size with its name and limit.
    var withLimits: [(name: String, count: Int, limit: Int)] {
        [
            ("members", gossip.members, GossipLimits.membersMax),
            ("pending nodes", gossip.pending, GossipLimits.pendingMax),
            ("claims to pass on", gossip.broadcasts, GossipLimits.broadcastsMax),
            ("accusers of one member", gossip.accusers, GossipLimits.accusersMax),
            ("probes", gossip.probes, GossipLimits.probesMax),
            ("tombstones", gossip.tombstones, GossipLimits.tombstonesMax),
            ("certificates", gossip.certificates, GossipLimits.certificatesMax),
            ("seeds", gossip.seeds, GossipLimits.seedsMax),
            ("links", gossip.links, DatagramLimits.linksMax),
            ("strangers", gossip.strangers, GossipLimits.strangersMax),
            ("known senders", directory, DatagramLimits.sessionsMax),
            ("sessions", sessions, DatagramLimits.sessionsMax),
            ("peers that packets wait for", waitingPeers, DatagramLimits.waitingPeersMax),
            (
                "waiting packets", waitingPackets,
                DatagramLimits.waitingPeersMax * DatagramLimits.waitingMax
            ),
            ("sources", sourceBuckets, DatagramLimits.sourceBuckets),
            ("addresses", addresses, AddressLimits.placesMax),
            ("reports of its own address", addressReports, AddressLimits.reportsMax),
            ("witnesses", witnesses, ReachabilityLimits.witnessesMax),
            ("receivers of late", sentTo, 2 * ReachabilityLimits.sentMax),
            ("counted links", links, DatagramLimits.linksMax),
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
