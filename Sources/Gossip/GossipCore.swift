public import Wire

/// The way a packet goes.
public enum GossipPath: Sendable, Hashable {
    /// A datagram to the member's address.
    case datagram
    /// The gossip stream of an open link.
    case link
}

/// What happens to the core.
public enum GossipInput: Sendable {
    /// A packet came from an authenticated node.
    case packet([UInt8], from: NodeID, path: GossipPath)
    /// A member's full state came, as a push–pull's request or answer.
    case state([UInt8], from: NodeID)
    /// A link to a node is open; its certificate was verified.
    case linkOpened(NodeID, CertificateTag)
    /// The link to a node is gone.
    case linkClosed(NodeID)
    /// No link to the node could be made.
    case linkRefused(NodeID)
    /// A node's certificate was verified.
    case certified(NodeID, CertificateTag)
    /// The link's own measurement of its round trip.
    case roundTrip(NodeID, Duration)
    /// What this node offers has changed.
    case metadata(MemberMetadata)
    /// What this node says of itself has changed: key, certificate or addresses.
    case identity(AliveClaim)
    /// How busy this node is, for its acks.
    case load(MemberLoad)
    /// Known members to begin with.
    case seeds([(node: NodeID, addresses: [NetworkAddress])])
    /// This node stops.
    case leave
}

/// What the shell does for the core.
public enum GossipEffect: Sendable, Equatable {
    /// Send a packet. It may be lost.
    case send([UInt8], to: NodeID, path: GossipPath)
    /// Make a link, unless there is one, and report ``GossipInput/linkOpened(_:_:)`` or
    /// ``GossipInput/linkRefused(_:)``.
    case connect(NodeID, [NetworkAddress])
    /// Send this state over the link and report the answer as ``GossipInput/state(_:from:)``.
    case pushPull(NodeID, [UInt8])
    /// Get a node's certificate chain from a member, verify it, and report
    /// ``GossipInput/certified(_:_:)``. Nothing is reported of one that is refused.
    case fetchCertificate(of: NodeID, CertificateTag, from: NodeID)
    /// A member's view changed.
    case changed(NodeID, MemberEvent)
}

/// Counts of what happened, for status and tests.
public struct GossipCounters: Sendable, Equatable {
    /// Packets and states that could not be decoded.
    public var malformed: UInt64 = 0
    /// Claims whose signature is not their author's.
    public var forged: UInt64 = 0
    /// Claims dropped because a bound was reached.
    public var overLimit: UInt64 = 0
    /// Own incarnations spent on refutation.
    public var refutations: UInt64 = 0
    /// Probes that nobody answered.
    public var probesFailed: UInt64 = 0
    /// Packets handed to the shell.
    public var packetsSent: UInt64 = 0
    /// Signatures checked.
    public var signaturesChecked: UInt64 = 0
    /// Times this node was so late that it doubted itself rather than others.
    public var pauses: UInt64 = 0
}

/// How much the core holds; each has its bound in ``GossipLimits``.
public struct GossipSizes: Sendable, Equatable {
    /// Members, dead and departed ones included.
    public var members: Int
    /// Nodes whose certificate is awaited.
    public var pending: Int
    /// Claims waiting to be passed on.
    public var broadcasts: Int
    /// Probes under way for others.
    public var relays: Int
    /// The most accusations against one member.
    public var accusers: Int
}

/// The membership state machine of one node.
public struct GossipCore: Sendable {
    struct Probe {
        var sequence: UInt32
        var target: NodeID
        var sent: MonotonicInstant
        var askedOthers = false
        /// Whose word for the target's answer counts.
        var asked: [NodeID] = []
    }

    struct Relay {
        var requester: NodeID
        var target: NodeID
        var sequence: UInt32
        var expires: MonotonicInstant
    }

    struct Broadcast {
        var bytes: [UInt8]
        var sent = 0
        var order: UInt64
    }

    enum BroadcastKey: Hashable {
        case alive(NodeID)
        case metadata(NodeID)
        case leave(NodeID)
        case suspect(NodeID, by: NodeID)

