public import Wire

/// The membership state machine of one node.
public struct GossipCore: Sendable {
    typealias Slot = MemberTable.Slot

    /// A node whose certificate is awaited, with what it said.
    struct Pending: Sendable {
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
    var own: Oneself
    var health = LocalHealth()
    var vivaldi = VivaldiNode()

    var members = MemberTable()
    var pending: [NodeID: Pending] = [:]
    /// Who knows more than could be taken in at once.
    var unfinished: NodeID?
    /// Verified certificates of nodes that are no members yet.
    var certificates: [NodeID: CertificateTag] = [:]
    /// Nodes that were put out of the mesh: nothing of them is heard or believed again.
    var revoked: Set<NodeID> = []
    /// Open links, to nodes that are no members yet too.
    var links: Set<NodeID> = []
    var seeds: [Seed] = []

    var queue = BroadcastQueue()
    var sequence: UInt32 = 0
    var probes: [Probe] = []
    /// The rest of this round, the next one last.
    var probeRound: [Slot] = []
    /// Members to be probed out of turn.
    var urgent: [Slot] = []
    var urgentSince = MonotonicInstant.origin
    /// Dealings with nodes at the other end of a link that are no members yet, and with all others.
    var strangers: [NodeID: Dealings] = [:]
    var outsiders = Dealings()
    /// What all members together make it pass on.
    var forwards = RateBucket()
    /// Suspicions looked into out of turn.
    var volunteering = RateBucket()
    /// Of whom others were asked what they know, by the question's number.
    var opinions: [UInt32: Slot] = [:]
    /// The member whose claims filled the last probe, where no exchange succeeds; nil for this node.
    var filled: NodeID?
    /// What was put into packets, for those who check it; nil when nobody does.
    var packings: PackingRecords?
    var lastExchange: MonotonicInstant

    var nextProbe: MonotonicInstant
    var nextGossip: MonotonicInstant
    var nextPushPull: MonotonicInstant
    var nextReconnect: MonotonicInstant
    /// No suspicion has anything due before this.
    var nextSuspicion = MonotonicInstant(nanoseconds: .max)
    /// See ``share(of:at:)``: how many for one, and when that is counted again.
    var dialledShare = 1
    var nextShare = MonotonicInstant.origin
    /// When this node asked to be called: what its lateness is measured from.
    var promised: MonotonicInstant

    /// Where the datagram came from that is being taken in: its sender is told, if it asks.
    var arrivedFrom: NetworkAddress?
    /// Where members said that they see this node, the last few; taken out by the endpoint.
    var addressReports: [(by: NodeID, address: NetworkAddress)] = []

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
        self.configuration = configuration
        self.authority = authority
        nodeID = local.node
        own = Oneself(local, metadata, authority, versions: configuration.versions)
        nextProbe = now + configuration.probeInterval
        nextGossip = now + configuration.gossipInterval
        nextPushPull = now + configuration.pushPullInterval
        nextReconnect = now
        lastExchange = now
        promised = now
    }

    /// A node that starts with the members that another core knows, itself left out: as one that
    /// restores its state. What both know is shared until one of them changes it.
    public init(
        local: AliveClaim, metadata: MemberMetadata, authority: any ClaimAuthority,
        configuration: GossipConfiguration = GossipConfiguration(), now: MonotonicInstant,
        knowing other: GossipCore
    ) {
        self.init(
            local: local, metadata: metadata, authority: authority, configuration: configuration,
            now: now)
        members = other.members
        members.hide(nodeID)
    }

    // MARK: Views

    /// What this node says of itself now.
    public var local: AliveClaim { own.alive }

    /// What this node offers now.
    public var localMetadata: MemberMetadata { own.metadata.metadata }

    /// What this node said last that it does.
    public var localActivity: MemberActivity { own.activity.activity }

    /// How badly this node does: 0 well, to ``GossipLimits/localHealthMax``.
    public var localHealth: Int { health.score }

    /// How much is held.
    public var sizes: GossipSizes {
        GossipSizes(
            members: members.count, pending: pending.count, broadcasts: queue.count,
            accusers: (members.suspects + members[.dead]).map {
                members[$0].suspicion?.value.accusations.count ?? 0
            }.max() ?? 0,
            probes: probes.count, tombstones: members[.dead].count + members[.left].count,
            certificates: certificates.count, seeds: seeds.count, links: links.count,
            strangers: strangers.count)
    }

