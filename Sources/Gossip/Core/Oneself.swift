import Wire

/// What a node says of itself, and what of it waits to be said: each kind of claim has a least time
/// between two of its versions.
struct Oneself: Sendable {
    /// As it was told from outside.
    var identity: AliveClaim
    /// As it found out: how it can be reached, and where besides.
    var found: (reachability: Reachability, addresses: [NetworkAddress])?
    private(set) var alive: AliveClaim
    private(set) var aliveClaim: Claim
    private(set) var metadata: MetadataClaim
    private(set) var metadataClaim: Claim
    private(set) var activity: ActivityClaim
    private(set) var activityClaim: Claim

    /// What it does now, whether or not that was said.
    var current = MemberActivity()
    var wantedMetadata: MemberMetadata?
    var isActivityDue = false
    var isAliveDue = false
    var isRefutationDue = false
    /// Who accused this node of late, two at most.
    private var accusers: [(id: NodeID, at: MonotonicInstant)] = []
    var isLeaving = false
    /// The newest start that this node's key spoke for; this one's if that is the newest.
    var newestStart: UInt64

    private var aliveSaid: MonotonicInstant?
    private var metadataSaid: MonotonicInstant?
    private var activitySaid: MonotonicInstant?

    init(
        _ local: AliveClaim, _ metadata: MemberMetadata, _ authority: any ClaimAuthority,
        versions: ClosedRange<UInt8>
    ) {
        var local = local.fitted
        local.versionOldest = versions.lowerBound
        local.versionNewest = versions.upperBound
        identity = local
        newestStart = local.generation
        alive = local
        aliveClaim = Claim(.alive(local), signedBy: authority)
        self.metadata = MetadataClaim(
            node: local.node, generation: local.generation, version: 0, metadata: metadata)
        metadataClaim = Claim(.metadata(self.metadata), signedBy: authority)
        activity = ActivityClaim(
            node: local.node, generation: local.generation, version: 0,
            activity: MemberActivity())
        activityClaim = Claim(.activity(activity), signedBy: authority)
    }

    /// Everything, encoded.
    var claims: [[UInt8]] {
        [aliveClaim.encoded, metadataClaim.encoded, activityClaim.encoded]
    }

    // MARK: When

    func mayRenew(_ configuration: GossipConfiguration, at now: MonotonicInstant) -> Bool {
        aliveSaid.map { now - $0 >= configuration.probeInterval } ?? true
    }

    /// When something that waits may be said.
    func nextPublication(_ configuration: GossipConfiguration) -> MonotonicInstant {
        var earliest = MonotonicInstant(nanoseconds: .max)
        if isAliveDue || isRefutationDue {
            earliest = aliveSaid.map { $0 + configuration.probeInterval } ?? .origin
        }
        if wantedMetadata != nil {
            earliest = min(
                earliest, metadataSaid.map { $0 + configuration.metadataInterval } ?? .origin)
        }
        if isActivityDue {
            earliest = min(
                earliest, activitySaid.map { $0 + configuration.activityInterval } ?? .origin)
        }
        return earliest
    }

    // MARK: Saying it

    /// The claim to be here as it should read now, of the present incarnation.
    private var wanted: AliveClaim {
        var wanted = identity
        if let found {
            wanted.reachability = found.reachability
            wanted.addresses += found.addresses.filter { !identity.addresses.contains($0) }
        }
        wanted.generation = alive.generation
        wanted.bootNonce = alive.bootNonce
        wanted.incarnation = alive.incarnation
        return wanted.fitted
    }

    /// Whether what it says differs from what it should say.
    var isOutdated: Bool { wanted != alive }

    /// Tells the boot id of this start with what it says of itself: before it said anything.
    mutating func begin(_ boot: BootID, _ authority: any ClaimAuthority) {
        guard boot.high == alive.generation, boot.low != alive.bootNonce else { return }
        alive.bootNonce = boot.low
        alive = alive.fitted
        aliveClaim = Claim(.alive(alive), signedBy: authority)
    }

    /// A new incarnation. There is none after the last one: at one a second, in 136 years.
    mutating func renew(_ authority: any ClaimAuthority, at now: MonotonicInstant) -> Bool {
        isAliveDue = false
        isRefutationDue = false
        guard alive.incarnation < .max else { return false }
        alive = wanted
        alive.incarnation += 1
        aliveClaim = Claim(.alive(alive), signedBy: authority)
        aliveSaid = now
        return true
    }

