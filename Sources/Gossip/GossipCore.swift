public import Wire

/// The membership state machine of one node.
public struct GossipCore: Sendable {
    struct Probe {
        var sequence: UInt32
        var target: NodeID
        var sent: MonotonicInstant
        var askedOthers = false
    }

    struct Broadcast {
        var bytes: [UInt8]
        var sent = 0
        var order: UInt64
    }

    enum BroadcastKey: Hashable {
        case alive(NodeID)
        case metadata(NodeID)
        case activity(NodeID)
        case leave(NodeID)
        case suspect(NodeID, by: NodeID)

        var subject: NodeID {
            switch self {
            case .alive(let id), .metadata(let id), .activity(let id), .leave(let id),
                .suspect(let id, _):
                id
            }
        }
    }

    struct Pending {
        var claim: Claim
        var alive: AliveClaim
        var metadata: Claim?
        var activity: Claim?
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
    var ownActivity: ActivityClaim
    var ownActivityClaim: Claim
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
    /// How many datagrams were passed on in the present probe interval.
    var relayedNow = 0

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
        ownActivity = ActivityClaim(
            node: local.node, generation: local.generation, version: 0,
            activity: MemberActivity())
        ownActivityClaim = Claim(.activity(ownActivity), signedBy: authority)
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
            counters.unknownClaims += UInt64(packet.unknownClaims)
            if path == .datagram { members[from]?.datagramSilences = 0 }
            receive(packet.claims, from: from, at: now, &effects)
            if answerDue != nil {
                answerDue = nil
                send(.none, claims: [ownAliveClaim.encoded], to: from, path: path, &effects)
            }
            if let message = packet.message {
                receive(message, from: from, path: path, at: now, using: &generator, &effects)
            }
        case .exchanged(let bytes, let from): exchanged(bytes, from: from, at: now, &effects)
        case .linkOpened(let node, let tag, _): linkOpened(node, tag, at: now, &effects)
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
        case .activity(let activity): change(activity)
        case .reachability(let reachability, let observed):
            var claim = ownAlive
            claim.reachability = reachability
            claim.addresses += observed.filter { !claim.addresses.contains($0) }
            changeIdentity(claim)
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
                effects.append(.pushPull(partner, exchangeRequest()))
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
        nextProbe = now + configuration.probeTimeout
        for id in suspects {
            guard let began = members[id]?.suspicion?.began else { continue }
            members[id]?.suspicion?.began = min(now, began + lateness)
        }
    }

    /// Forgets those that left long ago, and of the dead and departed the longest gone when there
    /// are too many. Dead members are kept as long as there is room: they are who a healed
    /// partition is found by.
    mutating func forgetTheLongGone(at now: MonotonicInstant) {
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
}
