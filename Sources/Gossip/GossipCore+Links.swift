import Wire

/// Links, reconnection, and what this node says of itself.
extension GossipCore {
    mutating func linkOpened(
        _ node: NodeID, _ tag: CertificateTag, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard node != nodeID else { return }
        links.insert(node)
        members[node]?.hasLink = true
        certified(node, tag, at: now, &effects)
        // A link is proof of life for the member it leads to, if not for its claim.
        if let current = probe, current.target == node {
            probe = nil
            if current.askedOthers { members[node]?.datagramSilences += 1 }
        }
        seeds[node] = nil
        effects.append(.pushPull(node, exchangeRequest()))
    }

    /// The stream probe was refused: the second opinion agrees with the first. In small meshes,
    /// where nobody else can confirm, this is what shortens the wait.
    mutating func linkRefused(_ node: NodeID, at now: MonotonicInstant) {
        guard var suspicion = members[node]?.suspicion, members[node]?.state == .suspect else {
            return
        }
        suspicion.longest = suspicion.shortest
        members[node]?.suspicion = suspicion
    }

    mutating func certified(
        _ node: NodeID, _ tag: CertificateTag, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard certificates[node] != nil || certificates.count < GossipLimits.certificatesMax else {
            counters.overLimit += 1
            return
        }
        certificates[node] = tag
        guard let waiting = pending[node], waiting.alive.certificate == tag else { return }
        pending[node] = nil
        accept(waiting.alive, waiting.claim, at: now, &effects)
        if let metadata = waiting.metadata {
            receive([metadata], from: waiting.source, at: now, &effects)
        }
        if let activity = waiting.activity {
            receive([activity], from: waiting.source, at: now, &effects)
        }
    }

    /// Tries again what should be connected and is not: seeds, one dead member, and for a node that
    /// can only dial out every member that can be dialled.
    mutating func reconnect(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        nextReconnect = now + configuration.reconnectInterval
        forgetTheLongGone(at: now)
        for node in seeds.keys.sorted() where !links.contains(node) {
            effects.append(.connect(node, seeds[node] ?? []))
        }
        let dead = order.filter { members[$0]?.state == .dead && !links.contains($0) }
        if let id = dead.randomElement(using: &generator), let member = members[id] {
            // It must hear what is said of it before it can refute it.
            sendPing(to: id, sequence: nextSequence(), path: .datagram, &effects)
            if member.alive.reachability == .direct {
                effects.append(.connect(id, member.alive.addresses))
            }
        }
        if ownAlive.reachability == .outboundOnly {
            let wanted = active.filter { id in
                members[id]?.alive.reachability == .direct && !links.contains(id)
            }
            for id in wanted.prefix(max(0, GossipLimits.outboundLinksMax - links.count)) {
                effects.append(.connect(id, members[id]?.alive.addresses ?? []))
            }
        }
        for id in pending.keys.sorted() {
            guard var waiting = pending[id], now >= waiting.retryAt else { continue }
            guard now - waiting.since < configuration.pendingLifetime else {
                pending[id] = nil
                continue
            }
            waiting.retryAt = now + configuration.reconnectInterval
            pending[id] = waiting
            effects.append(
                .fetchCertificate(
                    of: id, waiting.alive.certificate, from: waiting.source))
        }
    }

    // MARK: Oneself

    mutating func changeIdentity(_ claim: AliveClaim) {
        guard claim.node == nodeID else { return }
        var changed = claim.fitted
        changed.generation = ownAlive.generation
        changed.incarnation = ownAlive.incarnation
        guard changed != ownAlive else { return }
        changed.incarnation = ownAlive.incarnation + 1
        ownAlive = changed
        ownAliveClaim = Claim(.alive(changed), signedBy: authority)
        broadcast(.alive(nodeID), ownAliveClaim)
    }

    mutating func change(_ activity: MemberActivity) {
        var changed = activity.fitted
        changed.coordinate = ownActivity.activity.coordinate
        // The load alone rides on acks.
        let isNews =
            changed.speeds != ownActivity.activity.speeds
            || changed.prefixes != ownActivity.activity.prefixes
        ownActivity.activity = changed
        guard isNews else { return }
        ownActivity.version += 1
        ownActivityClaim = Claim(.activity(ownActivity), signedBy: authority)
        broadcast(.activity(nodeID), ownActivityClaim)
    }

    func canRefute(at now: MonotonicInstant) -> Bool {
        guard let lastRefutation else { return true }
        return now - lastRefutation >= configuration.probeInterval
    }

    /// Answers accusations with a newer incarnation: once a period at most, whoever accuses.
    mutating func refute(at now: MonotonicInstant) {
        refutationDue = false
        lastRefutation = now
        counters.refutations += 1
        ownAlive.incarnation += 1
        ownAliveClaim = Claim(.alive(ownAlive), signedBy: authority)
        broadcast(.alive(nodeID), ownAliveClaim)
    }

    mutating func leave(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        guard !isLeaving else { return }
        isLeaving = true
        let claim = Claim(
            .leave(LeaveClaim(node: nodeID, generation: ownAlive.generation)),
            signedBy: authority)
        broadcast(.leave(nodeID), claim)
        // Told to more than a fan-out at once: there may be no next round.
        for id in active.shuffled(using: &generator).prefix(2 * configuration.gossipFanout) {
            guard let path = path(to: id) else { continue }
            send(.none, claims: [claim.encoded], to: id, path: path, &effects)
        }
        nextGossip = now + configuration.gossipInterval
    }
}
