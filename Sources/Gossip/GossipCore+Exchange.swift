public import Wire

/// Push–pull; see ``StateSummary``.
extension GossipCore {
    /// What this node knows, to begin a push–pull with.
    func exchangeRequest() -> [UInt8] {
        var entries = [
            StateSummary.Entry(key: StateExchange.key(of: nodeID), fingerprint: ownFingerprint)
        ]
        for id in order {
            guard let member = members[id] else { continue }
            entries.append(
                StateSummary.Entry(
                    key: StateExchange.key(of: id), fingerprint: member.fingerprint))
        }
        entries.sort { $0.key < $1.key }
        return StateSummary(entries: entries).encoded()
    }

    private var ownFingerprint: UInt64 {
        Member.fingerprint(
            ownAlive, metadata: ownMetadata.version, activity: ownActivity.version,
            state: isLeaving ? .left : .alive)
    }

    /// Answers a member's push–pull: with what it lacks, and what is wanted of it. Nil when the
    /// request is malformed.
    public mutating func answer(
        _ request: [UInt8], from source: NodeID, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> (answer: [UInt8]?, effects: [GossipEffect]) {
        guard let summary = try? StateSummary(decoding: request) else {
            counters.malformed += 1
            return (nil, [])
        }
        var theirs: [UInt64: UInt64] = [:]
        for entry in summary.entries { theirs[entry.key] = entry.fingerprint }
        var claims: [[UInt8]] = []
        var wanted: [UInt64] = []
        func compare(_ key: UInt64, _ fingerprint: UInt64, _ own: () -> [[UInt8]]) {
            guard let other = theirs.removeValue(forKey: key) else { return claims += own() }
            guard other != fingerprint else { return }
            claims += own()
            wanted.append(key)
        }
        compare(StateExchange.key(of: nodeID), ownFingerprint) { ownClaims }
        for id in order {
            guard let member = members[id] else { continue }
            compare(StateExchange.key(of: id), member.fingerprint) { member.claims }
        }
        for entry in summary.entries where theirs[entry.key] != nil { wanted.append(entry.key) }
        let answer = StateAnswer.encode(
            claims: Array(claims.prefix(GossipLimits.stateClaimsMax)), wanted: wanted)
        return (answer, [])
    }

    private var ownClaims: [[UInt8]] {
        [ownAliveClaim.encoded, ownMetadataClaim.encoded, ownActivityClaim.encoded]
    }

    /// The answer to one's own push–pull: takes it in, and sends what is wanted.
    mutating func exchanged(
        _ bytes: [UInt8], from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard let answer = try? StateAnswer(decoding: bytes) else {
            counters.malformed += 1
            return
        }
        counters.unknownClaims += UInt64(answer.unknownClaims)
        receive(answer.claims, from: source, at: now, &effects)
        answerDue = nil  // what goes the other way says it
        let wanted = Set(answer.wanted)
        var claims: [[UInt8]] = []
        if wanted.contains(StateExchange.key(of: nodeID)) { claims += ownClaims }
        for id in order where wanted.contains(StateExchange.key(of: id)) {
            claims += members[id]?.claims ?? []
        }
        sendAll(claims, to: source, &effects)
    }

    /// As many packets over the link as the claims need.
    private mutating func sendAll(
        _ claims: [[UInt8]], to node: NodeID, _ effects: inout [GossipEffect]
    ) {
        let overhead = GossipPacket.overhead(of: .none)
        var batch: [[UInt8]] = []
        var used = overhead
        func flush(_ effects: inout [GossipEffect]) {
            guard !batch.isEmpty else { return }
            effects.append(
                .send(GossipPacket.encode(.none, claims: batch), to: node, path: .link))
            batch = []
            used = overhead
        }
        for claim in claims {
            if used + claim.count > GossipLimits.packetBytesMax
                || batch.count == GossipLimits.packetClaimsMax
            {
                flush(&effects)
            }
            batch.append(claim)
            used += claim.count
        }
        flush(&effects)
    }
}

extension Member {
    /// Of what this node holds of the member; see ``StateSummary``.
    var fingerprint: UInt64 {
        Self.fingerprint(
            alive, metadata: metadata?.version, activity: activity?.version, state: state)
    }

    static func fingerprint(
        _ alive: AliveClaim, metadata: UInt32?, activity: UInt32?, state: MemberState
    ) -> UInt64 {
        var value = StateExchange.mixed(alive.generation)
        value = StateExchange.mixed(value ^ UInt64(alive.incarnation))
        value = StateExchange.mixed(value ^ (metadata.map { UInt64($0) + 1 } ?? 0))
        value = StateExchange.mixed(value ^ (activity.map { UInt64($0) + 1 } ?? 0))
        let opinion: UInt64 =
            switch state {
            case .alive: 0
            case .suspect, .dead: 1
            case .left: 2
            }
        return StateExchange.mixed(value ^ opinion)
    }

    /// All that is said by and about the member.
    var claims: [[UInt8]] {
        var claims = [aliveClaim.encoded]
        if let claim = metadataClaim { claims.append(claim.encoded) }
        if let claim = activityClaim { claims.append(claim.encoded) }
        if let claim = leaveClaim { claims.append(claim.encoded) }
        if let suspicion {
            for accuser in suspicion.accusers.keys.sorted() {
                suspicion.accusers[accuser].map { claims.append($0.encoded) }
            }
        }
        return claims
    }
}
