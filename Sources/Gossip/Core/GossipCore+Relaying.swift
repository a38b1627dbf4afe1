public import Wire

/// The ways to other members, and passing on what others seal for each other.
extension GossipCore {
    /// How a packet can reach a node now without another's help; nil when it cannot.
    public func path(to node: NodeID) -> GossipPath? {
        guard let slot = members.slot(of: node) else { return links.contains(node) ? .link : nil }
        return path(toSlot: slot)
    }

    func path(toSlot slot: Slot) -> GossipPath? {
        let isDirect =
            own.alive.reachability == .direct && members[slot].reachability == .direct
        guard members[slot].hasLink else { return isDirect ? .datagram : nil }
        guard isDirect else { return .link }
        // Until a datagram of this start of it came, nobody knows whether they pass: the link does.
        return members[slot].speaksByDatagram
            && members[slot].datagramSilences < GossipLimits.datagramSilencesMax
            ? .datagram : .link
    }

    /// Members to reach `target` through: the one it was reached through last, then others by lot,
    /// so that the work is spread.
    mutating func relays(
        for target: Slot, count: Int, using generator: inout some RandomNumberGenerator
    ) -> [Slot] {
        guard count > 0 else { return [] }
        var chosen: [Slot] = []
        if path(toSlot: target) == nil, let known = members[target].dealings?.value.relay,
            let slot = members.slot(of: known), canRelay(slot, to: target)
        {
            chosen.append(slot)
        }
        let others = sample(count, using: &generator) { core, slot in
            !chosen.contains(slot) && core.canRelay(slot, to: target)
        }
        chosen += others.prefix(count - chosen.count)
        return chosen
    }

    /// Whether a member may be able to pass something on: it is well, this node reaches it, and it
    /// or the target can be dialled.
    private func canRelay(_ slot: Slot, to target: Slot) -> Bool {
        slot != target && members[slot].state == .alive && path(toSlot: slot) != nil
            && (members[slot].reachability.acceptsLinks
                || members[target].reachability.acceptsLinks)
    }

    /// So many active members that a condition holds for, each once, by lot. The work does not grow
    /// with the mesh unless they are rare.
    func sample(
        _ count: Int, using generator: inout some RandomNumberGenerator,
        where condition: (GossipCore, Slot) -> Bool
    ) -> [Slot] {
        let active = members[.active]
        guard active.count > GossipLimits.sampleWholeMax else {
            return Array(
                active.shuffled(using: &generator).filter { condition(self, $0) }.prefix(count))
        }
        var chosen: [Slot] = []
        for _ in 0..<8 * count + 8 {
            guard chosen.count < count else { break }
            let slot = active[Int.random(in: 0..<active.count, using: &generator)]
            if !chosen.contains(slot), condition(self, slot) { chosen.append(slot) }
        }
        guard chosen.count < count else { return chosen }
        // They are rare, and each may be the only way to somebody.
        let start = Int.random(in: 0..<active.count, using: &generator)
        for slot in active[start...] + active[..<start]
        where !chosen.contains(slot) && condition(self, slot) {
            chosen.append(slot)
            if chosen.count == count { break }
        }
        return chosen
    }

    /// The packets that ask `relay` to pass a datagram, sealed for `node`, on, each with the way to
    /// the relay; none when there is no way but another relay.
    public mutating func forwarding(
        _ sealed: [UInt8], to node: NodeID, via relay: NodeID
    ) -> [(packet: [UInt8], path: GossipPath)] {
        guard let slot = members.slot(of: relay), let path = path(toSlot: slot),
            members[slot].version > 0
        else { return [] }
        let message = GossipMessage.forward(number: nextSequence(), to: node, sealed: sealed)
        guard GossipPacket.overhead(of: message) <= GossipLimits.packetBytesMax else { return [] }
        counters.packetsSent += 1
        let packet = GossipPacket.encode(message, claims: [], version: members[slot].version)
        return [(packet, path)]
    }

    // MARK: For others

    /// Passes a sealed datagram on, if its target is in reach without a further relay. Nothing of it
    /// is kept, and the receipt says no more than that it was sent.
    mutating func forward(
        _ number: UInt32, to target: NodeID, _ sealed: [UInt8], _ heard: Heard,
        at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        let message = GossipMessage.forwarded(from: heard.from, sealed: sealed)
        var way: (slot: Slot, path: GossipPath)?
        if target != nodeID, target != heard.from, let slot = members.slot(of: target),
            members[slot].state != .left, let path = path(toSlot: slot),
            GossipPacket.overhead(of: message) <= GossipLimits.packetBytesMax,
            mayForward(for: heard.from, at: now)
        {
            way = (slot, path)
        }
        send(
            .forwardReceipt(number: number, accepted: way != nil), claims: [], to: heard.from,
            path: heard.path, isBare: true, at: now, &effects)
        guard let way else { return }
        counters.relayed += 1
        send(
            message, claims: [], toSlot: way.slot, path: way.path, isBare: true, at: now, &effects)
    }

    private mutating func mayForward(for node: NodeID, at now: MonotonicInstant) -> Bool {
        let isWithin = deal(with: node) {
            $0.forwards.take(GossipLimits.forwardsPerMember, at: now)
        }
        guard isWithin,
            forwards.take(GossipLimits.forwards, at: now)
        else {
            counters.overLimit += 1
            return false
        }
        return true
    }

    /// Something came through a relay. Who could have sealed it is a member; whether it did, the
    /// seal tells.
    mutating func forwarded(
        from origin: NodeID, _ sealed: [UInt8], _ heard: Heard, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard origin != nodeID, origin != heard.from, members.slot(of: origin) != nil,
            members.slot(of: heard.from) != nil
        else { return }
        guard mayForward(for: heard.from, at: now) else { return }
        effects.append(.openRelayed(sealed, from: origin, via: heard.from))
    }

    /// A relay did its part, or said that it cannot.
    mutating func receivedReceipt(accepted: Bool, _ heard: Heard) {
        guard let relay = members.slot(of: heard.from) else { return }
        for index in probes.indices where probes[index].receiptsMissing.contains(relay) {
            probes[index].receiptsMissing.removeAll { $0 == relay }
            probes[index].hasReceipt = true
            let target = probes[index].target
            guard !accepted, members[target].dealings?.value.relay == heard.from else { continue }
            members[target].deal { $0.relay = nil }
        }
    }
}
