public import Wire

/// Passing claims on: with probes and acks, and on an interval of its own.
extension GossipCore {
    mutating func broadcast(_ key: BroadcastKey, _ claim: Claim) {
        if broadcasts[key] == nil, broadcasts.count >= GossipLimits.broadcastsMax {
            // What was passed on most often makes room.
            guard
                let oldest = broadcasts.max(by: {
                    ($0.value.sent, $1.value.order) < ($1.value.sent, $0.value.order)
                })
            else { return }
            broadcasts[oldest.key] = nil
            counters.overLimit += 1
        }
        broadcastCount += 1
        broadcasts[key] = Broadcast(bytes: claim.encoded, order: broadcastCount)
    }

    /// Accusations that no longer hold are not passed on.
    mutating func dropBroadcasts(about subject: NodeID) {
        for key in broadcasts.keys {
            if case .suspect(subject, _) = key { broadcasts[key] = nil }
        }
    }

    /// SWIM's λ·log N (section 4.1), as memberlist computes it.
    private var retransmissionsMax: Int {
        var digits = 1
        var bound = 10
        while bound < activeCount + 1 {
            digits += 1
            bound *= 10
        }
        return configuration.retransmitMultiplier * digits
    }

    /// The claims passed on least often, as many as fit; those passed on often enough are dropped.
    private mutating func takeBroadcasts(room: Int, count: Int) -> [[UInt8]] {
        guard !broadcasts.isEmpty else { return [] }
        var taken: [[UInt8]] = []
        var room = room
        let limit = retransmissionsMax
        let queue = broadcasts.sorted {
            ($0.value.sent, $1.value.order) < ($1.value.sent, $0.value.order)
        }
        for (key, entry) in queue {
            guard taken.count < count else { break }
            guard entry.bytes.count <= room else { continue }
            room -= entry.bytes.count
            taken.append(entry.bytes)
            if entry.sent + 1 >= limit {
                broadcasts[key] = nil
            } else {
                broadcasts[key]?.sent += 1
            }
        }
        return taken
    }

    /// Sends a message with `claims` first and what there is to pass on in the room left.
    mutating func send(
        _ message: GossipMessage, claims: [[UInt8]], to id: NodeID, path: GossipPath,
        _ effects: inout [GossipEffect]
    ) {
        let used = GossipPacket.overhead(of: message) + claims.reduce(0) { $0 + $1.count }
        var limit = GossipLimits.packetBytesMax
        if case .relay = path { limit = GossipLimits.relayedPacketBytesMax }
        let more = takeBroadcasts(
            room: limit - used,
            count: GossipLimits.packetClaimsMax - claims.count)
        counters.packetsSent += 1
        effects.append(
            .send(GossipPacket.encode(message, claims: claims + more), to: id, path: path))
    }

    /// The packets that ask `relay` to pass a datagram, sealed for `node`, on, each with the way to
    /// the relay; none when there is no way but another relay.
    public mutating func forwarding(
        _ sealed: [UInt8], to node: NodeID, via relay: NodeID
    ) -> [(packet: [UInt8], path: GossipPath)] {
        guard let path = path(to: relay) else { return [] }
        if case .relay = path { return [] }
        let message = GossipMessage.forward(number: nextSequence(), to: node, sealed: sealed)
        guard GossipPacket.overhead(of: message) <= GossipLimits.packetBytesMax else { return [] }
        return [(GossipPacket.encode(message, claims: []), path)]
    }

    mutating func gossip(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        nextGossip = now + configuration.gossipInterval
        guard !broadcasts.isEmpty else { return }
        var told = 0
        for id in active.shuffled(using: &generator) {
            guard told < configuration.gossipFanout, !broadcasts.isEmpty else { return }
            guard let path = path(to: id) else { continue }
            told += 1
            send(.none, claims: [], to: id, path: path, &effects)
        }
    }
}
