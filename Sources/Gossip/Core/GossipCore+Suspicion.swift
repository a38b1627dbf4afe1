import Wire

/// Accusations: what is believed of them, and how one ends.
///
/// Nobody's word kills. An accusation starts a timer at whoever hears of it, further accusers shorten
/// it, and at its end a node buries a member only if it asked the member itself and heard nothing
/// from it since the accusation.
extension GossipCore {
    /// An accusation of this node, by a member it knows. The accuser may be dead to this node: that
    /// is how the two sides of a partition meet again, each having buried the other.
    mutating func receiveAccusation(
        _ suspect: SuspectClaim, _ claim: Claim, _ heard: inout Heard, at now: MonotonicInstant
    ) {
        guard suspect.accuser != nodeID, members.slot(of: suspect.accuser) != nil else { return }
        accused(suspect, claim, &heard, at: now)
    }

    /// An accusation of another.
    mutating func receive(
        _ suspect: SuspectClaim, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard suspect.accuser != nodeID, suspect.accuser != suspect.subject,
            let accuser = members.slot(of: suspect.accuser), members[accuser].isThere,
            let slot = members.slot(of: suspect.subject)
        else { return }
        let member = members[slot]
        // Only of what the member really claimed, and each accuser once.
        guard member.isActive, suspect.generation == member.generation,
            suspect.incarnation == member.incarnation
        else { return }
        if suspect.isVerdict, !configuration.features.contains(.ownVerdict) {
            guard isGenuine(claim, from: source, at: now) else { return }
            // In place of the same accuser's suspicion.
            members[slot].suspicion?.value.withdraw(suspect.accuser)
            accuse(slot, claim, by: suspect.accuser, at: now, &effects)
            bury(slot, at: now, &effects)
            return
        }
        if let suspicion = member.suspicion?.value {
            guard suspicion.wantsAccuser, !suspicion.isAccused(by: suspect.accuser) else { return }
        }
        // An honest member accuses about as often as it probes. Of what an accuser brings itself the
        // rate is judged first, of what others bring only when it is genuine: nobody can use up
        // another's share.
        if source == suspect.accuser, !mayAccuse(accuser, at: now) { return }
        guard isGenuine(claim, from: source, at: now) else { return }
        if source != suspect.accuser, !mayAccuse(accuser, at: now) { return }
        accuse(slot, claim, by: suspect.accuser, at: now, &effects)
    }

    private mutating func mayAccuse(_ accuser: Slot, at now: MonotonicInstant) -> Bool {
        let isWithin = members[accuser].deal {
            $0.accusations.take(GossipLimits.accusations, at: now)
        }
        if !isWithin { counters.overLimit += 1 }
        return isWithin
    }

    /// An accusation that counts: this node's own, or another member's genuine one.
    mutating func accuse(
        _ slot: Slot, _ claim: Claim, by accuser: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        if members[slot].state == .alive {
            let suspicion = Suspicion(at: now, members: activeCount, configuration: configuration)
            members.change(slot) { member in
                member.state = .suspect
                member.stateSince = now
                member.suspicion = Boxed(suspicion)
            }
            effects.append(.changed(members.id(slot), .suspected))
        }
        members[slot].suspicion?.value.add(claim, by: accuser)
        if members[slot].suspicion?.value.floor == nil {
            members[slot].suspicion?.value.floor = sequence
        }
        nextSuspicion = now
        pass(on: claim, .suspect, of: slot, by: accuser, lane: .second)
    }

    /// This node's own accusation no longer holds: the member answered. Others' stand until it
    /// refutes them, which it will, since it hears of them with each packet.
    mutating func withdrawAccusation(
        of slot: Slot, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        guard members[slot].state == .suspect,
            members[slot].suspicion?.value.isAccused(by: nodeID) == true
        else { return }
        queue.remove(key(.suspect, of: slot, by: nodeID))
        let me = nodeID
        members[slot].suspicion?.value.withdraw(me)
        if members[slot].suspicion?.value.accusations.isEmpty == true {
            members.change(slot) { member in
                member.state = .alive
                member.stateSince = now
                member.suspicion = nil
            }
            effects.append(.changed(members.id(slot), .recovered))
        }
    }

    /// Accusations that no longer hold are not passed on.
    mutating func dropAccusations(of slot: Slot) {
        guard let suspicion = members[slot].suspicion?.value else { return }
        for accusation in suspicion.accusations {
            queue.remove(key(.suspect, of: slot, by: accusation.accuser))
        }
    }

    // MARK: Time

