import Wire

/// A question under way.
struct Probe: Sendable {
    var sequence: UInt32
    var target: MemberTable.Slot
    var sent: MonotonicInstant
    /// Without an answer, it is asked once more then; nil when that was done, or is of no use.
    var again: MonotonicInstant?
    /// Without an answer, others are asked then.
    var timeout: MonotonicInstant
    /// Without an answer, it has failed then.
    var end: MonotonicInstant
    /// Whether a datagram went to the target itself.
    var wentByDatagram = false
    var hasAskedOthers = false
    /// Relays that have not said yet that they passed it on.
    var receiptsMissing: [MemberTable.Slot] = []
    /// How many relays were asked.
    var relaysAsked = 0

    /// Whether the target was asked more than once, so that nobody can tell which an answer is to.
    var isRepeated = false

    var nextStep: MonotonicInstant { hasAskedOthers ? end : again ?? timeout }
}

/// Failure detection: SWIM's probes (section 3), each sealed for its target whatever the way: by
/// datagram, over a link, or passed on by others, who can neither read nor answer it.
extension GossipCore {
    mutating func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    /// Does what probes have due.
    mutating func attendProbes(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        var index = 0
        while index < probes.count {
            if let again = probes[index].again, now >= again {
                probes[index].again = nil
                if now < probes[index].timeout { askAgain(index, at: now, &effects) }
            }
            if !probes[index].hasAskedOthers, now >= probes[index].timeout {
                askOthers(index, at: now, using: &generator, &effects)
            }
            // Not before the others had their time to answer, however late the first step was.
            if probes[index].hasAskedOthers, now >= probes[index].end {
                let failed = probes.remove(at: index)
                probeFailed(failed, at: now, &effects)
            } else {
                index += 1
            }
        }
        while !urgent.isEmpty, probes.count < GossipLimits.probesMax {
            let slot = urgent.removeFirst()
            probeOutOfTurn(slot, at: now, using: &generator, &effects)
        }
        guard now >= nextProbe else { return }
        nextProbe = now + health.stretched(configuration.probeInterval)
        guard probes.count < GossipLimits.probesMax, let target = nextTarget(using: &generator)
        else { return }
        beginProbe(of: target, at: now, using: &generator, &effects)
    }

    private mutating func beginProbe(
        of target: Slot, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        var probe = Probe(
            sequence: nextSequence(), target: target, sent: now,
            timeout: now + health.stretched(configuration.probeTimeout),
            end: now + health.stretched(configuration.probeInterval))
        let path = path(toSlot: target)
        if let path {
            probe.wentByDatagram = path == .datagram
            if path == .datagram, mayRepeat(to: target) {
                probe.again = now + (probe.timeout - now) / 2
            }
            sendPing(to: target, sequence: probe.sequence, path: path, at: now, &effects)
        } else if let relay = relays(for: target, count: 1, using: &generator).first {
            // Neither can reach the other: through a third at once.
            probe.relaysAsked = 1
            probe.receiptsMissing = [relay]
            sendPing(
                to: target, sequence: probe.sequence, path: .relay(members.id(relay)), at: now,
                &effects)
        } else {
            probe.timeout = now
        }
        if path != .datagram { tryDatagram(target, at: now, using: &generator, &effects) }
        probes.append(probe)
        if probe.timeout == now {
            askOthers(probes.count - 1, at: now, using: &generator, &effects)
        }
    }

    /// Whether an answer would have come by half of the time there is for it.
    private func mayRepeat(to target: Slot) -> Bool {
        guard configuration.features.contains(.repeats) else { return false }
        guard let roundTrip = members[target].dealings?.value.roundTrip else { return true }
        return roundTrip * 3 < configuration.probeTimeout
    }

    /// A datagram is easily lost, and one more is cheaper than asking others.
    private mutating func askAgain(
        _ index: Int, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        probes[index].isRepeated = true
        sendPing(
            to: probes[index].target, sequence: probes[index].sequence, path: .datagram, at: now,
            &effects)
    }

    /// Where datagrams don't pass, or are said not to, one is tried now and then besides: what keeps
    /// them may be gone. A node that datagrams don't reach itself tries hardly ever, since what comes
    /// back then proves nothing: only so that not all wait for each other where none is reached.
    private mutating func tryDatagram(
        _ target: Slot, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        let isTried =
            if own.alive.reachability == .direct {
                members[target].reachability == .direct
                    || UInt8.random(in: 0..<8, using: &generator) == 0
            } else {
                own.identity.reachability == .direct
                    && UInt8.random(in: 0..<128, using: &generator) == 0
            }
        guard isTried else { return }
        let number = nextSequence()
        members[target].deal { $0.trial = number }
        sendPing(to: target, sequence: number, path: .datagram, at: now, &effects)
    }

    /// One more probe than the period's.
    private mutating func probeOutOfTurn(
        _ slot: Slot, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        guard members[slot].isActive, !probes.contains(where: { $0.target == slot }) else { return }
        beginProbe(of: slot, at: now, using: &generator, &effects)
    }

    /// A suspicion heard of is looked into at once by a few members, drawn by lot: a dead member is
    /// confirmed soon, a living one is told what it must refute, and the mesh spends no more than so
    /// many probes on it.
    mutating func considerVolunteering(
        for slot: Slot, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) {
        guard configuration.features.contains(.volunteers),
            let suspicion = members[slot].suspicion?.value, !suspicion.isConsidered
        else { return }
        members[slot].suspicion?.value.isConsidered = true
        guard !suspicion.isAccused(by: nodeID) else { return }
        let lot = Int.random(in: 0..<activeCount, using: &generator)
        guard lot <= suspicion.confirmationsMax + 1,
            volunteering.take(GossipLimits.volunteering, at: now)
        else { return }
        urge(slot, at: now)
    }

