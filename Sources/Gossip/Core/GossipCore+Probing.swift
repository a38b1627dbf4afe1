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
    /// Whether one of them said that it did its part, or cannot.
    var hasReceipt = false

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
    mutating func askAgain(
        _ index: Int, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        probes[index].isRepeated = true
        sendPing(
            to: probes[index].target, sequence: probes[index].sequence, path: .datagram,
            isBare: true, at: now, &effects)
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
}