    /// How long a suspicion of a member lasts now: longer the later its own timers are, and this
    /// node's, up to three times.
    private func length(
        _ suspicion: Suspicion, of slot: Slot, at now: MonotonicInstant
    ) -> Duration {
        let length = suspicion.length
        guard configuration.features.contains(.patience) else { return length }
        let patience =
            Int(members[slot].dealings?.value.patience(at: now) ?? 0)
            + Int(health.patience(at: now))
        guard patience > 0 else { return length }
        let whole = Int(GossipLimits.patienceMax)
        return length * min(whole + 2 * patience, 3 * whole) / whole
    }

    /// Does what suspicions have due, and notes when there is more.
    mutating func attendSuspicions(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        nextSuspicion = MonotonicInstant(nanoseconds: .max)
        for slot in members.suspects {
            considerVolunteering(for: slot, at: now, using: &generator)
            // One step may be followed by another at once, by no more than a few.
            for _ in 0..<4 {
                guard let step = attend(slot, at: now, using: &generator, &effects) else { break }
                nextSuspicion = min(nextSuspicion, max(step, now + .milliseconds(1)))
                guard step <= now else { break }
            }
        }
    }

    /// Looks after one suspicion; returns when to do so again, nil when it ended.
    private mutating func attend(
        _ slot: Slot, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) -> MonotonicInstant? {
        guard members[slot].state == .suspect, let suspicion = members[slot].suspicion?.value
        else { return nil }
        let length = length(suspicion, of: slot, at: now)
        var end = suspicion.began + length
        if configuration.features.contains(.lastCall) {
            // What goes through another goes two ways, each way.
            let answerTime =
                health.stretched(configuration.probeTimeout) * (path(toSlot: slot) == nil ? 2 : 1)
            let last = end - answerTime
            // Half-way through the shortest time, that an answer can come before its end.
            let first = suspicion.began + suspicion.shortest / 2
            if !suspicion.wasCalled, suspicion.answerDue == nil, first < last {
                guard now >= first else { return first }
                members[slot].suspicion?.value.wasCalled = true
                // Many only heard of the suspicion, and may have missed the refutation. In a large
                // mesh not all ask at once: the accused may be well.
                let lot = Int.random(in: 0..<activeCount, using: &generator)
                if lot < GossipLimits.lastCallsMax {
                    callWidely(
                        slot, relays: max(1, configuration.indirectProbes),
                        answerDue: now + answerTime, at: now, using: &generator, &effects)
                }
                return last
            }
            // And before the end, unless that was just now.
            guard let answerDue = suspicion.answerDue, answerDue >= last else {
                guard now >= last else { return last }
                let due = now + answerTime
                callWidely(
                    slot, relays: lastCallRelays, answerDue: due, at: now, using: &generator,
                    &effects)
                dialOnce(slot, using: &generator, &effects)
                return max(end, due)
            }
            // However the time was shortened meanwhile: what was asked can be answered first.
            end = max(end, answerDue)
            if !suspicion.wasDialled {
                guard now >= end - answerTime else { return end - answerTime }
                dialOnce(slot, using: &generator, &effects)
            }
            if now >= end, isUnheard(suspicion) {
                // In quick succession: who is alone must notice all the others' deaths in time.
                let due = now + configuration.probeTimeout
                callWidely(
                    slot, relays: lastCallRelays, answerDue: due, at: now, using: &generator,
                    &effects)
                return due
            }
        }
        guard now >= end else { return end }
        if configuration.features.contains(.evidenceOfLife), !suspicion.wasSpared,
            members[slot].overheard > suspicion.began, members[slot].heard <= suspicion.began
        {
            // Perhaps it is there, and perhaps somebody held back what it said before it died.
            members[slot].suspicion?.value.wasSpared = true
            call(slot, relays: lastCallRelays, at: now, using: &generator, &effects)
            return now + health.stretched(configuration.probeTimeout)
        }
        if configuration.features.contains(.evidenceOfLife),
            members[slot].heard > suspicion.began
        {
            // It is there, and perhaps does not know what it is accused of.
            members[slot].suspicion?.value.restart(at: now)
            call(slot, relays: 0, at: now, using: &generator, &effects)
            return now + suspicion.shortest / 2
        }
        bury(slot, at: now, &effects)
        if !configuration.features.contains(.ownVerdict) { tellOfDeath(slot) }
        return nil
    }

    private mutating func bury(
        _ slot: Slot, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        members.change(slot) { member in
            member.state = .dead
            member.stateSince = now
        }
        probes.removeAll { $0.target == slot }
        effects.append(.changed(members.id(slot), .died))
    }

    /// As SWIM does: the others take this node's word.
    private mutating func tellOfDeath(_ slot: Slot) {
        var verdict = SuspectClaim(
            accuser: nodeID, subject: members.id(slot), generation: members[slot].generation,
            incarnation: members[slot].incarnation)
        verdict.isVerdict = true
        pass(
            on: Claim(.suspect(verdict), signedBy: authority), .suspect, of: slot, by: nodeID,
            lane: .second)
    }
}
