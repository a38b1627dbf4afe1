import Wire

/// Passing claims on: with probes and acks, and on an interval of its own.
extension GossipCore {
    /// Names a claim in the queue; nil stands for this node.
    func key(_ kind: ClaimKind, of slot: Slot?, by accuser: NodeID? = nil) -> BroadcastQueue.Key {
        var key = BroadcastQueue.Key(kind: kind, subject: slot ?? .max)
        if let accuser { key.accuser = members.slot(of: accuser) ?? .max }
        return key
    }

    /// Has a claim passed on.
    mutating func pass(
        on claim: Claim, _ kind: ClaimKind, of slot: Slot?, by accuser: NodeID? = nil,
        lane: BroadcastQueue.Lane
    ) {
        let key = key(kind, of: slot, by: accuser)
        if !queue.add(claim, key, lane: lane, limit: retransmissionsMax) {
            counters.overLimit += 1
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

    /// How many members who can only dial out count as one to whom a claim was passed on. They hear
    /// from those alone that they dialled: what everybody does elsewhere falls to a few.
    private mutating func share(of slot: Slot?, at now: MonotonicInstant) -> Int {
        guard let slot, !members[slot].reachability.acceptsLinks,
            own.alive.reachability.acceptsLinks
        else { return 1 }
        if now >= nextShare {
            nextShare = now + configuration.probeInterval
            let open =
                1 + members[.active].count { members[$0].reachability.acceptsLinks }
            // All but the receiver, shared by those who can be dialled.
            let share = (activeCount - 1 + open - 1) / open
            dialledShare = min(GossipLimits.dialledShareMax, max(1, share))
        }
        return dialledShare
    }

    /// Sends a message with `claims` first and what there is to pass on in the room left.
    ///
    /// - Parameter isBare: Nothing is passed on with it. Paths may drop what is long without a word,
    ///   and what a life hangs on must not be: a question asked for the second time, what goes through
    ///   others, whose own paths nobody knows, and its answer.
    mutating func send(
        _ message: GossipMessage, claims: [[UInt8]], corrections: [[UInt8]] = [], to node: NodeID,
        path: GossipPath, isBare: Bool = false, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        if let slot = members.slot(of: node) {
            send(
                message, claims: claims, corrections: corrections, toSlot: slot, path: path,
                isBare: isBare, at: now, &effects)
        } else {
            // Nothing is known of it; what this node speaks longest is the likeliest in common.
            send(
                Packing(message, told: claims, corrections: corrections), message, to: node, nil,
                path: path, isBare: isBare, version: configuration.versions.lowerBound, at: now,
                &effects)
        }
    }

    /// - Parameters:
    ///   - claims: What the receiver is accused of.
    ///   - asks: An accusation of another, of which it is asked what it knows.
    ///   - corrections: What refutes accusations that it brought.
    mutating func send(
        _ message: GossipMessage, claims: [[UInt8]], asks: [UInt8]? = nil,
        corrections: [[UInt8]] = [], toSlot slot: Slot, path: GossipPath, isBare: Bool = false,
        at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        let version = members[slot].version
        guard version > 0 else { return }
        send(
            Packing(message, told: claims, asked: asks, corrections: corrections), message,
            to: members.id(slot), slot, path: path, isBare: isBare, version: version, at: now,
            &effects)
    }

    private mutating func send(
        _ packing: Packing, _ message: GossipMessage, to node: NodeID, _ slot: Slot?,
        path: GossipPath, isBare: Bool, version: UInt8, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        let isBare = isBare && configuration.features.contains(.barePackets)
        var packing = packing
        let fills = !isBare && shouldFill(message, at: now)
        if !isBare && queue.count > 0 || fills || packing.count > 0 {
            var room = GossipLimits.packetBytesMax
            if case .relay = path { room = GossipLimits.relayedPacketBytesMax }
            room -= GossipPacket.overhead(of: message)
            packing.trim(to: room)
            if !isBare {
                packing.passedOn = queue.take(
                    room: room - packing.bytes,
                    count: GossipLimits.packetClaimsMax - packing.count,
                    limit: retransmissionsMax, receiver: slot,
                    share: path == .link ? share(of: slot, at: now) : 1)
            }
            if fills { fill(&packing, room: room) }
        }
        // A packet of claims alone, of which there are none, is not worth sending.
        guard message != .none || packing.count > 0 else { return }
        counters.packetsSent += 1
        packings?.note(packing, to: node)
        let packet = GossipPacket.encode(message, claims: packing.claims, version: version)
        effects.append(.send(packet, to: node, path: path))
    }

    /// Where no exchange over a link succeeds, probes and acks carry what this node knows, a little
    /// at a time: what gossip lost is made good by datagrams alone.
    private func shouldFill(_ message: GossipMessage, at now: MonotonicInstant) -> Bool {
        switch message {
        case .ping, .ack: break
        case .none, .forward, .forwarded, .forwardReceipt: return false
        }
        return members.count > 0 && configuration.features.contains(.fillers)
            && now - lastExchange > exchangeInterval * 2
    }

    /// One member's claims, then the next one's in order of ids, this node's own last.
    private mutating func fill(_ packing: inout Packing, room: Int) {
        let slot = members.first(after: filled)
        filled = slot.map { members.id($0) }
        packing.turn = filled ?? nodeID
        for claim in self.claims(of: slot) where claim.count <= room - packing.bytes {
            guard packing.count < GossipLimits.packetClaimsMax else { return }
            packing.filled.append(claim)
        }
    }

    mutating func gossip(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        nextGossip = now + configuration.gossipInterval
        guard queue.isUrgent else { return }
        let chosen = sample(configuration.gossipFanout, using: &generator) { core, slot in
            core.path(toSlot: slot) != nil
        }
        for slot in chosen {
            guard queue.isUrgent, let path = path(toSlot: slot) else { return }
            send(.none, claims: [], toSlot: slot, path: path, at: now, &effects)
        }
    }
}
