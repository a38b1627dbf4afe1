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
    /// Suspicions are looked into out of turn at this rate: one each period, after a burst.
    public static let volunteerPeriod: Duration = .milliseconds(250)
    /// See ``volunteerPeriod``.
    public static let volunteerBurst = 16
    /// A patience told longer ago than this is forgotten.
    public static let patienceLifetime: Duration = .seconds(30)
    /// Accusers count as several when they accuse within this time.
    public static let accusersLifetime: Duration = .seconds(5)
    /// A member's claims are taken in and passed on at this rate: one each period, after a burst.
    public static let newsPeriod: Duration = .milliseconds(500)
    /// See ``newsPeriod``; of sections half as many.
    public static let newsBurst = 8
    /// Signatures that one node brings unasked are checked at this rate: one each period, after a
    /// burst.
    public static let signaturePeriod: Duration = .milliseconds(1)
    /// See ``signaturePeriod``.
    public static let signatureBurst = 512
    /// A signature that does not verify counts as so many.
    public static let forgeryCharge = 64
    /// One member's accusations of others count at this rate: one each period, after a burst.
    public static let accusationPeriod: Duration = .seconds(1)
    /// See ``accusationPeriod``.
    public static let accusationBurst = 16
    /// Datagrams are passed on for one member at this rate: one each period, after a burst.
    public static let forwardPeriod: Duration = .milliseconds(25)
    /// See ``forwardPeriod``.
    public static let forwardBurst = 64
    /// The same for all members together.
    public static let forwardsPeriod: Duration = .milliseconds(2)
    /// See ``forwardsPeriod``.
    public static let forwardsBurst = 512
    /// Exchanges with one member are answered at this rate: one each period, after a burst.
    public static let exchangePeriod: Duration = .seconds(5)
    /// See ``exchangePeriod``.
    public static let exchangeBurst = 6
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
    /// The shortest claim, in bytes: a goodbye.
    static let claimBytesMin = Claim.envelopeBytes + NodeID.byteCount + 8
    /// Up to so many members, all are looked at to choose some; of more, some are drawn.
    static let sampleWholeMax = 16
}
