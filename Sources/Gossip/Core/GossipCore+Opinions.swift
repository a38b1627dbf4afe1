import Wire

/// What others know of a member that is accused: an accusation that its subject refuted is corrected
/// by whoever hears of it, and nobody is buried before somebody was asked for that.
///
/// Gossip carries a refutation to all but a few. To one who is cut off from the accused, and misses
/// what the others pass on a bounded number of times, it would never come.
extension GossipCore {
    /// Asks a few members, by lot, what they know: each is told one accusation, which it judges as any
    /// other that it hears of.
    mutating func askOpinions(
        of slot: Slot, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        guard let suspicion = members[slot].suspicion?.value,
            let accusation = suspicion.accusations.first(where: { $0.accuser == nodeID })
                ?? suspicion.accusations.first
        else { return }
        let chosen = sample(GossipLimits.opinionsMax, using: &generator) { core, other in
            other != slot && core.members[other].state == .alive
                && core.path(toSlot: other) != nil
        }
        members[slot].suspicion?.value.opinionRounds += 1
        guard !chosen.isEmpty else { return }
        // One number for all times: a late answer to the first is as good.
        let number = suspicion.opinionNumber ?? nextSequence()
        members[slot].suspicion?.value.opinionNumber = number
        opinions = opinions.filter { members.contains($0.value) && isAsked($0.key, of: $0.value) }
        opinions[number] = slot
        for other in chosen {
            guard let path = path(toSlot: other) else { continue }
            send(
                .ping(sequence: number), claims: accusationClaims(for: other),
                asks: accusation.claim.encoded, toSlot: other, path: path, isBare: true, at: now,
                &effects)
        }
    }

    private func isAsked(_ number: UInt32, of slot: Slot) -> Bool {
        members[slot].suspicion?.value.opinionNumber == number
    }

    /// A question of ``askOpinions(of:at:using:_:)`` was answered. What the answer said of the accused
    /// came before this.
    mutating func heardOpinion(_ number: UInt32) {
        guard !opinions.isEmpty, let slot = opinions.removeValue(forKey: number),
            members.contains(slot), isAsked(number, of: slot)
        else { return }
        members[slot].suspicion?.value.hasOpinion = true
    }

    /// Somebody passes on, or asks about, an accusation that its subject is known to have refuted. What
    /// one brings against itself it refuted itself: no honest member does.
    func noteRefuted(_ suspect: SuspectClaim, _ slot: Slot, _ heard: inout Heard) {
        guard configuration.features.contains(.freshOpinion), members[slot].isThere,
            suspect.subject != heard.from,
            suspect.generation < members[slot].generation
                || suspect.generation == members[slot].generation
                    && suspect.incarnation < members[slot].incarnation,
            heard.refuted.count < GossipLimits.correctionsMax, !heard.refuted.contains(slot)
        else { return }
        heard.refuted.append(slot)
    }

    /// Corrects whom no answer corrected: once a period, since many may still pass on what was
    /// refuted a moment ago.
    mutating func correct(
        _ heard: Heard, at now: MonotonicInstant, _ effects: inout [GossipEffect]
    ) {
        guard !heard.refuted.isEmpty, !own.isLeaving, let slot = members.slot(of: heard.from)
        else { return }
        let interval = configuration.probeInterval
        let isTime = members[slot].deal { dealings in
            guard dealings.corrected + interval <= now else { return false }
            dealings.corrected = now
            return true
        }
        guard isTime else { return }
        send(
            .none, claims: [], corrections: corrections(for: heard), toSlot: slot,
            path: heard.path, isBare: true, at: now, &effects)
    }

    /// The claims that refute what a packet said.
    func corrections(for heard: Heard) -> [[UInt8]] {
        heard.refuted.map { members[$0].aliveClaim.encoded }
    }
}
