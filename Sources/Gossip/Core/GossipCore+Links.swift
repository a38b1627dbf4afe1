import Wire

/// A member to begin with.
struct Seed: Sendable {
    var node: NodeID
    var addresses: [NetworkAddress]
    /// When it is tried next, if it is not here then, and how long after that again.
    var next: MonotonicInstant
    var delay = Duration.zero
}

/// Links, and finding again who was lost: seeds, the dead, and those that only links reach.
extension GossipCore {
    mutating func linkOpened(
        _ node: NodeID, _ tag: CertificateTag, isInbound: Bool, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard node != nodeID else { return }
        links.insert(node)
        certified(node, tag, at: now, &effects)
        if let slot = members.slot(of: node) {
            members[slot].hasLink = true
            members[slot].heard = now
            withdrawAccusation(of: slot, at: now, &effects)
            // A link is proof of life for the member it leads to, if not for its claim.
            while let index = probes.firstIndex(where: { $0.target == slot }) {
                succeeded(probes.remove(at: index), by: .link)
            }
            if members[slot].suspicion != nil {
                sendPing(to: slot, sequence: nextSequence(), path: .link, at: now, &effects)
            }
            guard members[slot].version > 0 else { return }
        }
        // Whoever dialled asks; the answer and what follows it bring both to the same.
        guard !isInbound, !own.isLeaving else { return }
        let slot = members.slot(of: node)
        requestExchange(
            with: node,
            version: slot.map { members[$0].version } ?? configuration.versions.lowerBound,
            &effects)
    }

    mutating func linkClosed(_ node: NodeID, at now: MonotonicInstant) {
        links.remove(node)
        strangers[node] = nil
        guard let slot = members.slot(of: node) else { return }
        members[slot].hasLink = false
        // A link that breaks is the first sign of a death: its end is probed next.
        if members[slot].isActive { urge(slot, at: now) }
    }

    /// The stream probe was refused: the second opinion agrees with the first. In small meshes,
    /// where nobody else can confirm, this is what shortens the wait. Of one that can only dial out it
    /// says nothing: nobody expected to reach it so.
    mutating func linkRefused(
        _ node: NodeID, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        guard let slot = members.slot(of: node), members[slot].reachability.acceptsLinks,
            configuration.features.contains(.streamProbe)
        else { return }
        probeRefused(slot, at: now, &effects)
        guard members[slot].state == .suspect,
            members[slot].suspicion?.value.isAccused(by: nodeID) == true
        else { return }
        members[slot].suspicion?.value.isRefused = true
        nextSuspicion = now
    }

    mutating func certified(
        _ node: NodeID, _ tag: CertificateTag, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        let waiting = pending[node]
        if let slot = members.slot(of: node) {
            if members[slot].alive.certificate == tag { members[slot].isCertified = true }
            if waiting?.alive.certificate == tag { pending[node] = nil }
            return
        }
        guard let waiting, waiting.alive.certificate == tag else {
            remember(node, tag)
            return
        }
        pending[node] = nil
        admit(waiting.alive, waiting.claim, at: now, &effects)
        guard members.slot(of: node) != nil else { return }
        var heard = Heard(from: waiting.source, path: .link)
        receive(
            [waiting.metadata, waiting.activity].compactMap(\.self), &heard, at: now, &effects)
    }

    /// Of a node whose claim has not come yet. Those with links stay when there are too many.
    private mutating func remember(_ node: NodeID, _ tag: CertificateTag) {
        if certificates[node] == nil, certificates.count >= GossipLimits.certificatesMax {
            let unlinked = certificates.keys.filter { !links.contains($0) }
            guard let first = unlinked.min() else {
                counters.overLimit += 1
                return
            }
            certificates[first] = nil
        }
        certificates[node] = tag
    }

    // MARK: Seeds

    mutating func learn(
        _ list: [(node: NodeID, addresses: [NetworkAddress])], at now: MonotonicInstant
    ) {
        for (node, addresses) in list where node != nodeID && !revoked.contains(node) {
            let seed = Seed(
                node: node, addresses: Array(addresses.prefix(WireLimits.addressesMax)), next: now)
            if let index = seeds.firstIndex(where: { $0.node == node }) {
                seeds[index] = seed
            } else if seeds.count < GossipLimits.seedsMax {
                seeds.append(seed)
            }
        }
        nextReconnect = min(nextReconnect, now)
    }

    /// Seeds are never forgotten: each that is not among the living here is tried for ever, though
    /// ever less often. Whatever else was forgotten, the mesh is found again by them, and so are the
    /// parts of a mesh that began apart.
    private mutating func trySeeds(at now: MonotonicInstant, _ effects: inout [GossipEffect]) {
        for index in seeds.indices {
            guard !isHere(seeds[index].node) else {
                seeds[index].delay = .zero
                seeds[index].next = now
                continue
            }
            guard now >= seeds[index].next else { continue }
            let delay = max(configuration.reconnectInterval, seeds[index].delay * 2)
            seeds[index].delay = min(delay, GossipLimits.seedDelayMax)
            seeds[index].next = now + seeds[index].delay
            effects.append(.connect(seeds[index].node, seeds[index].addresses))
        }
    }

    private func isHere(_ node: NodeID) -> Bool {
        if links.contains(node) { return true }
        guard let slot = members.slot(of: node) else { return false }
        // One that left may have come back, and nobody else be there to tell of it.
        return members[slot].isActive
    }

    // MARK: Finding again

