import Wire

/// What this node says of itself.
extension GossipCore {
    mutating func changeIdentity(_ claim: AliveClaim, at now: MonotonicInstant) {
        guard claim.node == nodeID else { return }
        var claim = claim
        claim.versionOldest = configuration.versions.lowerBound
        claim.versionNewest = configuration.versions.upperBound
        own.identity = claim
        own.isAliveDue = own.isOutdated
        publish(at: now)
    }

    mutating func change(
        _ reachability: Reachability, _ addresses: [NetworkAddress], at now: MonotonicInstant
    ) {
        own.found = (reachability, Array(addresses.prefix(WireLimits.addressesMax)))
        own.isAliveDue = own.isOutdated
        publish(at: now)
    }

    mutating func change(_ metadata: MemberMetadata, at now: MonotonicInstant) {
        guard metadata.isWithinLimits else { return }
        own.wantedMetadata = metadata == own.metadata.metadata ? nil : metadata
        publish(at: now)
    }

    mutating func change(_ activity: MemberActivity, at now: MonotonicInstant) {
        let coordinate = own.current.coordinate
        own.current = activity.fitted
        own.current.coordinate = coordinate
        own.isActivityDue = own.hasNews(configuration, members: activeCount, at: now)
        publish(at: now)
    }

    /// Says what waits to be said, as far as it is time.
    mutating func publish(at now: MonotonicInstant) {
        guard !own.isLeaving else { return }
        if own.isAliveDue || own.isRefutationDue, own.mayRenew(configuration, at: now) {
            let isRefutation = own.isRefutationDue
            if own.renew(authority, at: now) {
                if isRefutation { counters.refutations += 1 }
                pass(on: own.aliveClaim, .alive, of: nil, lane: isRefutation ? .first : .second)
            }
        }
        if own.renewMetadata(authority, configuration, at: now) {
            pass(on: own.metadataClaim, .metadata, of: nil, lane: .second)
        }
        if own.renewActivity(authority, configuration, members: activeCount, at: now) {
            pass(on: own.activityClaim, .activity, of: nil, lane: .idle)
        }
    }

    /// A claim about this node that may be under its own key. Of an earlier start it is a memory; of
    /// a later one it says that somebody else is this node.
    mutating func heardOfOneself(
        _ generation: UInt64, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard generation > own.newestStart, isGenuine(claim, from: source, at: now) else { return }
        own.newestStart = generation
        counters.newerStarts += 1
        effects.append(.changed(nodeID, .displaced))
    }

    /// This node is accused: of its present incarnation it answers with a newer one, once a period
    /// at most, whoever accuses. Nobody can push it ahead further.
    mutating func accused(
        _ suspect: SuspectClaim, _ claim: Claim, _ heard: inout Heard, at now: MonotonicInstant
    ) {
        guard !own.isLeaving, suspect.generation == own.alive.generation else { return }
        let isPresent = suspect.incarnation == own.alive.incarnation
        if !isPresent {
            heard.owesRefutation = suspect.incarnation < own.alive.incarnation
            guard heard.owesRefutation, suspect.incarnation + 1 == own.alive.incarnation else {
                return
            }
        }
        let isNew = own.isNewAccuser(suspect.accuser, at: now)
        guard isNew || isPresent && !own.isRefutationDue,
            isGenuine(claim, from: heard.from, at: now)
        else { return }
        // One accuser may be the one that is unwell, or hostile; two say something about this node.
        if isNew, own.note(accuser: suspect.accuser, at: now),
            configuration.features.contains(.localHealth)
        {
            health.raise()
        }
        guard isPresent else { return }
        own.isRefutationDue = true
        publish(at: now)
        if !own.isRefutationDue { heard.owesRefutation = true }
    }

    /// Says goodbye.
    mutating func leave(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        guard !own.isLeaving else { return }
        own.isLeaving = true
        probes = []
        urgent = []
        let claim = Claim(
            .leave(LeaveClaim(node: nodeID, generation: own.alive.generation)),
            signedBy: authority)
        pass(on: claim, .leave, of: nil, lane: .first)
        // Told to more than a fan-out at once: there may be no next round.
        for slot in sample(
            2 * configuration.gossipFanout, using: &generator, where: { _, _ in true })
        {
            guard let path = path(toSlot: slot) else { continue }
            send(.none, claims: [claim.encoded], toSlot: slot, path: path, at: now, &effects)
        }
        nextGossip = now + configuration.gossipInterval
    }
}