    /// Whether it is worth knowing that `accuser` accuses too.
    mutating func isNewAccuser(_ accuser: NodeID, at now: MonotonicInstant) -> Bool {
        accusers.removeAll { now - $0.at >= GossipLimits.accusersLifetime }
        return accusers.count < 2 && !accusers.contains { $0.id == accuser }
    }

    /// Notes an accuser; whether it is the second of late.
    mutating func note(accuser: NodeID, at now: MonotonicInstant) -> Bool {
        accusers.append((accuser, now))
        return accusers.count == 2
    }

    /// New metadata, if any waits and the time has come.
    mutating func renewMetadata(
        _ authority: any ClaimAuthority, _ configuration: GossipConfiguration,
        at now: MonotonicInstant
    ) -> Bool {
        guard let wanted = wantedMetadata,
            metadataSaid.map({ now - $0 >= configuration.metadataInterval }) ?? true
        else { return false }
        wantedMetadata = nil
        guard wanted != metadata.metadata, metadata.version < .max else { return false }
        metadata.metadata = wanted
        metadata.version += 1
        metadataClaim = Claim(.metadata(metadata), signedBy: authority)
        metadataSaid = now
        return true
    }

    /// Whether what it does differs coarsely from what it said. Of a move on the map alone it speaks
    /// less often: those who ask it hear of it anyway.
    func hasNews(
        _ configuration: GossipConfiguration, members: Int, at now: MonotonicInstant
    ) -> Bool {
        if current.isNews(after: activity.activity) { return true }
        guard let place = current.coordinate else { return false }
        // Of all members together no more than one in two seconds.
        let interval = max(configuration.coordinateInterval, .seconds(2 * members))
        if let activitySaid, now - activitySaid < interval { return false }
        return activity.activity.coordinate.map { place.hasMoved(from: $0) } ?? true
    }

    /// A new activity, if the present one differs coarsely and the time has come.
    mutating func renewActivity(
        _ authority: any ClaimAuthority, _ configuration: GossipConfiguration, members: Int,
        at now: MonotonicInstant
    ) -> Bool {
        guard isActivityDue,
            activitySaid.map({ now - $0 >= configuration.activityInterval }) ?? true
        else { return false }
        isActivityDue = false
        guard hasNews(configuration, members: members, at: now), activity.version < .max else {
            return false
        }
        activity.activity = current
        activity.version += 1
        activityClaim = Claim(.activity(activity), signedBy: authority)
        activitySaid = now
        return true
    }
}

extension MemberActivity {
    /// Whether others should hear of the change from `said`: the load doubled or halved, prefixes
    /// changed, or a speed by a fifth.
    func isNews(after said: MemberActivity) -> Bool {
        if prefixes != said.prefixes || !load.isSimilar(to: said.load) { return true }
        guard speeds.count == said.speeds.count else { return true }
        for (now, before) in zip(speeds, said.speeds)
        where now.model != before.model
            || Self.differ(now.prefillNanosecondsPerToken, before.prefillNanosecondsPerToken)
            || Self.differ(now.decodeNanosecondsPerToken, before.decodeNanosecondsPerToken)
        {
            return true
        }
        return false
    }

    /// By more than a fifth.
    private static func differ(_ a: UInt32, _ b: UInt32) -> Bool {
        let difference = UInt64(max(a, b) - min(a, b))
        return difference * 5 > UInt64(b)
    }
}

extension MemberLoad {
    /// Whether both are in the same powers of two.
    func isSimilar(to other: MemberLoad) -> Bool {
        func bucket(_ value: UInt32) -> Int { 32 - value.leadingZeroBitCount }
        return bucket(UInt32(queued)) == bucket(UInt32(other.queued))
            && bucket(UInt32(running)) == bucket(UInt32(other.running))
            && bucket(freeKVTokens) == bucket(other.freeKVTokens)
    }
}

extension Coordinate {
    /// Whether it is far enough from `old` to tell others: by a tenth of how far it was from the
    /// middle, and 5 ms at least. Every ack tells it more precisely.
    func hasMoved(from old: Coordinate) -> Bool {
        let moved =
            (vector - old.vector).length + (height - old.height).magnitude
            + (adjustment - old.adjustment).magnitude
        return moved > 0.005 && moved * 10 > old.vector.length + old.height
    }
}
