import Wire

/// What is asked before a burial: the accused itself, on every way there is, and others of what they
/// know.
extension GossipCore {
    /// Where datagrams are blocked since a moment ago nobody knows yet that links pass, and relays are no
    /// better off: a link is tried before a burial, once in each suspicion. In a large mesh not by
    /// all, since the accused may be well.
    mutating func dialOnce(
        _ slot: Slot, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        guard members[slot].suspicion?.value.wasDialled == false else { return }
        members[slot].suspicion?.value.wasDialled = true
        guard configuration.features.contains(.streamProbe), !members[slot].hasLink,
            members[slot].reachability.acceptsLinks,
            Int.random(in: 0..<activeCount, using: &generator) < GossipLimits.lastCallsMax
        else { return }
        effects.append(.connect(members.id(slot), members[slot].alive.addresses))
    }

    /// A relay may be cut off as well, and where a cut took most of a small mesh, three by lot may all
    /// lie beyond it. The last question goes through more: it is asked once, and a burial costs more
    /// than all of them. In a large mesh many ask it.
    var lastCallRelays: Int {
        let few = max(1, configuration.indirectProbes)
        return activeCount <= GossipLimits.lastCallsMax
            ? max(few, GossipLimits.lastCallRelaysMax) : few
    }

    /// A question without which nobody is buried: to the accused on every way there is, and to some
    /// others, who are told what it is accused of: whoever knows that it refuted that says so in the
    /// answer.
    mutating func callWidely(
        _ slot: Slot, relays: Int, answerDue: MonotonicInstant, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        members[slot].suspicion?.value.answerDue = answerDue
        call(slot, relays: relays, at: now, using: &generator, &effects)
        guard configuration.features.contains(.freshOpinion) else { return }
        askOpinions(of: slot, at: now, using: &generator, &effects)
    }

    /// Whether others were asked what they know of a member, and none has answered yet. Then this node
    /// may be the one that is cut off, or what they said was lost: it asks again, but not for ever,
    /// since they may be dead as well.
    func isUnheard(_ suspicion: Suspicion) -> Bool {
        let roundsMax =
            activeCount < GossipLimits.secondLookMembersMin
            ? GossipLimits.opinionRoundsMax : GossipLimits.opinionRoundsMaxOfMany
        return configuration.features.contains(.freshOpinion) && suspicion.opinionNumber != nil
            && !suspicion.hasOpinion && suspicion.opinionRounds < roundsMax
    }

    /// Asks a suspected member, on every way there is, and tells it of what it is accused; through so
    /// many others, and through one where that was needed before.
    mutating func call(
        _ slot: Slot, relays count: Int, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        let number = nextSequence()
        members[slot].suspicion?.value.askedNumber = number
        let path = path(toSlot: slot)
        if let path {
            sendPing(
                to: slot, sequence: number, path: path, isBare: count > 0, at: now, &effects)
        }
        if path == .datagram, members[slot].hasLink {
            sendPing(to: slot, sequence: number, path: .link, at: now, &effects)
        }
        let dealt = members[slot].dealt
        guard count > 0 || path == nil || dealt.datagramSilences > 0 || dealt.relay != nil
        else { return }
        for relay in relays(for: slot, count: max(1, count), using: &generator) {
            sendPing(
                to: slot, sequence: number, path: .relay(members.id(relay)), isBare: true, at: now,
                &effects)
        }
    }
}
