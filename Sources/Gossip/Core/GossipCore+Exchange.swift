public import Wire

/// Push–pull; see ``StateSummary``.
extension GossipCore {
    /// How often one node begins an exchange: less often the larger the mesh, as memberlist does.
    var exchangeInterval: Duration {
        var scale = 1
        var bound = 32
        while bound < activeCount {
            scale += 1
            bound *= 2
        }
        return configuration.pushPullInterval * scale
    }

    mutating func beginExchange(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        // Spread, so that nodes started together don't exchange together.
        let interval = exchangeInterval
        nextPushPull = now + interval * Int.random(in: 750...1250, using: &generator) / 1000
        let chosen = sample(1, using: &generator) { core, slot in
            core.members[slot].hasLink || core.members[slot].reachability.acceptsLinks
        }
        guard let slot = chosen.first else { return }
        if members[slot].hasLink {
            requestExchange(with: slot, &effects)
        } else {
            // The link's opening is followed by an exchange.
            effects.append(.connect(members.id(slot), members[slot].alive.addresses))
        }
    }

    /// Asks a member for what this node lacks, over the link there is.
    mutating func requestExchange(with slot: Slot, _ effects: inout [GossipEffect]) {
        guard members[slot].version > 0 else { return }
        requestExchange(with: members.id(slot), version: members[slot].version, &effects)
    }

    mutating func requestExchange(
        with node: NodeID, version: UInt8, _ effects: inout [GossipEffect]
    ) {
        effects.append(.pushPull(node, exchangeRequest(version: version)))
    }

    /// What this node knows, in short.
    func exchangeRequest(version: UInt8) -> [UInt8] {
        var entries = [
            StateSummary.Entry(key: StateExchange.key(of: nodeID), fingerprint: ownFingerprint)
        ]
        entries.reserveCapacity(members.count + 1)
        for slot in members.order {
            entries.append(
                StateSummary.Entry(
                    key: StateExchange.key(of: members.id(slot)),
                    fingerprint: fingerprint(of: slot)))
        }
        entries.sort { $0.key < $1.key }
        // Two of one key, made on purpose, must not spoil the exchange: only one is told of.
        for index in entries.indices.dropFirst().reversed()
        where entries[index].key == entries[index - 1].key { entries.remove(at: index) }
        return StateSummary(entries: entries).encoded(version: version)
    }

