import Wire

/// Answers to probes, and telling members what they are accused of.
extension GossipCore {
    mutating func receiveAck(
        _ number: UInt32, _ report: AckReport, _ heard: Heard, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        guard let slot = members.slot(of: heard.from) else { return }
        heardOpinion(number)
        members[slot].deal { dealings in
            dealings.load = report.load
            dealings.patience = report.patience
            dealings.patienceTold = now
            if let coordinate = report.coordinate { dealings.coordinate = coordinate }
            if heard.path == .datagram, number == dealings.trial { dealings.datagramPassed() }
        }
        if heard.path == .datagram, let observed = report.observed {
            if addressReports.count >= GossipLimits.addressReportsMax {
                addressReports.removeFirst()
            }
            addressReports.append((heard.from, observed))
        }
        let index = probes.firstIndex { $0.sequence == number && $0.target == slot }
        if index != nil || isOfNow(number, of: slot, by: heard.path) {
            members[slot].heard = now
            withdrawAccusation(of: slot, at: now, &effects)
        }
        guard let index else { return }
        let probe = probes.remove(at: index)
        succeeded(probe, by: heard.path)
        // Of a repeated question nobody knows which copy was answered (Karn's rule).
        guard heard.path == .datagram, probe.wentByDatagram, !probe.isRepeated else { return }
        measured(now - probe.sent, of: slot, at: now, using: &generator)
    }

    /// Whether an answer that no probe waits for says that a suspected member is there now: it is one
    /// to the last call, or came without a relay to a question as young as the suspicion.
    private func isOfNow(_ number: UInt32, of slot: Slot, by path: GossipPath) -> Bool {
        guard let suspicion = members[slot].suspicion?.value else { return false }
        if suspicion.askedNumber == number { return true }
        guard path == .datagram || path == .link, let floor = suspicion.floor else { return false }
        return Int32(bitPattern: number &- floor) >= 0
    }

    /// A datagram's own round trip: it moves this node on the map too.
    private mutating func measured(
        _ roundTrip: Duration, of slot: Slot, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        members[slot].deal { $0.measured(roundTrip) }
        guard let place = members[slot].dealings?.value.coordinate else { return }
        vivaldi.observe(roundTrip, of: members.id(slot), at: place, now: now, using: &generator)
        own.current.coordinate = vivaldi.coordinate
        if !own.isActivityDue {
            own.isActivityDue = own.hasNews(configuration, members: activeCount, at: now)
        }
    }

    /// A probe was answered.
    mutating func succeeded(_ probe: Probe, by path: GossipPath) {
        health.lower()
        health.asked(isMissed: probe.hasAskedOthers)
        if members[probe.target].dealings?.value.isDoubted == true {
            members[probe.target].deal { $0.isDoubted = false }
        }
        guard members[probe.target].dealings != nil || path != .datagram else { return }
        members[probe.target].deal { dealings in
            switch path {
            case .datagram: dealings.datagramPassed()
            case .link, .relay:
                if probe.wentByDatagram, probe.hasAskedOthers,
                    dealings.datagramSilences < GossipLimits.datagramSilencesMax
                {
                    dealings.datagramSilences += 1
                }
            }
            if case .relay(let relay) = path { dealings.relay = relay }
        }
    }

    // MARK: Telling the accused

    /// A ping; it tells its target what it is accused of, that it may refute it (Lifeguard's buddy
    /// system, section IV.C).
    mutating func sendPing(
        to slot: Slot, sequence: UInt32, path: GossipPath, isBare: Bool = false,
        at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        send(
            .ping(sequence: sequence), claims: accusationClaims(for: slot), toSlot: slot,
            path: path, isBare: isBare, at: now, &effects)
    }

    /// What a member is accused of, for itself: this node's own accusation first, and each accuser's
    /// claim to be here, without which it cannot be judged. Two, so that one accuser is told from
    /// several.
    func accusationClaims(for slot: Slot) -> [[UInt8]] {
        guard configuration.features.contains(.buddy),
            let suspicion = members[slot].suspicion?.value
        else { return [] }
        var chosen = suspicion.accusations.prefix(2)
        if let mine = suspicion.accusations.firstIndex(where: { $0.accuser == nodeID }), mine > 1 {
            chosen = [suspicion.accusations[mine], suspicion.accusations[0]]
        }
        var claims: [[UInt8]] = [own.aliveClaim.encoded]
        for accusation in chosen { claims.append(accusation.claim.encoded) }
        if let first = chosen.first, first.accuser != nodeID,
            let accuser = members.slot(of: first.accuser)
        {
            claims[0] = members[accuser].aliveClaim.encoded
        }
        return claims
    }

    /// Who is heard though it is suspected or buried is told so, once a period, unless the answer to
    /// its packet did already. This is how the sides of a healed partition revive each other.
    mutating func tellTheAccused(
        _ heard: inout Heard, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        guard !heard.wasTold, !own.isLeaving, configuration.features.contains(.buddy),
            let slot = members.slot(of: heard.from),
            members[slot].suspicion != nil, members[slot].version > 0
        else { return }
        let interval = configuration.probeInterval
        let isTime = members[slot].deal { dealings in
            guard dealings.told + interval <= now else { return false }
            dealings.told = now
            return true
        }
        guard isTime else { return }
        sendPing(to: slot, sequence: nextSequence(), path: heard.path, at: now, &effects)
    }
}
