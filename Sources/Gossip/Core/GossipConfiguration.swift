/// The periods of the protocol. The defaults are memberlist's LAN profile, but for suspicion, which
/// is shorter in meshes of more than three because accusations are counted per signature.
public struct GossipConfiguration: Sendable, Equatable {
    /// One probe is sent each period.
    public var probeInterval: Duration = .seconds(1)
    /// Without an answer after this, others are asked to probe, and the link is tried.
    public var probeTimeout: Duration = .milliseconds(500)
    /// How many others are asked.
    public var indirectProbes = 3
    /// Claims are passed on each period, to so many members.
    public var gossipInterval: Duration = .milliseconds(200)
    /// See ``gossipInterval``.
    public var gossipFanout = 3
    /// Full state is exchanged with one member each period.
    public var pushPullInterval: Duration = .seconds(30)
    /// A claim is passed on this many times the logarithm of the mesh's size.
    public var retransmitMultiplier = 4
    /// The shortest suspicion is this many probe intervals, times the logarithm of the size.
    public var suspicionMultiplier = 2
    /// The longest is this many times the shortest.
    public var suspicionSpan = 4
    /// One dead member, and each member that should have a link and has none, is tried again each
    /// period.
    public var reconnectInterval: Duration = .seconds(5)
    /// A node whose certificate does not come is forgotten after this.
    public var pendingLifetime: Duration = .seconds(60)
    /// A member that left is remembered for so long at least, lest an old claim bring it back.
    public var tombstoneLifetime: Duration = .seconds(24 * 3600)
    /// A tick this late means that this node paused.
    public var pauseThreshold: Duration = .seconds(1)

    /// The defaults.
    public init() {}
}
