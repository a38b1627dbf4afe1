import Wire

/// A member as the core keeps it. Small, since a node keeps thousands: claims are shared, and what
/// only some members have is kept apart.
struct Member: Sendable {
    /// Its last claim to be here. What is asked often is kept beside it.
    private(set) var aliveClaim: Claim
    private(set) var generation: UInt64
    private(set) var incarnation: UInt32
    private(set) var reachability: Reachability
    /// The gossip version to speak with it; 0 when there is none in common.
    private(set) var version: UInt8
    private(set) var metadataClaim: Claim?
    private(set) var activityClaim: Claim?
    /// The versions of these two.
    private(set) var metadataVersion: UInt32 = 0
    private(set) var activityVersion: UInt32 = 0
    /// While it is suspected, and after it died: what it is accused of.
    var suspicion: Boxed<Suspicion>?
    /// What this node's own dealings with it gave; nil before there were any.
    var dealings: Boxed<Dealings>?
    var stateSince: MonotonicInstant
    /// When it last spoke over a link, or answered a question of then.
    var heard = MonotonicInstant(nanoseconds: .min)
    /// When a datagram of its own came last that perhaps somebody had held back.
    var overheard = MonotonicInstant(nanoseconds: .min)
    /// New versions of what it says, which cost everybody work.
    var news = RateBucket()
    var state = MemberState.alive
    var hasLink = false
    /// Whether a datagram of its present start came.
    var speaksByDatagram = false
    /// Whether the certificate that ``aliveClaim`` names was verified.
    var isCertified: Bool
    /// Where it is in the list that it is on; see ``MemberTable``.
    var place: UInt32 = 0

    init(
        _ alive: AliveClaim, _ claim: Claim, isCertified: Bool, versions: ClosedRange<UInt8>,
        at now: MonotonicInstant
    ) {
        aliveClaim = claim
        generation = alive.generation
        incarnation = alive.incarnation
        reachability = alive.reachability
        version = alive.newestVersion(in: versions)
        stateSince = now
        self.isCertified = isCertified
    }

    mutating func renew(_ alive: AliveClaim, _ claim: Claim, versions: ClosedRange<UInt8>) {
        isCertified = isCertified && alive.certificate == self.alive.certificate
        aliveClaim = claim
        generation = alive.generation
        incarnation = alive.incarnation
        reachability = alive.reachability
        version = alive.newestVersion(in: versions)
    }

    /// The section of a claim's kind.
    func section(_ kind: ClaimKind) -> (claim: Claim, version: UInt32)? {
        if kind == .metadata { return metadataClaim.map { ($0, metadataVersion) } }
        return activityClaim.map { ($0, activityVersion) }
    }

    mutating func renewSection(_ kind: ClaimKind, _ claim: Claim, version: UInt32) {
        if kind == .metadata {
            (metadataClaim, metadataVersion) = (claim, version)
        } else {
            (activityClaim, activityVersion) = (claim, version)
        }
    }

    mutating func forgetSections() {
        metadataClaim = nil
        activityClaim = nil
    }

    /// It left in this generation, whose alive claim may not have come yet.
    mutating func depart(generation: UInt64) { self.generation = generation }

    var alive: AliveClaim {
        guard case .alive(let alive) = aliveClaim.body else {
            preconditionFailure("only alive claims are taken in as such")
        }
        return alive
    }

    var metadata: MetadataClaim? {
        guard case .metadata(let claim) = metadataClaim?.body else { return nil }
        return claim
    }

    var activity: ActivityClaim? {
        guard case .activity(let claim) = activityClaim?.body else { return nil }
        return claim
    }

    var standing: Standing {
        Standing(generation: generation, incarnation: incarnation, state: state)
    }

    /// Whether it is there as far as this node knows.
    var isThere: Bool { state == .alive || state == .suspect }

    /// Whether it takes part: it is probed, gossiped to and counted.
    var isActive: Bool { isThere && version > 0 }

    /// Probes in a row that only a link or relay brought an answer to.
    var datagramSilences: UInt8 { dealings?.value.datagramSilences ?? 0 }

    /// To be written through ``deal(_:)``.
    var dealt: Dealings { dealings?.value ?? Dealings() }

    mutating func deal<Result>(_ change: (inout Dealings) -> Result) -> Result {
        var box = dealings ?? Boxed(Dealings())
        // Held once while it changes, so that it is changed in place.
        dealings = nil
        defer { dealings = box }
        return change(&box.value)
    }
}

extension AliveClaim {
    /// The newest gossip version that both speak; 0 when there is none.
    func newestVersion(in versions: ClosedRange<UInt8>) -> UInt8 {
        let newest = min(versionNewest, versions.upperBound)
        return newest >= max(versionOldest, versions.lowerBound) ? newest : 0
    }
}
