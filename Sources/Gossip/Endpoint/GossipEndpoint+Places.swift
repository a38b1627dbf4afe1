public import Wire

/// Where members are, and where and how this node itself can be reached.
extension GossipEndpoint {
    // MARK: Views

    /// Where datagrams for a member would go now, best first.
    public func addressesHeard(of node: NodeID, at now: MonotonicInstant) -> [NetworkAddress] {
        var book = book
        return book.destinations(
            of: node, candidates: core.claim(of: node)?.addresses ?? [], at: now)
    }

    /// Addresses at which others see this node, and which it therefore claims.
    public var ownObserved: [NetworkAddress] { book.own.adopted }

    /// How this node can be reached, as far as it found out.
    public var reachability: Reachability { monitor.current }

    /// The best that it can be, by its configuration and socket.
    public var reachabilityMax: Reachability { monitor.ceiling }

    // MARK: Evidence

    /// A datagram of a member's, authenticated, came from there.
    mutating func heard(
        _ node: NodeID, from source: NetworkAddress, isCopy: Bool, at now: MonotonicInstant
    ) {
        book.heard(
            node, from: source, isCopy: isCopy,
            candidates: core.claim(of: node)?.addresses ?? [], at: now)
    }

    /// The source of a member's datagram, if it is certain enough to be told to it.
    func observed(
        _ node: NodeID, from source: NetworkAddress, at now: MonotonicInstant
    ) -> NetworkAddress? {
        let candidates = core.claim(of: node)?.addresses ?? []
        return book.isSettled(node, at: source, candidates: candidates, now: now) ? source : nil
    }

    /// Takes what members said of this node's own address, in answers that came from `source`.
    mutating func takeReports(from source: NetworkAddress, at now: MonotonicInstant) {
        for report in core.addressReports {
            book.own.reported(report.address, by: report.by, from: source, at: now)
        }
        core.addressReports = []
    }

    /// A ping or its answer came by link or relay, though both ends could do with datagrams: perhaps
    /// they don't arrive here.
    mutating func noteDetour(_ packet: [UInt8], from node: NodeID, at now: MonotonicInstant) {
        guard GossipPacket.isProbe(packet), core.local.reachability == .direct,
            core.claim(of: node)?.reachability == .direct
        else { return }
        monitor.note(.datagramMissed(node), at: now)
    }

    // MARK: Conclusions

    /// Tells the core how this node can be reached and where, when that has changed.
    mutating func lookAtOneself(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [EndpointEffect]
    ) {
        guard now >= nextLook else { return }
        nextLook = now + DatagramLimits.lookInterval
        let members = core.participants
        // Asked only by a node that datagrams don't reach: counting takes time.
        let direct = monitor.current == .direct ? 0 : core.directOthers
        let found = monitor.classify(at: now, members: members, directOthers: direct)
        let addresses = book.own.candidates(members: members, at: now)
        guard found != told.reachability || addresses != told.addresses else { return }
        told = (found, addresses)
        run(.reachability(found, addresses), at: now, using: &generator, &effects)
    }
}
