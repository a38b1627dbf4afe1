import Wire

/// What others claim, and what follows from it.
extension GossipCore {
    mutating func receive(
        _ claims: [Claim], from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        // Who is alive comes first, whatever the order on the wire: the rest is judged by it.
        for claim in claims {
            if case .alive(let alive) = claim.body {
                receive(alive, claim, from: source, at: now, &effects)
            }
        }
        for claim in claims {
            switch claim.body {
            case .alive: break
            case .metadata(let metadata): receive(metadata, claim, &effects)
            case .activity(let activity): receive(activity, claim, &effects)
            case .leave(let leave): receive(leave, claim, at: now, &effects)
            case .suspect(let suspect):
                receive(suspect, claim, from: source, at: now, &effects)
            }
        }
    }

    private mutating func isGenuine(_ claim: Claim) -> Bool {
        counters.signaturesChecked += 1
        guard claim.isGenuine(for: authority) else {
            counters.forged += 1
            return false
        }
        return true
    }

    private mutating func receive(
        _ alive: AliveClaim, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard alive.node != nodeID else { return }
        if let member = members[alive.node] {
            let claimed = Standing(
                generation: alive.generation, incarnation: alive.incarnation, state: .alive)
            // What is known is not checked again: repetition costs no signature.
            guard claimed > member.standing else { return }
        } else if let waiting = pending[alive.node] {
            guard
                (alive.generation, alive.incarnation)
                    > (waiting.alive.generation, waiting.alive.incarnation)
            else { return }
        }
        guard isGenuine(claim) else { return }
        if certificates[alive.node] == alive.certificate {
            accept(alive, claim, at: now, &effects)
            return
        }
        // A member that renewed its certificate goes on under the old one, which was verified,
        // until the new one is; a node that is no member yet waits.
        if members[alive.node] != nil { accept(alive, claim, at: now, &effects) }
        if pending[alive.node] == nil {
            let told = pending.values.count { $0.source == source }
            guard pending.count < GossipLimits.pendingMax,
                told < GossipLimits.pendingPerSourceMax
            else {
                counters.overLimit += 1
                return
            }
        }
        pending[alive.node] = Pending(
            claim: claim, alive: alive, metadata: pending[alive.node]?.metadata,
            activity: pending[alive.node]?.activity, source: source,
            since: pending[alive.node]?.since ?? now,
            retryAt: now + configuration.reconnectInterval)
        effects.append(.fetchCertificate(of: alive.node, alive.certificate, from: source))
    }

    /// A member's claim to be here, genuine and certified.
    mutating func accept(
        _ alive: AliveClaim, _ claim: Claim, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard var member = members[alive.node] else {
            guard members.count < GossipLimits.membersMax else {
                counters.overLimit += 1
                return
            }
            var member = Member(alive: alive, aliveClaim: claim, stateSince: now)
            member.hasLink = links.contains(alive.node)
            members[alive.node] = member
            insertInOrder(alive.node)
            recount()
            broadcast(.alive(alive.node), claim)
            effects.append(.changed(alive.node, .joined))
            dialIfOutboundOnly(alive, &effects)
            return
        }
        let claimed = Standing(
            generation: alive.generation, incarnation: alive.incarnation, state: .alive)
        guard claimed > member.standing else { return }
        let isNewStart = alive.generation > member.alive.generation
        let wasDown = member.state != .alive
        member.alive = alive
        member.aliveClaim = claim
        member.state = .alive
        member.suspicion = nil
        member.leaveClaim = nil
        if isNewStart {
            member.metadata = nil
            member.metadataClaim = nil
            member.activity = nil
            member.activityClaim = nil
            member.load = .idle
            member.roundTrips = []
        }
        if wasDown || isNewStart { member.stateSince = now }
        members[alive.node] = member
        recount()
        broadcast(.alive(alive.node), claim)
        dropBroadcasts(about: alive.node)
        effects.append(
            .changed(alive.node, isNewStart ? .joined : wasDown ? .recovered : .updated))
        if isNewStart { dialIfOutboundOnly(alive, &effects) }
    }

    private func dialIfOutboundOnly(_ alive: AliveClaim, _ effects: inout [GossipEffect]) {
        guard ownAlive.reachability == .outboundOnly, alive.reachability == .direct,
            !links.contains(alive.node), links.count < GossipLimits.outboundLinksMax
        else { return }
        effects.append(.connect(alive.node, alive.addresses))
    }

    private mutating func receive(
        _ metadata: MetadataClaim, _ claim: Claim, _ effects: inout [GossipEffect]
    ) {
        guard metadata.node != nodeID else { return }
        guard let member = members[metadata.node] else {
            guard let waiting = pending[metadata.node],
                waiting.alive.generation == metadata.generation, waiting.metadata != claim,
                isGenuine(claim)
            else { return }
            pending[metadata.node]?.metadata = claim
            return
        }
        guard metadata.generation == member.alive.generation, member.state != .left else { return }
        if let known = member.metadata {
            guard metadata.version > known.version else { return }
        }
        guard isGenuine(claim) else { return }
        members[metadata.node]?.metadata = metadata
        members[metadata.node]?.metadataClaim = claim
        broadcast(.metadata(metadata.node), claim)
        effects.append(.changed(metadata.node, .updated))
    }

