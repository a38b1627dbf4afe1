import Wire

/// Failure detection: SWIM's probes (section 3), with the link as a second opinion.
extension GossipCore {
    mutating func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    /// How a packet can reach a member now; nil when it cannot.
    func path(to id: NodeID) -> GossipPath? {
        guard let member = members[id] else { return links.contains(id) ? .link : nil }
        if member.datagramSilences >= GossipLimits.datagramSilencesMax, links.contains(id) {
            return .link
        }
        if ownAlive.reachability == .direct, member.alive.reachability == .direct {
            return .datagram
        }
        return links.contains(id) ? .link : nil
    }

    mutating func advanceProbe(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        if let current = probe, !current.askedOthers,
            now >= current.sent + configuration.probeTimeout
        {
            probe?.askedOthers = true
            askOthers(current, using: &generator, &effects)
        }
        guard now >= nextProbe else { return }
        if let current = probe {
            // Not before the others had their time to answer, however early this is called.
            if now < current.sent + configuration.probeInterval {
                nextProbe = current.sent + configuration.probeInterval
                return
            }
            probe = nil
            probeFailed(current, at: now, &effects)
        }
        nextProbe = now + configuration.probeInterval
        relayedNow = 0
        volunteer(using: &generator)
        guard let target = nextTarget(using: &generator) else { return }
        let number = nextSequence()
        probe = Probe(sequence: number, target: target, sent: now)
        if let path = path(to: target) {
            sendPing(to: target, sequence: number, path: path, &effects)
            // Where datagrams stopped passing, one is tried now and then beside the link.
            if path == .link, ownAlive.reachability == .direct,
                members[target]?.alive.reachability == .direct
            {
                sendPing(to: target, sequence: number, path: .datagram, &effects)
            }
        }
    }

    /// A suspicion heard of is looked into out of turn by a few members, drawn by lot: a dead member
    /// is confirmed soon, a living one is told what it must refute, and the mesh spends no more
    /// than so many probes on it.
    private mutating func volunteer(using generator: inout some RandomNumberGenerator) {
        for id in suspects {
            guard let suspicion = members[id]?.suspicion, !suspicion.isConsidered else { continue }
            members[id]?.suspicion?.isConsidered = true
            let lot = Int.random(in: 0..<activeCount, using: &generator)
            guard suspicion.accusers[nodeID] == nil, lot <= suspicion.confirmationsMax else {
                continue
            }
            probeRound.removeAll { $0 == id }
            probeRound.append(id)
        }
    }

    /// Each round visits every member once, in an order of its own (section 4.3): a death is probed
    /// within 2N − 1 periods at the latest.
    private mutating func nextTarget(
        using generator: inout some RandomNumberGenerator
    ) -> NodeID? {
        for _ in 0..<2 {
            while let id = probeRound.popLast() {
                if members[id]?.isActive == true { return id }
            }
            probeRound = active.shuffled(using: &generator)
        }
        return nil
    }

    private mutating func askOthers(
        _ current: Probe, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        let target = current.target
        let others = active.filter {
            $0 != target && members[$0]?.state == .alive && path(to: $0) != nil
        }
        for id in others.shuffled(using: &generator).prefix(configuration.indirectProbes) {
            sendPing(to: target, sequence: current.sequence, path: .relay(id), &effects)
        }
        // Datagrams may be blocked where streams pass.
        if links.contains(target) {
            sendPing(to: target, sequence: current.sequence, path: .link, &effects)
        } else if let member = members[target], member.alive.reachability == .direct {
            effects.append(.connect(target, member.alive.addresses))
        }
    }

    private mutating func probeFailed(
        _ failed: Probe, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        counters.probesFailed += 1
        guard let member = members[failed.target], member.isActive,
            member.suspicion?.accusers[nodeID] == nil, member.suspicion?.wantsAccuser ?? true
        else { return }
        let suspect = SuspectClaim(
            accuser: nodeID, subject: failed.target, generation: member.alive.generation,
            incarnation: member.alive.incarnation)
        accuse(suspect, Claim(.suspect(suspect), signedBy: authority), at: now, &effects)
    }

    mutating func receive(
        _ message: GossipMessage, from: NodeID, path: GossipPath, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        switch message {
        case .none: break
        case .ping(let number):
            let report = AckReport(load: ownActivity.activity.load)
            send(.ack(sequence: number, report), claims: [], to: from, path: path, &effects)
        case .ack(let number, let report):
            receiveAck(number, report, from: from, path: path, at: now, &effects)
        case .forward(let number, let target, let sealed):
            var way: GossipPath?
            if target != nodeID, relayedNow < GossipLimits.relaysMax { way = self.path(to: target) }
            send(
                .forwardReceipt(number: number, accepted: way != nil), claims: [], to: from,
                path: path, &effects)
            guard let way else { return }
            relayedNow += 1
            counters.relayed += 1
            send(
                .forwarded(from: from, sealed: sealed), claims: [], to: target, path: way,
                &effects)
        case .forwarded(let origin, let sealed):
            guard origin != nodeID, members[origin] != nil else { return }
            effects.append(.openRelayed(sealed, from: origin, via: from))
        case .forwardReceipt: break
        }
    }

    private mutating func receiveAck(
        _ number: UInt32, _ report: AckReport, from: NodeID, path: GossipPath,
        at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        guard let current = probe, current.sequence == number, from == current.target else {
            return
        }
        probe = nil
        if path == .link, current.askedOthers {
            members[from]?.datagramSilences += 1
        }
        members[current.target]?.load = report.load
        if !current.askedOthers {
            members[from]?.measured(now - current.sent)
        }
        withdrawSuspicion(of: current.target)
    }

    /// Half-way to burying a member, it is asked once more, and told of what: many only heard of the
    /// suspicion, and may have missed the refutation. At high loss this is what keeps the living.
    mutating func sendLastCalls(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        for id in suspects {
            guard let suspicion = members[id]?.suspicion, !suspicion.isCalled,
                now >= suspicion.lastCall
            else { continue }
            members[id]?.suspicion?.isCalled = true
            let share = Int.random(in: 0..<max(1, activeCount), using: &generator)
            guard share < GossipLimits.lastCallsMax else { continue }
            if let path = path(to: id) {
                sendPing(to: id, sequence: nextSequence(), path: path, &effects)
                if path == .datagram, links.contains(id) {
                    sendPing(to: id, sequence: nextSequence(), path: .link, &effects)
                }
            }
        }
    }

    /// One's own accusation no longer holds: the member answered. Others' stand until it refutes
    /// them, which it will, since it hears of them with each ping.
    private mutating func withdrawSuspicion(of id: NodeID) {
        broadcasts[.suspect(id, by: nodeID)] = nil
    }

    /// A ping tells its target what it is accused of: that it may refute it (Lifeguard's buddy
    /// system, section IV.C).
    mutating func sendPing(
        to id: NodeID, sequence: UInt32, path: GossipPath, _ effects: inout [GossipEffect]
    ) {
        var claims: [[UInt8]] = []
        if let suspicion = members[id]?.suspicion,
            let accuser = suspicion.accusers.keys.min(by: { a, b in
                // One's own first: the target may not know the other accusers.
                a == nodeID || (b != nodeID && a < b)
            }), let claim = suspicion.accusers[accuser]
        {
            // The target can only judge an accusation by a member it knows.
            claims = [ownAliveClaim.encoded, claim.encoded]
        }
        send(.ping(sequence: sequence), claims: claims, to: id, path: path, &effects)
    }
}