    /// How many members take part, this one included.
    var activeCount: Int { members[.active].count + 1 }

    // MARK: Time

    /// When ``tick(at:using:)`` has something to do. An early or late call is safe.
    public var nextDeadline: MonotonicInstant {
        var earliest = min(nextProbe, nextPushPull)
        earliest = min(earliest, nextReconnect)
        if queue.isUrgent { earliest = min(earliest, nextGossip) }
        guard !own.isLeaving else { return earliest }
        earliest = min(earliest, nextSuspicion)
        for probe in probes { earliest = min(earliest, probe.nextStep) }
        if !urgent.isEmpty, probes.count < GossipLimits.probesMax {
            earliest = min(earliest, urgentSince)
        }
        return min(earliest, own.nextPublication(configuration))
    }

    /// Does what is due at `now`.
    public mutating func tick(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [GossipEffect] {
        var effects: [GossipEffect] = []
        defer { promised = max(now, nextDeadline) }
        guard !own.isLeaving else {
            if now >= nextGossip { gossip(at: now, using: &generator, &effects) }
            nextProbe = now + configuration.probeInterval
            nextPushPull = now + configuration.pushPullInterval
            nextReconnect = now + configuration.reconnectInterval
            return effects
        }
        noteLateness(at: now)
        // Before any dies: whoever is told of a death can look at the dead.
        if now >= nextReconnect { forgetTheLongGone(at: now) }
        if now >= nextSuspicion { attendSuspicions(at: now, using: &generator, &effects) }
        attendProbes(at: now, using: &generator, &effects)
        // What those probes found.
        if now >= nextSuspicion { attendSuspicions(at: now, using: &generator, &effects) }
        publish(at: now)
        if now >= nextGossip { gossip(at: now, using: &generator, &effects) }
        if now >= nextPushPull { beginExchange(at: now, using: &generator, &effects) }
        if now >= nextReconnect { reconnect(at: now, using: &generator, &effects) }
        return effects
    }

    /// A node that slept, or had no time for gossip, must not blame others for its own silence: it
    /// drops its open questions, and those it suspects get that much longer to be heard
    /// (Cassandra's pause rule).
    private mutating func noteLateness(at now: MonotonicInstant) {
        let late = now - promised
        guard late > .zero else { return }
        health.fired(
            late: late, at: now, every: configuration.probeInterval,
            raises: configuration.features.contains(.localHealth))
        guard late >= configuration.pauseThreshold, configuration.features.contains(.pauseRule)
        else { return }
        counters.pauses += 1
        probes = []
        nextProbe = now + configuration.probeTimeout
        nextSuspicion = now
        for slot in members.suspects {
            members[slot].suspicion?.value.postpone(by: late, at: now)
        }
    }

    // MARK: Inputs

    /// Takes in what happened. Input from outside that is malformed or forged is counted and
    /// changes nothing.
    public mutating func handle(
        _ input: GossipInput, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [GossipEffect] {
        var effects: [GossipEffect] = []
        defer {
            // What is overdue stays so: draining a socket after a pause does not hide the pause.
            if now < promised { promised = max(now, nextDeadline) }
        }
        if let source = input.source, revoked.contains(source) {
            counters.revoked += 1
            return []
        }
        switch input {
        case .packet(let bytes, let from, let path):
            guard from != nodeID,
                let packet = try? GossipPacket(decoding: bytes, versions: configuration.versions)
            else {
                counters.malformed += 1
                return []
            }
            receive(packet, from: from, path: path, at: now, using: &generator, &effects)
        case .exchanged(let bytes, let from): exchanged(bytes, from: from, at: now, &effects)
        case .linkOpened(let node, let tag, let isInbound):
            linkOpened(node, tag, isInbound: isInbound, at: now, &effects)
        case .linkClosed(let node): linkClosed(node, at: now)
        case .linkRefused(let node): linkRefused(node, at: now, &effects)
        case .certified(let node, let tag): certified(node, tag, at: now, &effects)
        case .roundTrip(let node, let duration):
            if let slot = members.slot(of: node) { members[slot].deal { $0.measured(duration) } }
        case .metadata(let metadata): change(metadata, at: now)
        case .activity(let activity): change(activity, at: now)
        case .identity(let claim): changeIdentity(claim, at: now)
        case .reachability(let reachability, let observed):
            change(reachability, observed, at: now)
        case .seeds(let list): learn(list, at: now)
        case .leave: leave(at: now, using: &generator, &effects)
        }
        return effects
    }
}