    /// Tries again what should be connected and is not: seeds, one dead member, and for a node that
    /// datagrams don't reach every member that it should have a link to.
    mutating func reconnect(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        nextReconnect = now + configuration.reconnectInterval
        trySeeds(at: now, &effects)
        tryDead(at: now, using: &generator, &effects)
        if own.alive.reachability != .direct { dialWanted(&effects) }
        retryPending(at: now, &effects)
    }

    /// For ever: it is how a partition heals, however long it lasted.
    private mutating func tryDead(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        let dead = members[.dead]
        guard !dead.isEmpty else { return }
        let slot = dead[Int.random(in: 0..<dead.count, using: &generator)]
        // It must hear what is said of it before it can refute it.
        if let path = path(toSlot: slot) {
            sendPing(to: slot, sequence: nextSequence(), path: path, at: now, &effects)
        } else if let relay = relays(for: slot, count: 1, using: &generator).first {
            sendPing(
                to: slot, sequence: nextSequence(), path: .relay(members.id(relay)), at: now,
                &effects)
        }
        // Whatever it said of itself: two nodes that both believe that they can only dial out would
        // else wait for each other for ever.
        let addresses = members[slot].alive.addresses
        if !members[slot].hasLink, !addresses.isEmpty {
            effects.append(.connect(members.id(slot), addresses))
        }
    }

    func dialIfUnreachable(_ slot: Slot, _ effects: inout [GossipEffect]) {
        guard own.alive.reachability != .direct, members[slot].isActive,
            members[slot].reachability.acceptsLinks, !members[slot].hasLink,
            links.count < GossipLimits.outboundLinksMax
        else { return }
        effects.append(.connect(members.id(slot), members[slot].alive.addresses))
    }

    /// A node that datagrams don't reach keeps links to members that can be dialled: all of them in a
    /// small mesh, and in a large one half of its own choice, half of everybody's, so that two such
    /// nodes have members in common to reach each other through.
    private func dialWanted(_ effects: inout [GossipEffect]) {
        let open = members[.active].filter { members[$0].reachability.acceptsLinks }
        var wanted = open
        let room = GossipLimits.outboundLinksMax
        if open.count > room {
            let keyed = open.map { slot in
                let key = members.id(slot).folded
                return (slot: slot, common: key, own: StateExchange.mixed(key ^ nodeID.folded))
            }
            let common = keyed.sorted { $0.common < $1.common }.prefix(room / 2).map(\.slot)
            let mine = keyed.sorted { $0.own < $1.own }.map(\.slot)
                .filter { !common.contains($0) }.prefix(room - common.count)
            wanted = common + mine
        }
        var free = room - links.count
        for slot in wanted where !members[slot].hasLink && free > 0 {
            free -= 1
            effects.append(.connect(members.id(slot), members[slot].alive.addresses))
        }
    }

    private mutating func retryPending(at now: MonotonicInstant, _ effects: inout [GossipEffect]) {
        guard !pending.isEmpty else { return }
        for id in pending.keys.sorted() {
            guard var waiting = pending[id], now >= waiting.retryAt else { continue }
            guard now - waiting.since < configuration.pendingLifetime else {
                pending[id] = nil
                continue
            }
            waiting.retryAt = now + configuration.reconnectInterval
            pending[id] = waiting
            let age = (now - waiting.since).nanoseconds
            let turn = age / configuration.reconnectInterval.nanoseconds
            effects.append(
                .fetchCertificate(
                    of: id, waiting.alive.certificate,
                    from: certificateSource(waiting.source, turn: Int(turn))))
        }
    }

    /// Whom to ask for the certificate of a node that `source` told of: the source, unless there is
    /// no link to it and can be none; then those with links take turns.
    func certificateSource(_ source: NodeID, turn: Int) -> NodeID {
        guard !links.contains(source), let slot = members.slot(of: source),
            !members[slot].reachability.acceptsLinks
        else { return source }
        let linked = members[.active].filter { members[$0].hasLink }
        guard !linked.isEmpty else { return source }
        return members.id(linked[(turn + Int(nodeID.folded & 0xffff)) % linked.count])
    }

    // MARK: Forgetting

    /// Forgets those that left long ago, and of the dead and departed the longest gone when there
    /// are too many. Dead members are kept as long as there is room: they are who a healed
    /// partition is found by.
    mutating func forgetTheLongGone(at now: MonotonicInstant) {
        for slot in members[.left]
        where now - members[slot].stateSince >= configuration.tombstoneLifetime { forget(slot) }
        var gone = members[.left] + members[.dead]
        let limit = min(configuration.tombstonesMax, GossipLimits.tombstonesMax)
        var excess = gone.count - limit
        if members.count >= GossipLimits.membersMax {
            gone += members[.apart]
            excess = max(excess, gone.count - GossipLimits.membersMax / 8)
        }
        guard excess > 0 else { return }
        gone.sort { a, b in
            (members[a].stateSince, members.id(a)) < (members[b].stateSince, members.id(b))
        }
        for slot in gone.prefix(excess) { forget(slot) }
    }

    mutating func forget(_ slot: Slot) {
        dropAccusations(of: slot)
        for kind in ClaimKind.allCases where kind != .suspect {
            queue.remove(key(kind, of: slot))
        }
        queue.forget(slot)
        probes.removeAll { $0.target == slot }
        urgent.removeAll { $0 == slot }
        pending[members.id(slot)] = nil
        members.remove(slot)
    }
}