    /// Answers a member's push–pull: with what it lacks, and what is wanted of it. Nil when the
    /// request is malformed, or comes too soon after others of the same member.
    public mutating func answer(
        _ request: [UInt8], from source: NodeID, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> (answer: [UInt8]?, effects: [GossipEffect]) {
        guard !revoked.contains(source) else {
            counters.revoked += 1
            return (nil, [])
        }
        guard source != nodeID,
            let summary = try? StateSummary(decoding: request, versions: configuration.versions)
        else {
            counters.malformed += 1
            return (nil, [])
        }
        // An answer may be long, and a request short.
        let isWithin = deal(with: source) {
            $0.exchanges.take(GossipLimits.exchanges, at: now)
        }
        guard isWithin else {
            counters.overLimit += 1
            return (nil, [])
        }
        if let slot = members.slot(of: source) { members[slot].heard = now }
        lastExchange = now
        let (claims, wanted) = difference(from: summary)
        // It will send this much over the link.
        credit(source, wanted.count * 4)
        let version = min(configuration.versions.upperBound, request.first ?? 1)
        return (StateAnswer.encode(claims: claims, wanted: wanted, version: version), [])
    }

    /// Lets a node bring so many signatures, since it was asked for them.
    private mutating func credit(_ node: NodeID, _ count: Int) {
        deal(with: node) { $0.signatureCredit = max($0.signatureCredit, count) }
    }

    /// What another lacks, and the keys of what this node may lack.
    private func difference(from summary: StateSummary) -> (claims: [[UInt8]], wanted: [UInt64]) {
        var claims: [[UInt8]] = []
        var wanted: [UInt64] = []
        var bytes = 0
        func add(_ more: [[UInt8]]) {
            let length = more.reduce(0) { $0 + $1.count }
            guard bytes + length <= GossipLimits.answerBytesMax,
                claims.count + more.count <= GossipLimits.stateClaimsMax
            else { return }
            bytes += length
            claims += more
        }
        // Both in order of keys, side by side.
        var mine: [(key: UInt64, slot: Slot?)] = [(StateExchange.key(of: nodeID), nil)]
        mine.reserveCapacity(members.count + 1)
        for slot in members.order { mine.append((StateExchange.key(of: members.id(slot)), slot)) }
        mine.sort { $0.key < $1.key }
        var index = 0
        for (key, slot) in mine {
            while index < summary.entries.count, summary.entries[index].key < key {
                wanted.append(summary.entries[index].key)
                index += 1
            }
            guard index < summary.entries.count, summary.entries[index].key == key else {
                // Who is gone is no news to whoever never knew it: it would only bring it back.
                if slot.map({ members[$0].isThere }) ?? true { add(self.claims(of: slot)) }
                continue
            }
            if summary.entries[index].fingerprint != fingerprint(of: slot) {
                add(self.claims(of: slot))
                wanted.append(key)
            }
            index += 1
        }
        for entry in summary.entries[index...] { wanted.append(entry.key) }
        return (claims, wanted)
    }

    /// The answer to one's own push–pull: takes it in, and sends what is wanted.
    mutating func exchanged(
        _ bytes: [UInt8], from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard source != nodeID,
            let answer = try? StateAnswer(decoding: bytes, versions: configuration.versions)
        else {
            counters.malformed += 1
            return
        }
        counters.unknownClaims += UInt64(answer.unknownClaims)
        if let slot = members.slot(of: source) { members[slot].heard = now }
        lastExchange = now
        var heard = Heard(from: source, path: .link)
        credit(source, answer.claims.count)
        receive(answer.claims, &heard, at: now, &effects)
        let about = Set(answer.claims.map { StateExchange.key(of: $0.subject) })
        let wanted = Set(answer.wanted)
        var claims: [[UInt8]] = []
        if heard.owesRefutation || wanted.contains(StateExchange.key(of: nodeID)) {
            claims += own.claims
        }
        for slot in members.order {
            let key = StateExchange.key(of: members.id(slot))
            guard wanted.contains(key) else { continue }
            // Whoever has nothing to say of one who is gone never knew it.
            if members[slot].isThere || about.contains(key) { claims += self.claims(of: slot) }
        }
        sendAll(claims, to: source, &effects)
    }

    /// As many packets over the link as the claims need.
    private mutating func sendAll(
        _ claims: [[UInt8]], to node: NodeID, _ effects: inout [GossipEffect]
    ) {
        let slot = members.slot(of: node)
        let version = slot.map { members[$0].version } ?? configuration.versions.lowerBound
        guard version > 0, !claims.isEmpty else { return }
        let room = GossipLimits.packetBytesMax - GossipPacket.overhead(of: .none)
        var start = 0
        var sent = 0
        while start < claims.count, sent < GossipLimits.answerBytesMax {
            var end = start
            var used = 0
            while end < claims.count, end - start < GossipLimits.packetClaimsMax,
                used + claims[end].count <= room
            {
                used += claims[end].count
                end += 1
            }
            guard end > start else { return }  // no claim is longer than a packet
            counters.packetsSent += 1
            sent += used
            let packet = GossipPacket.encode(
                .none, claims: Array(claims[start..<end]), version: version)
            effects.append(.send(packet, to: node, path: .link))
            start = end
        }
    }

    // MARK: What is held of a member

    /// All that is said by a member and, while it is suspected or dead, of it; nil stands for this
    /// node. A death is never told without the accusations that the other judges for itself.
    func claims(of slot: Slot?) -> [[UInt8]] {
        guard let slot else { return own.claims }
        let member = members[slot]
        var claims = [member.aliveClaim.encoded]
        if let claim = member.metadataClaim { claims.append(claim.encoded) }
        if let claim = member.activityClaim { claims.append(claim.encoded) }
        if let claim = member.dealings?.value.leaveClaim, member.state == .left {
            claims.append(claim.encoded)
        }
        for accusation in member.suspicion?.value.accusations ?? [] {
            claims.append(accusation.claim.encoded)
        }
        return claims
    }

    private var ownFingerprint: UInt64 {
        Self.fingerprint(
            own.alive.generation, own.alive.incarnation, metadata: own.metadata.version,
            activity: own.activity.version, state: own.isLeaving ? .left : .alive)
    }

    private func fingerprint(of slot: Slot?) -> UInt64 {
        guard let slot else { return ownFingerprint }
        return Self.fingerprint(
            members[slot].generation, members[slot].incarnation,
            metadata: members[slot].section(.metadata)?.version,
            activity: members[slot].section(.activity)?.version, state: members[slot].state)
    }

    private static func fingerprint(
        _ generation: UInt64, _ incarnation: UInt32, metadata: UInt32?, activity: UInt32?,
        state: MemberState
    ) -> UInt64 {
        // Of one that left nothing else counts.
        guard state != .left else { return StateExchange.mixed(~generation) }
        var value = StateExchange.mixed(generation)
        value = StateExchange.mixed(value ^ UInt64(incarnation))
        value = StateExchange.mixed(value ^ (metadata.map { UInt64($0) + 1 } ?? 0))
        value = StateExchange.mixed(value ^ (activity.map { UInt64($0) + 1 } ?? 0))
        return StateExchange.mixed(value ^ (state == .alive ? 0 : 1))
    }
}

extension Claim {
    /// Of whom it speaks.
    var subject: NodeID {
        if case .suspect(let claim) = body { return claim.subject }
        return author
    }
}
