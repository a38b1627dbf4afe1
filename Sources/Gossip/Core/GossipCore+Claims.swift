import Wire

/// What others claim, and what follows from it.
extension GossipCore {
    /// Takes in the claims of one packet.
    mutating func receive(
        _ all: [Claim], _ heard: inout Heard, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        let claims = revoked.isEmpty ? all : all.filter { !revoked.contains($0.author) }
        counters.revoked += UInt64(all.count - claims.count)
        // Who is alive comes first, whatever the order on the wire: the rest is judged by it.
        for claim in claims {
            if case .alive(let alive) = claim.body {
                receive(alive, claim, from: heard.from, at: now, &effects)
            }
        }
        for claim in claims {
            switch claim.body {
            case .alive: break
            case .metadata(let metadata):
                receive(
                    Section(metadata), claim, from: heard.from, at: now, &effects)
            case .activity(let activity):
                receive(
                    Section(activity), claim, from: heard.from, at: now, &effects)
            case .leave(let leave): receive(leave, claim, from: heard.from, at: now, &effects)
            case .suspect(let suspect):
                if suspect.subject == nodeID {
                    receiveAccusation(suspect, claim, &heard, at: now)
                } else {
                    if let slot = members.slot(of: suspect.subject) {
                        noteRefuted(suspect, slot, &heard)
                    }
                    receive(suspect, claim, from: heard.from, at: now, &effects)
                }
            }
        }
    }

    /// Whether a claim's author signed it. Each source has so many checks, of which a forgery takes
    /// many: whoever forges is soon not listened to, and whoever brings true news always is.
    mutating func isGenuine(_ claim: Claim, from source: NodeID, at now: MonotonicInstant) -> Bool {
        let isWithin = deal(with: source) { dealings in
            if dealings.signatureCredit > 0 {
                dealings.signatureCredit -= 1
                return true
            }
            return dealings.signatures.take(GossipLimits.signatures, at: now)
        }
        guard isWithin else {
            counters.overLimit += 1
            return false
        }
        counters.signaturesChecked += 1
        if claim.isGenuine(for: authority) { return true }
        counters.forged += 1
        deal(with: source) { dealings in
            dealings.signatureCredit = max(0, dealings.signatureCredit - GossipLimits.forgeryCharge)
            dealings.signatures.charge(
                GossipLimits.signatures, GossipLimits.forgeryCharge, at: now)
        }
        return false
    }

    /// What is kept of dealings with a node: a member's or stranger's own, or what all others share.
    @discardableResult
    mutating func deal<Result>(
        with node: NodeID, _ change: (inout Dealings) -> Result
    ) -> Result {
        if let slot = members.slot(of: node) { return members[slot].deal(change) }
        guard links.contains(node),
            strangers[node] != nil || strangers.count < GossipLimits.strangersMax
        else { return change(&outsiders) }
        return change(&strangers[node, default: Dealings()])
    }

    /// Whether a new version of what a member says is genuine, and not one too many: everybody passes
    /// it on, so there may not be many in a short time, of its being here twice as many as of
    /// anything else. Only what is genuine counts, so nobody can use up another's share; and who used
    /// up its own costs no more checks.
    mutating func isWelcome(
        _ claim: Claim, of slot: Slot, from source: NodeID, rate: RateBucket.Rate,
        at now: MonotonicInstant
    ) -> Bool {
        guard members[slot].news.hasRoom(rate, at: now) else {
            counters.overLimit += 1
            return false
        }
        return isGenuine(claim, from: source, at: now)
            && members[slot].news.take(rate, at: now)
    }

    // MARK: Alive

    private mutating func receive(
        _ alive: AliveClaim, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard alive.node != nodeID else {
            return heardOfOneself(alive.generation, claim, from: source, at: now, &effects)
        }
        if let slot = members.slot(of: alive.node) {
            // What is known is not checked again: repetition costs no signature.
            guard isNews(alive, to: slot),
                isWelcome(
                    claim, of: slot, from: source, rate: GossipLimits.aliveNews, at: now)
            else { return }
            accept(alive, claim, slot, at: now, &effects)
            // A member that renewed its certificate goes on under the old one, which was verified,
            // until the new one is.
            guard !members[slot].isCertified else { return }
        } else {
            if let waiting = pending[alive.node],
                (alive.generation, alive.incarnation)
                    <= (waiting.alive.generation, waiting.alive.incarnation)
            {
                return
            }
            guard isGenuine(claim, from: source, at: now) else { return }
            if certificates[alive.node] == alive.certificate {
                admit(alive, claim, at: now, &effects)
                return
            }
        }
        awaitCertificate(alive, claim, from: source, at: now, &effects)
    }

