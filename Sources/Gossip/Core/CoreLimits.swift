import Wire

/// Bounds and rates of the state machine.
extension GossipLimits {
    /// The worst local health: probes take this many times longer, plus one.
    public static let localHealthMax = 8
    /// From this share of unanswered questions on, in thousandths, a failure is looked at twice.
    public static let missedShareMax = 100
    /// In a mesh of so many members.
    public static let secondLookMembersMin = 16
    /// The most questions under way at once: the period's, and some out of turn.
    public static let probesMax = 16
    /// The most members waiting to be probed out of turn.
    public static let urgentMax = 64
    /// Suspicions are looked into out of turn at this rate.
    public static let volunteering = RateBucket.Rate(every: .milliseconds(250), burst: 16)
    /// A patience told longer ago than this is forgotten.
    public static let patienceLifetime: Duration = .seconds(30)
    /// Accusers count as several when they accuse within this time.
    public static let accusersLifetime: Duration = .seconds(5)
    /// A member's claims to be here are taken in and passed on at this rate.
    public static let aliveNews = RateBucket.Rate(every: .milliseconds(500), burst: 8)
    /// The same of its sections, out of the same bucket, which holds less for them.
    public static let sectionNews = RateBucket.Rate(every: .milliseconds(500), burst: 4)
    /// Signatures that one node brings unasked are checked at this rate.
    public static let signatures = RateBucket.Rate(every: .milliseconds(1), burst: 512)
    /// A signature that does not verify counts as so many.
    public static let forgeryCharge = 64
    /// One member's accusations of others count at this rate.
    public static let accusations = RateBucket.Rate(every: .seconds(1), burst: 16)
    /// Datagrams are passed on for one member at this rate.
    public static let forwardsPerMember = RateBucket.Rate(every: .milliseconds(25), burst: 64)
    /// The same for all members together.
    public static let forwards = RateBucket.Rate(every: .milliseconds(2), burst: 512)
    /// Exchanges with one member are answered at this rate.
    public static let exchanges = RateBucket.Rate(every: .seconds(5), burst: 6)
    /// The longest answer to an exchange, in bytes; what is left comes with the next.
    public static let answerBytesMax = stateBytesMax / 2
    /// The most nodes that have a link, are no members yet, and made this node work.
    public static let strangersMax = 64
    /// The most members to begin with.
    public static let seedsMax = 64
    /// The most reports of where this node is seen that wait to be looked at.
    static let addressReportsMax = 8
    /// A seed that is not connected is tried at least this often.
    public static let seedDelayMax: Duration = .seconds(60)
    /// Waiting claims that don't fit and are passed over, for one packet.
    static let broadcastMisfitsMax = 4
    /// The most claims in a packet that are there for its receiver's sake: two accusations of it, their
    /// author's claim to be here, and this node's own.
    public static let toldClaimsMax = 4
    /// So many members are asked, before a burial, whether they know better.
    public static let opinionsMax = 3
    /// So often, until one of them answers.
    public static let opinionRoundsMax = 4
    /// The same in a mesh of ``secondLookMembersMin`` or more: that none of several answers is rare
    /// there, and who asks in vain and is slow itself should ask little.
    public static let opinionRoundsMaxOfMany = 2
    /// The most members of whom one packet says that they refuted what its receiver said of them.
    public static let correctionsMax = 2
    /// The most packets whose contents are kept for who checks them.
    static let packingRecordsMax = 512
    /// The shortest claim, in bytes: a goodbye.
    static let claimBytesMin = Claim.envelopeBytes + NodeID.byteCount + 8
    /// A claim is passed on this many times more often at most where few can reach the many that
    /// only dial out.
    public static let dialledShareMax = 16
    /// Up to so many members, all are looked at to choose some; of more, some are drawn.
    static let sampleWholeMax = 16
}