        var subject: NodeID {
            switch self {
            case .alive(let id), .metadata(let id), .leave(let id), .suspect(let id, _): id
            }
        }
    }

    struct Pending {
        var claim: Claim
        var alive: AliveClaim
        var metadata: Claim?
        var source: NodeID
        var since: MonotonicInstant
        var retryAt: MonotonicInstant
    }

    let configuration: GossipConfiguration
    let authority: any ClaimAuthority
    /// This node.
    public let nodeID: NodeID
    var ownAlive: AliveClaim
    var ownAliveClaim: Claim
    var ownMetadata: MetadataClaim
    var ownMetadataClaim: Claim
    var ownLoad = MemberLoad.idle
    var isLeaving = false
    var refutationDue = false
    /// Who still passes on what this node has refuted.
    var answerDue: NodeID?
    var lastRefutation: MonotonicInstant?

    var members: [NodeID: Member] = [:]
    /// The members' ids in order: a dictionary's own order differs from run to run.
    var order: [NodeID] = []
    /// Those of them that take part; see ``recount()``.
    var active: [NodeID] = []
    /// Those of them that are suspected.
    var suspects: [NodeID] = []
    var pending: [NodeID: Pending] = [:]
    var certificates: [NodeID: CertificateTag] = [:]
    var links: Set<NodeID> = []
    var seeds: [NodeID: [NetworkAddress]] = [:]

    var broadcasts: [BroadcastKey: Broadcast] = [:]
    var broadcastCount: UInt64 = 0
    var sequence: UInt32 = 0
    var probe: Probe?
    var probeRound: [NodeID] = []
    var relays: [UInt32: Relay] = [:]

    var nextProbe: MonotonicInstant
    var nextGossip: MonotonicInstant
    var nextPushPull: MonotonicInstant
    var nextReconnect: MonotonicInstant

    /// What was counted so far.
    public internal(set) var counters = GossipCounters()

    /// A node that has just started and knows nobody.
    ///
    /// - Parameters:
    ///   - local: What it says of itself; the generation must be newer than any it used before.
    ///   - metadata: What it offers; within ``MemberMetadata/isWithinLimits``.
    public init(
        local: AliveClaim, metadata: MemberMetadata, authority: any ClaimAuthority,
        configuration: GossipConfiguration = GossipConfiguration(), now: MonotonicInstant
    ) {
        precondition(metadata.isWithinLimits, "metadata is checked where models are configured")
        let local = local.fitted
        self.configuration = configuration
        self.authority = authority
        nodeID = local.node
        ownAlive = local
        ownAliveClaim = Claim(.alive(local), signedBy: authority)
        ownMetadata = MetadataClaim(
            node: local.node, generation: local.generation, version: 0, metadata: metadata)
        ownMetadataClaim = Claim(.metadata(ownMetadata), signedBy: authority)
        nextProbe = now + configuration.probeInterval
        nextGossip = now + configuration.gossipInterval
        nextPushPull = now + configuration.pushPullInterval
        nextReconnect = now
    }

    // MARK: Views

    /// All other members known, dead and left ones included, in order of their ids.
    public var memberViews: [MemberView] { order.compactMap { members[$0]?.view($0) } }

    /// One other member.
    public func view(of node: NodeID) -> MemberView? { members[node]?.view(node) }

    /// How much is held.
    public var sizes: GossipSizes {
        GossipSizes(
            members: members.count, pending: pending.count, broadcasts: broadcasts.count,
            relays: relays.count,
            accusers: members.values.map { $0.suspicion?.accusers.count ?? 0 }.max() ?? 0)
    }

    /// What this node says of itself now.
    public var local: AliveClaim { ownAlive }

    /// What this node offers now.
    public var localMetadata: MemberMetadata { ownMetadata.metadata }

    /// How many members take part, this one included.
    var activeCount: Int { active.count + 1 }

