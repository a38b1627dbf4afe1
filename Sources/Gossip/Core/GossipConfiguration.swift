/// What the core adds to plain SWIM; each can be left out, to show what it is for.
public struct GossipFeatures: OptionSet, Sendable {
    /// One bit for each feature.
    public let rawValue: UInt16

    /// The features with these bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Own failures slow a node's own probes (Lifeguard, section IV.A).
    public static let localHealth = GossipFeatures(rawValue: 1)
    /// A suspicion's length follows from how many accuse (Lifeguard, section IV.B).
    public static let dynamicSuspicion = GossipFeatures(rawValue: 2)
    /// The accused is told with each packet to it (Lifeguard, section IV.C).
    public static let buddy = GossipFeatures(rawValue: 4)
    /// Lateness, one's own and the accused's, lengthens suspicions.
    public static let patience = GossipFeatures(rawValue: 8)
    /// Before it buries a member, a node asks it once more itself.
    public static let lastCall = GossipFeatures(rawValue: 16)
    /// A node that stood still blames nobody for that time.
    public static let pauseRule = GossipFeatures(rawValue: 32)
    /// A probe that fails by datagram is tried by link.
    public static let streamProbe = GossipFeatures(rawValue: 64)
    /// Whoever was heard since it was accused is not buried.
    public static let evidenceOfLife = GossipFeatures(rawValue: 128)
    /// A few members look into each suspicion at once.
    public static let volunteers = GossipFeatures(rawValue: 256)

    /// Where no exchange over a link succeeds, probes carry what a node knows.
    public static let fillers = GossipFeatures(rawValue: 512)

    /// A ping is sent once more before others are asked, and once with them.
    public static let repeats = GossipFeatures(rawValue: 1024)

    /// Where many questions go unanswered, a member is asked again before it is accused.
    public static let secondLook = GossipFeatures(rawValue: 2048)

    /// Nobody's word for a death is taken: each waits for its own timer. Without this a node tells
    /// whom it buried and is believed, as in SWIM (section 4.2, its confirm) and memberlist.
    public static let ownVerdict = GossipFeatures(rawValue: 4096)

    /// Packets that a life may hang on carry nothing for others, since paths may drop what is long.
    public static let barePackets = GossipFeatures(rawValue: 8192)

    /// Who passes on what was refuted is told so, and nobody is buried before others were asked for that.
    public static let freshOpinion = GossipFeatures(rawValue: 16384)

    /// All of them.
    public static let all = GossipFeatures(rawValue: 32767)
}

/// The periods of the protocol. The defaults are memberlist's LAN profile, but for suspicion, which
/// is shorter because accusations are counted per signature and nobody is buried unasked.
public struct GossipConfiguration: Sendable, Equatable {
    /// One probe is sent each period.
    public var probeInterval: Duration = .seconds(1)
    /// Without an answer after this, it is tried through others, and by link.
    public var probeTimeout: Duration = .milliseconds(500)
    /// Through how many others.
    public var indirectProbes = 3
    /// Claims are passed on each period, to so many members.
    public var gossipInterval: Duration = .milliseconds(200)
    /// See ``gossipInterval``.
    public var gossipFanout = 3
    /// Summaries are exchanged with one member each period; less often in large meshes.
    public var pushPullInterval: Duration = .seconds(30)
    /// A claim is passed on this many times the logarithm of the mesh's size.
    public var retransmitMultiplier = 4
    /// The shortest suspicion in a mesh of up to 16; longer in larger ones.
    public var suspicionShortest: Duration = .milliseconds(1800)
    /// The longest is this many times the shortest.
    public var suspicionSpan = 4
    /// The longest in a mesh of two or three.
    public var suspicionSmallMesh: Duration = .seconds(5)
    /// Without ``GossipFeatures/dynamicSuspicion``, a suspicion is this many probe intervals long,
    /// times the logarithm of the size.
    public var suspicionMultiplier = 4
    /// One dead member, and each member that should have a link and has none, is tried again each
    /// period.
    public var reconnectInterval: Duration = .seconds(5)
    /// A node whose certificate does not come is forgotten after this.
    public var pendingLifetime: Duration = .seconds(60)
    /// A member that left is remembered for so long, lest an old claim bring it back.
    public var tombstoneLifetime: Duration = .seconds(24 * 3600)
    /// The most dead and departed members remembered.
    public var tombstonesMax = GossipLimits.tombstonesMax
    /// The least time between two versions of this node's metadata.
    public var metadataInterval: Duration = .seconds(1)
    /// The least time between two versions of what this node says it does.
    public var activityInterval: Duration = .seconds(5)
    /// The same when only this node's place on the map of round trips changed.
    public var coordinateInterval: Duration = .seconds(30)
    /// A tick this late means that this node paused.
    public var pauseThreshold: Duration = .seconds(1)
    /// The gossip versions this node speaks.
    public var versions: ClosedRange<UInt8> = GossipVersion.supported
    /// What is added to plain SWIM.
    public var features: GossipFeatures = .all

    /// The defaults.
    public init() {}

    /// SWIM as memberlist runs it without Lifeguard: the same periods, a fixed suspicion of four
    /// intervals times the logarithm of the size, and none of the ``features``. For comparison.
    public static var plainSWIM: GossipConfiguration {
        var configuration = GossipConfiguration()
        configuration.features = []
        return configuration
    }
}
