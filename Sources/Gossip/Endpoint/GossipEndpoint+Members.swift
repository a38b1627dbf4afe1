import Wire

/// What is kept of single members, and of who sends in their name.
extension GossipEndpoint {
    /// Opens a datagram, with regard to what its source has sent without proof.
    mutating func open(
        _ arrival: DatagramSessions.Arrival, _ datagram: [UInt8], of source: UInt64,
        at now: MonotonicInstant
    ) -> DatagramSessions.Received {
        let received = sessions.open(
            arrival, datagram, linkKey: linkKeyIfNeeded(of: arrival.claimedSender),
            isHeeded: limits.hasRoom(source, at: now), at: now)
        if received.isUnproven { limits.charge(source, at: now) }
        return received
    }

    func linkKeyIfNeeded(of node: NodeID) -> LinkKey? {
        sessions.hasSession(with: node) ? nil : core.linkKey(of: node)
    }

    /// What a member's claim gives to make a session by, if there is none yet.
    func means(for node: NodeID) -> SessionMeans {
        guard !sessions.hasKeys(with: node), let claim = core.claim(of: node) else {
            return SessionMeans()
        }
        return SessionMeans(linkKey: claim.linkKey, boot: claim.boot)
    }

    mutating func destinations(
        of node: NodeID, isInDoubt: Bool = false, at now: MonotonicInstant
    ) -> [NetworkAddress] {
        book.destinations(
            of: node, candidates: core.claim(of: node)?.addresses ?? [],
            isInDoubt: isInDoubt || !core.isWell(node), at: now)
    }

    mutating func learn(_ node: NodeID) {
        guard let claim = core.claim(of: node) else { return }
        sessions.claimed(
            node, linkKey: claim.linkKey, generation: claim.generation,
            incarnation: claim.incarnation)
    }

    /// Whether a packet from a link is within its member's limit.
    mutating func mayTake(from node: NodeID, at now: MonotonicInstant) -> Bool {
        if linkRates[node] == nil, linkRates.count >= DatagramLimits.linksMax {
            linkRates = [:]
        }
        if linkRates[node, default: RateBucket()].take(
            DatagramLimits.linkPacketsPerMember, at: now)
        {
            return true
        }
        own.linkOverLimit += 1
        return false
    }

    /// Forgets what the core has forgotten.
    mutating func sweep(at now: MonotonicInstant) {
        nextSweep = now + DatagramLimits.sweepInterval
        let core = core
        sessions.sweep(at: now, known: core.members.count) { core.linkKey(of: $0) }
        book.sweep { core.members.slot(of: $0) != nil }
        linkRates = linkRates.filter { core.links.contains($0.key) }
    }
}