    private mutating func receive(
        _ activity: ActivityClaim, _ claim: Claim, _ effects: inout [GossipEffect]
    ) {
        guard activity.node != nodeID else { return }
        guard let member = members[activity.node] else {
            guard let waiting = pending[activity.node],
                waiting.alive.generation == activity.generation, waiting.activity != claim,
                isGenuine(claim)
            else { return }
            pending[activity.node]?.activity = claim
            return
        }
        guard activity.generation == member.alive.generation, member.state != .left else { return }
        if let known = member.activity {
            guard activity.version > known.version else { return }
        }
        guard isGenuine(claim) else { return }
        members[activity.node]?.activity = activity
        members[activity.node]?.activityClaim = claim
        broadcast(.activity(activity.node), claim)
        effects.append(.changed(activity.node, .updated))
    }

    private mutating func receive(
        _ leave: LeaveClaim, _ claim: Claim, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard leave.node != nodeID, var member = members[leave.node],
            leave.generation >= member.alive.generation, member.state != .left,
            isGenuine(claim)
        else { return }
        // Of a start whose first claim has not come yet: that claim will find it left.
        member.alive.generation = leave.generation
        member.state = .left
        member.stateSince = now
        member.suspicion = nil
        member.leaveClaim = claim
        members[leave.node] = member
        recount()
        dropBroadcasts(about: leave.node)
        broadcast(.leave(leave.node), claim)
        if probe?.target == leave.node { probe = nil }
        effects.append(.changed(leave.node, .left))
    }

    private mutating func receive(
        _ suspect: SuspectClaim, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard suspect.accuser != nodeID, suspect.accuser != suspect.subject,
            let accuser = members[suspect.accuser]
        else { return }
        if suspect.subject == nodeID {
            if suspect.generation == ownAlive.generation,
                suspect.incarnation < ownAlive.incarnation, !isLeaving
            {
                // Refuted already, and whoever passes it on has not heard: it is told, once for
                // each packet that it sends.
                answerDue = source
                return
            }
            // The accuser may be dead to this node: that is how the two sides of a partition meet
            // again, each having buried the other. Only an accusation of what this node really claimed counts: nobody can push its
            // incarnation ahead.
            guard suspect.generation == ownAlive.generation,
                suspect.incarnation == ownAlive.incarnation, !refutationDue, isGenuine(claim)
            else { return }
            refutationDue = true
            if canRefute(at: now) { refute(at: now) }
            return
        }
        guard accuser.isActive, let member = members[suspect.subject],
            suspect.generation == member.alive.generation,
            suspect.incarnation == member.alive.incarnation, member.isActive,
            member.suspicion?.accusers[suspect.accuser] == nil,
            member.suspicion?.wantsAccuser ?? true, isGenuine(claim)
        else { return }
        accuse(suspect, claim, at: now, &effects)
    }

    /// An accusation that counts: this node's own, or another member's genuine one.
    mutating func accuse(
        _ suspect: SuspectClaim, _ claim: Claim, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard var member = members[suspect.subject] else { return }
        if member.state == .alive {
            member.state = .suspect
            member.stateSince = now
            member.suspicion = newSuspicion(at: now)
            effects.append(.changed(suspect.subject, .suspected))
        }
        member.suspicion?.accusers[suspect.accuser] = claim
        members[suspect.subject] = member
        recount()
        broadcast(.suspect(suspect.subject, by: suspect.accuser), claim)
    }

    private func newSuspicion(at now: MonotonicInstant) -> Suspicion {
        let count = activeCount
        // log10 of the size in thousandths, from the number of digits: 1 up to 10 members, then
        // in even steps. Finer would be false precision.
        var scale = 1000
        var bound = 10
        while bound < count {
            scale += 1000 * (min(count, bound * 10) - bound) / (bound * 9)
            bound *= 10
        }
        let shortest =
            configuration.probeInterval.nanoseconds
            * Int64(configuration.suspicionMultiplier) * Int64(scale) / 1000
        // Who could confirm: neither the subject, nor oneself. With nobody, the long fuse holds,
        // unless the stream probe is refused.
        let confirmations = min(max(count - 2, 0), 3)
        return Suspicion(
            began: now, longest: .nanoseconds(shortest * Int64(configuration.suspicionSpan)),
            shortest: .nanoseconds(shortest), confirmationsMax: confirmations)
    }

    mutating func expireSuspicions(at now: MonotonicInstant, _ effects: inout [GossipEffect]) {
        for id in suspects {
            guard let suspicion = members[id]?.suspicion, now >= suspicion.deadline else {
                continue
            }
            members[id]?.state = .dead
            members[id]?.stateSince = now
            recount()
            effects.append(.changed(id, .died))
        }
    }

    private mutating func insertInOrder(_ id: NodeID) {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle] < id { low = middle + 1 } else { high = middle }
        }
        order.insert(id, at: low)
    }
}
