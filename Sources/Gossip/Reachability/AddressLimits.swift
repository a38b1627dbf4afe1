/// Bounds and times of ``AddressBook`` and ``ObservedAddresses``.
public enum AddressLimits {
    /// The most members whose address is remembered.
    public static let placesMax = GossipLimits.membersMax
    /// The most addresses that one datagram goes to.
    public static let destinationsMax = 4
    /// Heard from within this, a member is where it was heard from.
    public static let fresh: Duration = .seconds(5)
    /// How long a translator on the way keeps a way back open at least (RFC 4787 asks for 2 minutes,
    /// common devices give 30 s).
    public static let translationLifetime: Duration = .seconds(25)
    /// A datagram that nothing was heard after for so long counts as unanswered.
    public static let answerTime: Duration = .seconds(1)
    /// For so long an address that the member has not signed is used beside others, never alone.
    public static let probation: Duration = .seconds(600)
    /// A member has been at an address for so long before others are told that it is there.
    public static let settling: Duration = .seconds(10)

    /// The most members whose reports of this node's own address are kept: the last of each.
    public static let reportsMax = 64
    /// A report counts for so long.
    public static let reportLifetime: Duration = .seconds(600)
    /// Reports of one address come from so many members in different places before it is believed.
    public static let confirmationsNeeded = 2
    /// And go on to agree for so long.
    public static let confirmationTime: Duration = .seconds(30)
    /// The most observed addresses used at once.
    public static let observedMax = 2
    /// Which of them are used changes at most once in this time: each change is a claim signed anew.
    public static let changeInterval: Duration = .seconds(60)
}
