public import Wire

/// The way a packet goes.
public enum GossipPath: Sendable, Hashable {
    /// A datagram to the member's address.
    case datagram
    /// The gossip stream of an open link.
    case link
    /// Sealed for the member, through another that passes it on.
    case relay(NodeID)
}

/// What happens to the core.
public enum GossipInput: Sendable {
    /// A packet came from an authenticated node.
    case packet([UInt8], from: NodeID, path: GossipPath)
    /// The answer to a push–pull came; see ``GossipCore/answer(_:from:at:using:)``.
    case exchanged([UInt8], from: NodeID)
    /// A link to a node is open; its certificate was verified. Whether the node dialled it.
    case linkOpened(NodeID, CertificateTag, isInbound: Bool)
    /// The link to a node is gone.
    case linkClosed(NodeID)
    /// A link to the node was refused, soon after it was asked for: somebody answered at its address, and
    /// it was not the node. A silence there is no more than one elsewhere, and is not told.
    case linkRefused(NodeID)
    /// A node's certificate was verified.
    case certified(NodeID, CertificateTag)
    /// The link's own measurement of its round trip.
    case roundTrip(NodeID, Duration)
    /// What this node offers has changed.
    case metadata(MemberMetadata)
    /// What this node says of itself has changed: key, certificate or addresses.
    case identity(AliveClaim)
    /// What this node does now. It may be told at any rate: the load goes into the next acks, and
    /// the core passes on what changed coarsely. The coordinate is the core's own.
    case activity(MemberActivity)
    /// How this node can be reached, as it found out, and at which addresses besides those it was
    /// given.
    case reachability(Reachability, [NetworkAddress])
    /// Known members to begin with.
    case seeds([(node: NodeID, addresses: [NetworkAddress])])
    /// This node stops.
    case leave
}

/// What the shell does for the core.
public enum GossipEffect: Sendable, Equatable {
    /// Send a packet. It may be lost.
    case send([UInt8], to: NodeID, path: GossipPath)
    /// Make a link, unless there is one, and report ``GossipInput/linkOpened(_:_:)`` or
    /// ``GossipInput/linkRefused(_:)``.
    case connect(NodeID, [NetworkAddress])
    /// A datagram that `from` sealed for this node came through a relay: open it.
    case openRelayed([UInt8], from: NodeID, via: NodeID)
    /// Send this request over the link and report the answer as
    /// ``GossipInput/exchanged(_:from:)``.
    case pushPull(NodeID, [UInt8])
    /// Get a node's certificate chain from a member, verify it, and report
    /// ``GossipInput/certified(_:_:)``. Nothing is reported of one that is refused.
    case fetchCertificate(of: NodeID, CertificateTag, from: NodeID)
    /// A member's view changed.
    case changed(NodeID, MemberEvent)
}

/// Counts of what happened, for status and tests.
public struct GossipCounters: Sendable, Equatable {
    /// Packets and states that could not be decoded.
    public var malformed: UInt64 = 0
    /// Claims of kinds that only newer builds know.
    public var unknownClaims: UInt64 = 0
    /// Claims whose signature is not their author's.
    public var forged: UInt64 = 0
    /// What came of nodes that were put out of the mesh, and claims of theirs.
    public var revoked: UInt64 = 0
    /// Claims dropped because a bound was reached.
    public var overLimit: UInt64 = 0
    /// Newer starts of this node itself that its own key spoke for: see ``MemberEvent/displaced``.
    public var newerStarts: UInt64 = 0
    /// Own incarnations spent on refutation.
    public var refutations: UInt64 = 0
    /// Datagrams passed on for others.
    public var relayed: UInt64 = 0
    /// Probes that nobody answered.
    public var probesFailed: UInt64 = 0
    /// Packets handed to the shell.
    public var packetsSent: UInt64 = 0
    /// Signatures checked.
    public var signaturesChecked: UInt64 = 0
    /// Times this node was so late that it doubted itself rather than others.
    public var pauses: UInt64 = 0
}

/// How much the core holds; each has its bound in ``GossipLimits``.
public struct GossipSizes: Sendable, Equatable {
    /// Members, dead and departed ones included.
    public var members: Int
    /// Nodes whose certificate is awaited.
    public var pending: Int
    /// Claims waiting to be passed on.
    public var broadcasts: Int
    /// The most accusations against one member.
    public var accusers: Int
    /// Questions under way.
    public var probes: Int
    /// Dead and departed members remembered; they count as members too.
    public var tombstones: Int
    /// Verified certificates of nodes that are no members yet.
    public var certificates: Int
    /// Members to begin with.
    public var seeds: Int
    /// Open links, as the shell told of them.
    public var links: Int
    /// Nodes at the other end of a link that are no members yet and made this node work.
    public var strangers: Int

    /// Sizes as given.
    public init(
        members: Int = 0, pending: Int = 0, broadcasts: Int = 0, accusers: Int = 0,
        probes: Int = 0, tombstones: Int = 0, certificates: Int = 0, seeds: Int = 0,
        links: Int = 0, strangers: Int = 0
    ) {
        self.members = members
        self.pending = pending
        self.broadcasts = broadcasts
        self.accusers = accusers
        self.probes = probes
        self.tombstones = tombstones
        self.certificates = certificates
        self.seeds = seeds
        self.links = links
        self.strangers = strangers
    }
}
