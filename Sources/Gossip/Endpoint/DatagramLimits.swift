/// Bounds on datagrams.
public enum DatagramLimits {
    /// The version of the datagrams' header and keys.
    public static let version: UInt8 = 1
    /// The longest datagram, in bytes: it passes the smallest IPv6 path (1280) with its headers.
    public static let bytesMax = 1232
    /// Version, kind, mesh key id, sender hint, boot id and counter.
    public static let headerBytes = 1 + 1 + 8 + 8 + 16 + 8
    /// Bytes that authenticate.
    public static let tagBytes = 16
    /// The longest packet that a datagram carries, in bytes.
    public static let packetBytesMax = bytesMax - headerBytes - tagBytes
    /// Datagrams of one peer behind its newest that are still accepted, each once.
    public static let replayWindow = ReplayWindow.width
    /// Packets kept per peer while a session is being made; older ones are dropped.
    public static let waitingMax = 4
    /// The most peers for which packets wait.
    public static let waitingPeersMax = 1024
    /// Packets that waited longer than this are dropped.
    public static let waitingLifetime: Duration = .seconds(2)
    /// The most peers with a session.
    public static let sessionsMax = 12_000
    /// A session that nothing came or went by for so long goes, if its peer is no member any more.
    public static let sessionIdle: Duration = .seconds(600)
    /// What was forgotten by the core is swept here each such period.
    public static let sweepInterval: Duration = .seconds(60)
    /// Bytes inside a hello, and inside its answer: neither is longer than the shortest packet of
    /// data, a ping, so that none of the three can be used to amplify.
    public static let helloBytes = 4
    /// A peer is greeted at most this often of one's own accord, and as often in reply.
    public static let helloInterval: Duration = .milliseconds(500)
    /// A hello without an answer, for which packets wait, is repeated after this.
    public static let helloRetry: Duration = .milliseconds(200)
    /// As often at most.
    public static let helloRetriesMax = 2
    /// Hellos sent through different relays within ``helloInterval``.
    public static let relayedHellosMax = 4
    /// An answer to a hello older than this is not believed.
    public static let helloLifetime: Duration = .seconds(10)
    /// A link key's predecessor opens datagrams for so long after its successor was first used.
    public static let previousLifetime: Duration = .seconds(5)

    /// Diffie–Hellmans in one second, for sessions that others begin.
    public static let agreementsPerSecond = RateBucket.Rate(perSecond: 512, burst: 1024)
    /// Answers in one second, over all peers, to hellos that are perhaps recordings.
    public static let helloAnswers = RateBucket.Rate(perSecond: 256, burst: 256)
    /// Hellos in one second, over all peers, in reply to data of earlier starts of theirs.
    public static let greetings = RateBucket.Rate(perSecond: 64, burst: 64)
    /// What one source may send that does not authenticate, or proves nothing, before it is heeded
    /// less.
    public static let unprovenPerSource = RateBucket.Rate(perSecond: 2, burst: 32)
    /// Packets of one member, by datagram or relay.
    public static let packetsPerMember = RateBucket.Rate(perSecond: 128, burst: 512)
    /// What a member's datagrams call forth goes to the place where the member is heard; and at this
    /// rate also to others where it says that it is, or one datagram came from. A member that names a
    /// victim's address thus draws no more than this onto it.
    public static let answersElsewhere = RateBucket.Rate(perSecond: 2, burst: 8)
    /// Bytes that answer one member's datagrams, besides ``answerBytesPerByte`` for each of theirs:
    /// the source of a datagram can be forged by the member that seals it, and what is sent there
    /// must not be many times what that member sends.
    public static let answerBytes = RateBucket.Rate(perSecond: 4096, burst: 32_768)
    /// See ``answerBytes``.
    public static let answerBytesPerByte = 3
    /// Datagrams in one second, over all sources, that are looked at although their source was
    /// heeded enough, because they might be of a new start of a member.
    public static let guesses = RateBucket.Rate(perSecond: 20_000, burst: 20_000)
    /// Packets of one member over its link, which the answer to a push–pull may fill.
    public static let linkPacketsPerMember = RateBucket.Rate(perSecond: 512, burst: 8192)
    /// A node looks at its own reachability and addresses this often at most.
    public static let lookInterval: Duration = .seconds(1)
    /// The most links whose packets are counted one by one.
    public static let linksMax = 12_000
    /// Buckets for sources; see ``SourceLimits``.
    public static let sourceBuckets = 512
}

/// Why datagrams were dropped, counted; and what was done to make sessions.
public struct DatagramCounters: Sendable, Equatable {
    /// Not a datagram of this mesh.
    public var malformed: UInt64 = 0
    /// Of a version that this build doesn't speak.
    public var unknownVersion: UInt64 = 0
    /// From nobody known.
    public var unknownSender: UInt64 = 0
    /// Did not authenticate.
    public var notAuthentic: UInt64 = 0
    /// Authentic, and seen before, too old, or perhaps of an earlier start.
    public var replayed: UInt64 = 0
    /// Over a limit of rate or number, before it was known whether it was authentic.
    public var overLimit: UInt64 = 0
    /// Authentic, from a member that sends too much.
    public var overMemberLimit: UInt64 = 0
    /// Packets of one's own that would not fit a datagram.
    public var oversized: UInt64 = 0
    /// Packets that waited for a session in vain.
    public var waitedInVain: UInt64 = 0
    /// Hellos sent.
    public var hellosSent: UInt64 = 0
    /// Sessions made, or made anew.
    public var sessionsMade: UInt64 = 0

    /// Nothing yet.
    public init() {}
}