    /// Has a member probed out of turn.
    mutating func urge(_ slot: Slot, at now: MonotonicInstant) {
        guard !own.isLeaving, urgent.count < GossipLimits.urgentMax, !urgent.contains(slot) else {
            return
        }
        if urgent.isEmpty { urgentSince = now }
        urgent.append(slot)
    }

    // MARK: Rounds

    /// Each round visits every member once, in an order of its own (section 4.3): a death is probed
    /// within 2N − 1 periods at the latest.
    private mutating func nextTarget(
        using generator: inout some RandomNumberGenerator
    ) -> Slot? {
        for _ in 0..<2 {
            while let slot = probeRound.popLast() {
                if members.contains(slot), members[slot].isActive,
                    !probes.contains(where: { $0.target == slot })
                {
                    return slot
                }
            }
            probeRound = members[.active].shuffled(using: &generator)
        }
        return nil
    }

    /// A new member is probed in the present round already.
    mutating func enterRound(_ slot: Slot) {
        // Its place follows from its number, which nobody chose: an even one will do.
        probeRound.append(slot)
        let place = Int(truncatingIfNeeded: members.id(slot).folded >> 1) % probeRound.count
        probeRound.swapAt(place, probeRound.count - 1)
    }

    // MARK: The second way

    private mutating func askOthers(
        _ index: Int, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        let target = probes[index].target
        let sequence = probes[index].sequence
        probes[index].hasAskedOthers = true
        probes[index].again = nil
        if probes[index].wentByDatagram, configuration.features.contains(.repeats) {
            askAgain(index, at: now, &effects)
        }
        // However late this is: others have as long as they were promised.
        let patience = probes[index].end - probes[index].timeout
        probes[index].end = max(probes[index].end, now + min(patience, configuration.probeTimeout))
        for relay in relays(for: target, count: configuration.indirectProbes, using: &generator) {
            probes[index].relaysAsked += 1
            if !probes[index].receiptsMissing.contains(relay) {
                probes[index].receiptsMissing.append(relay)
            }
            sendPing(
                to: target, sequence: sequence, path: .relay(members.id(relay)), at: now, &effects)
        }
        guard configuration.features.contains(.streamProbe) || path(toSlot: target) == nil else {
            return
        }
        // Datagrams may be blocked where streams pass.
        if members[target].hasLink {
            if probes[index].wentByDatagram {
                sendPing(to: target, sequence: sequence, path: .link, at: now, &effects)
            }
        } else if members[target].reachability.acceptsLinks || probes[index].relaysAsked == 0 {
            effects.append(.connect(members.id(target), members[target].alive.addresses))
        }
    }

    private mutating func probeFailed(
        _ failed: Probe, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        counters.probesFailed += 1
        health.asked(isMissed: true)
        // Heard meanwhile, it is there, whatever became of the question.
        if configuration.features.contains(.evidenceOfLife),
            members[failed.target].heard > failed.sent
        {
            return
        }
        // Relays that answer show that this node can hear: then the fault is not here (Lifeguard's
        // nack, section IV.A). Without any, it may be; but not once more for the same silence.
        let isKnown = members[failed.target].suspicion?.value.isAccused(by: nodeID) == true
        if configuration.features.contains(.localHealth), !isKnown {
            health.raise(by: failed.relaysAsked > 0 ? min(failed.receiptsMissing.count, 2) : 1)
        }
        if looksAgain(at: failed.target, at: now) { return }
        accuseUnanswering(failed.target, failed.sequence, at: now, &effects)
    }

    /// Where many questions go unanswered the ways lose datagrams, and a failure says little: the
    /// member is asked once more before it is accused. An accusation costs the whole mesh packets, of
    /// which such a mesh can carry least. In a small one it costs little, and time counts for more.
    private mutating func looksAgain(at slot: Slot, at now: MonotonicInstant) -> Bool {
        guard configuration.features.contains(.secondLook),
            activeCount >= GossipLimits.secondLookMembersMin,
            health.missedShare >= GossipLimits.missedShareMax, members[slot].state == .alive,
            members[slot].dealings?.value.isDoubted != true
        else { return false }
        members[slot].deal { $0.isDoubted = true }
        urge(slot, at: now)
        return true
    }

    /// - Parameter number: Of the question; an answer to it, however late, counts.
    private mutating func accuseUnanswering(
        _ slot: Slot, _ number: UInt32, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        let member = members[slot]
        guard member.isActive else { return }
        if let suspicion = member.suspicion?.value {
            guard suspicion.wantsAccuser, !suspicion.isAccused(by: nodeID) else { return }
        }
        let suspect = SuspectClaim(
            accuser: nodeID, subject: members.id(slot), generation: member.generation,
            incarnation: member.incarnation)
        accuse(
            slot, Claim(.suspect(suspect), signedBy: authority), by: nodeID, at: now, &effects)
        members[slot].suspicion?.value.floor = number
    }

    /// No link could be made to a member that a probe asks: where nobody else is asked, that settles
    /// it at once.
    mutating func probeRefused(
        _ slot: Slot, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        guard let index = probes.firstIndex(where: { $0.target == slot }),
            probes[index].hasAskedOthers, probes[index].relaysAsked == 0
        else { return }
        // The host answered, if not the member: this node can hear, and does not blame itself.
        let failed = probes.remove(at: index)
        counters.probesFailed += 1
        accuseUnanswering(slot, failed.sequence, at: now, &effects)
    }
}