    /// To be called after any change of a member's state: who takes part and who is suspected is
    /// asked with every packet and changes seldom.
    mutating func recount() {
        active = order.filter { members[$0]?.isActive == true }
        suspects = active.filter { members[$0]?.state == .suspect }
    }

    /// When ``tick(at:using:)`` has something to do. An early or late call is safe.
    public var nextDeadline: MonotonicInstant {
        var earliest = min(nextProbe, nextPushPull, nextReconnect)
        if !broadcasts.isEmpty { earliest = min(earliest, nextGossip) }
        if let probe, !probe.askedOthers {
            earliest = min(earliest, probe.sent + configuration.probeTimeout)
        }
        for id in suspects {
            if let suspicion = members[id]?.suspicion {
                earliest = min(earliest, suspicion.nextStep)
            }
        }
        return earliest
    }

    /// Full state, to answer a push–pull with.
    public func state() -> [UInt8] {
        var claims = [ownAliveClaim.encoded, ownMetadataClaim.encoded]
        for id in order {
            guard let member = members[id] else { continue }
            claims.append(member.aliveClaim.encoded)
            if let claim = member.metadataClaim { claims.append(claim.encoded) }
            if let claim = member.leaveClaim { claims.append(claim.encoded) }
            if !member.isActive || member.state == .suspect, let suspicion = member.suspicion {
                for accuser in suspicion.accusers.keys.sorted() {
                    suspicion.accusers[accuser].map { claims.append($0.encoded) }
                }
            }
        }
        return GossipState.encode(Array(claims.prefix(GossipLimits.stateClaimsMax)))
    }

    // MARK: Inputs

