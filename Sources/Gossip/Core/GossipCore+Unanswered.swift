import Wire

/// Probes that nothing answered in time: others are asked, and links tried (SWIM, section 3.1; the
/// stream as memberlist has it); then the member is accused.
extension GossipCore {
    mutating func askOthers(
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
                to: target, sequence: sequence, path: .relay(members.id(relay)), isBare: true,
                at: now, &effects)
        }
        guard configuration.features.contains(.streamProbe) || path(toSlot: target) == nil else {
            return
        }
        // Datagrams may be blocked where streams pass.
        if members[target].hasLink {
            if probes[index].wentByDatagram {
                sendPing(to: target, sequence: sequence, path: .link, at: now, &effects)
            }
        } else if !members[target].alive.addresses.isEmpty,
            members[target].reachability.acceptsLinks || probes[index].relaysAsked == 0
        {
            effects.append(.connect(members.id(target), members[target].alive.addresses))
        }
    }

    mutating func probeFailed(
        _ failed: Probe, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        counters.probesFailed += 1
        health.asked(isMissed: true)
        if wasHeardMeanwhile(failed, at: now) { return }
        // A relay that answers shows that this node can hear: then the fault is not here (Lifeguard's
        // nack, section IV.A), and other relays' silence is theirs. Who is cut off with a few would
        // else blame itself for all the others, and ask so seldom that it misses a death among them.
        // Without any answer it may be; but not once more for the same silence.
        let isKnown = members[failed.target].suspicion?.value.isAccused(by: nodeID) == true
        if configuration.features.contains(.localHealth), !isKnown {
            let silences = failed.relaysAsked > 0 ? min(failed.receiptsMissing.count, 2) : 1
            health.raise(by: failed.hasReceipt ? 0 : silences)
        }
        if looksAgain(at: failed.target, at: now) { return }
        accuseUnanswering(failed.target, failed.sequence, at: now, &effects)
    }

    /// Whether a member is there, whatever became of a question to it: it spoke since. A datagram that
    /// answers nothing may be a recording, of which somebody may have many: such a one is worth
    /// another question at once, and no more before an answer.
    private mutating func wasHeardMeanwhile(_ failed: Probe, at now: MonotonicInstant) -> Bool {
        guard configuration.features.contains(.evidenceOfLife) else { return false }
        let slot = failed.target
        if members[slot].heard > failed.sent { return true }
        guard members[slot].overheard > failed.sent,
            members[slot].dealings?.value.isDoubted != true
        else { return false }
        members[slot].deal { $0.isDoubted = true }
        urge(slot, at: now)
        return true
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