    private func isNews(_ alive: AliveClaim, to slot: Slot) -> Bool {
        Standing(generation: alive.generation, incarnation: alive.incarnation, state: .alive)
            > members[slot].standing
    }

    /// Asks for the certificate that a claim names.
    private mutating func awaitCertificate(
        _ alive: AliveClaim, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        let waiting = pending[alive.node]
        if waiting == nil {
            let told = pending.values.count { $0.source == source }
            guard pending.count < GossipLimits.pendingMax,
                told < GossipLimits.pendingPerSourceMax
            else {
                counters.overLimit += 1
                if links.contains(source) { unfinished = source }
                return
            }
        }
        let isSameStart = waiting?.alive.generation == alive.generation
        pending[alive.node] = Pending(
            claim: claim, alive: alive, metadata: isSameStart ? waiting?.metadata : nil,
            activity: isSameStart ? waiting?.activity : nil, source: source,
            since: waiting?.since ?? now, retryAt: now + configuration.reconnectInterval)
        guard waiting?.alive.certificate != alive.certificate else { return }
        effects.append(
            .fetchCertificate(
                of: alive.node, alive.certificate, from: certificateSource(source, turn: 0)))
    }

    /// A node's first claim to be here, genuine and certified.
    mutating func admit(
        _ alive: AliveClaim, _ claim: Claim, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        if members.count >= GossipLimits.membersMax { forgetTheLongGone(at: now) }
        guard members.count < GossipLimits.membersMax else {
            counters.overLimit += 1
            return
        }
        let claim = authority.kept(claim)
        var member = Member(
            alive, claim, isCertified: true, versions: configuration.versions, at: now)
        member.hasLink = links.contains(alive.node)
        let slot = members.insert(member)
        certificates[alive.node] = nil
        strangers[alive.node] = nil
        if member.isActive { enterRound(slot) }
        pass(on: claim, .alive, of: slot, lane: .second)
        effects.append(.changed(alive.node, .joined))
        dialIfUnreachable(slot, &effects)
        if let source = unfinished, pending.count < GossipLimits.pendingMax / 8 {
            unfinished = nil
            if let slot = members.slot(of: source), members[slot].hasLink {
                requestExchange(with: slot, &effects)
            }
        }
    }

    /// A known member's newer claim to be here, genuine.
    mutating func accept(
        _ alive: AliveClaim, _ claim: Claim, _ slot: Slot, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        let claim = authority.kept(claim)
        let old = members[slot]
        let isNewStart = alive.generation > old.generation
        let wasDown = old.state != .alive
        dropAccusations(of: slot)
        queue.remove(key(.leave, of: slot))
        let versions = configuration.versions
        members.change(slot) { member in
            member.renew(alive, claim, versions: versions)
            member.state = .alive
            member.suspicion = nil
            if isNewStart {
                member.forgetSections()
                member.speaksByDatagram = false
                if member.dealings != nil { member.deal { $0.startOver() } }
            }
            if wasDown || isNewStart { member.stateSince = now }
        }
        if isNewStart {
            queue.remove(key(.metadata, of: slot))
            queue.remove(key(.activity, of: slot))
        }
        if old.state >= .dead, members[slot].isActive { enterRound(slot) }
        // A refutation keeps the living: it goes first.
        pass(on: claim, .alive, of: slot, lane: wasDown ? .first : .second)
        effects.append(
            .changed(alive.node, isNewStart ? .joined : wasDown ? .recovered : .updated))
        if isNewStart || old.reachability != alive.reachability {
            dialIfUnreachable(slot, &effects)
        }
    }

    // MARK: Leave

    private mutating func receive(
        _ leave: LeaveClaim, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard leave.node != nodeID else {
            return heardOfOneself(leave.generation, claim, from: source, at: now, &effects)
        }
        guard let slot = members.slot(of: leave.node),
            leave.generation >= members[slot].generation,
            members[slot].state != .left || leave.generation > members[slot].generation,
            isGenuine(claim, from: source, at: now)
        else { return }
        dropAccusations(of: slot)
        for kind in [ClaimKind.alive, .metadata, .activity] { queue.remove(key(kind, of: slot)) }
        let wasLeft = members[slot].state == .left
        members.change(slot) { member in
            // Of a start whose first claim has not come yet: that claim will find it left.
            member.depart(generation: leave.generation)
            member.state = .left
            member.stateSince = now
            member.suspicion = nil
            member.forgetSections()
            member.deal { $0.leaveClaim = claim }
        }
        pass(on: claim, .leave, of: slot, lane: .first)
        probes.removeAll { $0.target == slot }
        if !wasLeft { effects.append(.changed(leave.node, .left)) }
    }
}