    /// Takes in what happened. Input from outside that is malformed or forged is counted and
    /// changes nothing.
    public mutating func handle(
        _ input: GossipInput, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [GossipEffect] {
        var effects: [GossipEffect] = []
        switch input {
        case .packet(let bytes, let from, let path):
            guard let packet = try? GossipPacket(decoding: bytes) else {
                counters.malformed += 1
                return []
            }
            if path == .datagram { members[from]?.datagramSilences = 0 }
            receive(packet.claims, from: from, at: now, &effects)
            if answerDue != nil {
                answerDue = nil
                send(.none, claims: [ownAliveClaim.encoded], to: from, path: path, &effects)
            }
            receive(packet.message, from: from, path: path, at: now, using: &generator, &effects)
        case .state(let bytes, let from):
            guard let state = try? GossipState(decoding: bytes) else {
                counters.malformed += 1
                return []
            }
            receive(state.claims, from: from, at: now, &effects)
            answerDue = nil  // the state that goes the other way says it
        case .linkOpened(let node, let tag): linkOpened(node, tag, at: now, &effects)
        case .linkClosed(let node):
            links.remove(node)
            members[node]?.hasLink = false
            // A link that breaks is the first sign of a death: its end is probed next.
            if members[node]?.isActive == true, !isLeaving {
                probeRound.removeAll { $0 == node }
                probeRound.append(node)
                nextProbe = min(nextProbe, now + configuration.gossipInterval)
            }
        case .linkRefused(let node): linkRefused(node, at: now)
        case .certified(let node, let tag): certified(node, tag, at: now, &effects)
        case .roundTrip(let node, let duration): members[node]?.measured(duration)
        case .metadata(let metadata):
            guard metadata.isWithinLimits, metadata != ownMetadata.metadata else { return [] }
            ownMetadata.metadata = metadata
            ownMetadata.version += 1
            ownMetadataClaim = Claim(.metadata(ownMetadata), signedBy: authority)
            broadcast(.metadata(nodeID), ownMetadataClaim)
        case .identity(let claim): changeIdentity(claim)
        case .load(let load): ownLoad = load
        case .seeds(let list):
            for seed in list.prefix(GossipLimits.pendingMax) where seed.node != nodeID {
                seeds[seed.node] = seed.addresses
            }
            nextReconnect = now
        case .leave: leave(at: now, using: &generator, &effects)
        }
        return effects
    }

    /// Does what is due at `now`.
    public mutating func tick(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [GossipEffect] {
        var effects: [GossipEffect] = []
        guard !isLeaving else {
            if now >= nextGossip { gossip(at: now, using: &generator, &effects) }
            nextProbe = now + configuration.probeInterval
            nextPushPull = now + configuration.pushPullInterval
            nextReconnect = now + configuration.reconnectInterval
            return effects
        }
        noteLateness(at: now)
        sendLastCalls(at: now, using: &generator, &effects)
        expireSuspicions(at: now, &effects)
        advanceProbe(at: now, using: &generator, &effects)
        if refutationDue, canRefute(at: now) { refute(at: now) }
        if now >= nextGossip { gossip(at: now, using: &generator, &effects) }
        if now >= nextPushPull {
            nextPushPull = now + configuration.pushPullInterval
            let linked = active.filter { links.contains($0) }
            if let partner = linked.randomElement(using: &generator) {
                effects.append(.pushPull(partner, state()))
            } else if let id = active.randomElement(using: &generator), let member = members[id],
                member.alive.reachability == .direct
            {
                // The link's opening is followed by a push–pull.
                effects.append(.connect(id, member.alive.addresses))
            }
        }
        if now >= nextReconnect { reconnect(at: now, using: &generator, &effects) }
        return effects
    }

    /// A node that slept, or had no time for gossip, must not blame others for its own silence: it
    /// drops its open questions, and those it suspects get that much longer to be heard
    /// (Cassandra's pause rule).
    private mutating func noteLateness(at now: MonotonicInstant) {
        let lateness = now - nextDeadline
        guard lateness >= configuration.pauseThreshold else { return }
        counters.pauses += 1
        probe = nil
        relays = [:]
        nextProbe = now + configuration.probeTimeout
        for id in suspects {
            guard let began = members[id]?.suspicion?.began else { continue }
            members[id]?.suspicion?.began = min(now, began + lateness)
        }
    }

    /// Forgets those that left long ago, and of the dead and departed the longest gone when there
    /// are too many. Dead members are kept as long as there is room: they are who a healed
    /// partition is found by.
    private mutating func forgetTheLongGone(at now: MonotonicInstant) {
        var gone = order.filter { members[$0]?.isActive == false }
        let room =
            members.count >= GossipLimits.membersMax
            ? max(0, gone.count - GossipLimits.membersMax / 8) : 0
        let excess = max(room, gone.count - GossipLimits.tombstonesMax)
        gone.removeAll { id in
            guard let member = members[id], member.state == .left,
                now - member.stateSince >= configuration.tombstoneLifetime
            else { return false }
            forget(id)
            return true
        }
        guard excess > 0 else { return }
        gone.sort { a, b in
            (members[a]?.stateSince ?? now, a) < (members[b]?.stateSince ?? now, b)
        }
        for id in gone.prefix(excess) { forget(id) }
    }

    private mutating func forget(_ id: NodeID) {
        members[id] = nil
        order.removeAll { $0 == id }
        recount()
        certificates[id] = nil
        for key in broadcasts.keys where key.subject == id { broadcasts[key] = nil }
    }

    // MARK: Links

    private mutating func linkOpened(
        _ node: NodeID, _ tag: CertificateTag, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard node != nodeID else { return }
        links.insert(node)
        members[node]?.hasLink = true
        certified(node, tag, at: now, &effects)
        // A link is proof of life for the member it leads to, if not for its claim.
        if let current = probe, current.target == node {
            probe = nil
            if current.askedOthers { members[node]?.datagramSilences += 1 }
        }
        seeds[node] = nil
        effects.append(.pushPull(node, state()))
    }

    /// The stream probe was refused: the second opinion agrees with the first. In small meshes,
    /// where nobody else can confirm, this is what shortens the wait.
    private mutating func linkRefused(_ node: NodeID, at now: MonotonicInstant) {
        guard var suspicion = members[node]?.suspicion, members[node]?.state == .suspect else {
            return
        }
        suspicion.longest = suspicion.shortest
        members[node]?.suspicion = suspicion
    }

    private mutating func certified(
        _ node: NodeID, _ tag: CertificateTag, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard certificates[node] != nil || certificates.count < GossipLimits.certificatesMax else {
            counters.overLimit += 1
            return
        }
        certificates[node] = tag
        guard let waiting = pending[node], waiting.alive.certificate == tag else { return }
        pending[node] = nil
        accept(waiting.alive, waiting.claim, at: now, &effects)
        if let metadata = waiting.metadata {
            receive([metadata], from: waiting.source, at: now, &effects)
        }
    }

    /// Tries again what should be connected and is not: seeds, one dead member, and for a node that
    /// can only dial out every member that can be dialled.
    private mutating func reconnect(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        nextReconnect = now + configuration.reconnectInterval
        forgetTheLongGone(at: now)
        for node in seeds.keys.sorted() where !links.contains(node) {
            effects.append(.connect(node, seeds[node] ?? []))
        }
        let dead = order.filter { members[$0]?.state == .dead && !links.contains($0) }
        if let id = dead.randomElement(using: &generator), let member = members[id] {
            // It must hear what is said of it before it can refute it.
            sendPing(to: id, sequence: nextSequence(), path: .datagram, &effects)
            if member.alive.reachability == .direct {
                effects.append(.connect(id, member.alive.addresses))
            }
        }
        if ownAlive.reachability == .outboundOnly {
            let wanted = active.filter { id in
                members[id]?.alive.reachability == .direct && !links.contains(id)
            }
            for id in wanted.prefix(max(0, GossipLimits.outboundLinksMax - links.count)) {
                effects.append(.connect(id, members[id]?.alive.addresses ?? []))
            }
        }
        for id in pending.keys.sorted() {
            guard var waiting = pending[id], now >= waiting.retryAt else { continue }
            guard now - waiting.since < configuration.pendingLifetime else {
                pending[id] = nil
                continue
            }
            waiting.retryAt = now + configuration.reconnectInterval
            pending[id] = waiting
            effects.append(
                .fetchCertificate(
                    of: id, waiting.alive.certificate, from: waiting.source))
        }
    }

    // MARK: Oneself

    private mutating func changeIdentity(_ claim: AliveClaim) {
        guard claim.node == nodeID else { return }
        var changed = claim.fitted
        changed.generation = ownAlive.generation
        changed.incarnation = ownAlive.incarnation
        guard changed != ownAlive else { return }
        changed.incarnation = ownAlive.incarnation + 1
        ownAlive = changed
        ownAliveClaim = Claim(.alive(changed), signedBy: authority)
        broadcast(.alive(nodeID), ownAliveClaim)
    }

    func canRefute(at now: MonotonicInstant) -> Bool {
        guard let lastRefutation else { return true }
        return now - lastRefutation >= configuration.probeInterval
    }

    /// Answers accusations with a newer incarnation: once a period at most, whoever accuses.
    mutating func refute(at now: MonotonicInstant) {
        refutationDue = false
        lastRefutation = now
        counters.refutations += 1
        ownAlive.incarnation += 1
        ownAliveClaim = Claim(.alive(ownAlive), signedBy: authority)
        broadcast(.alive(nodeID), ownAliveClaim)
    }

    private mutating func leave(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator,
        _ effects: inout [GossipEffect]
    ) {
        guard !isLeaving else { return }
        isLeaving = true
        let claim = Claim(
            .leave(LeaveClaim(node: nodeID, generation: ownAlive.generation)),
            signedBy: authority)
        broadcast(.leave(nodeID), claim)
        // Told to more than a fan-out at once: there may be no next round.
        for id in active.shuffled(using: &generator).prefix(2 * configuration.gossipFanout) {
            guard let path = path(to: id) else { continue }
            send(.none, claims: [claim.encoded], to: id, path: path, &effects)
        }
        nextGossip = now + configuration.gossipInterval
    }
}
