public import Wire

/// What the shell does for an endpoint.
public enum EndpointEffect: Sendable, Equatable {
    /// Send a datagram. The shell resolves a host name. It may be lost.
    case datagram([UInt8], to: NetworkAddress)
    /// Send a packet over the gossip stream of the open link; without a link it is lost.
    case linkPacket([UInt8], to: NodeID)
    /// Make a link, unless there is one, and report ``GossipInput/linkOpened(_:_:isInbound:)`` or
    /// ``GossipInput/linkRefused(_:)``.
    case connect(NodeID, [NetworkAddress])
    /// Send this request over the link and report the answer as
    /// ``GossipInput/exchanged(_:from:)``.
    case pushPull(NodeID, [UInt8])
    /// Get a node's certificate chain from a member, verify it, and report
    /// ``GossipInput/certified(_:_:)``. Nothing is reported of one that is refused.
    case fetchCertificate(of: NodeID, CertificateTag, from: NodeID)
    /// A member's view changed.
    case changed(NodeID, MemberEvent)
}

/// Counts of what happened, from all parts of an endpoint.
public struct EndpointCounters: Sendable, Equatable {
    /// The core's.
    public var gossip: GossipCounters
    /// The sessions'.
    public var datagrams: DatagramCounters
    /// The endpoint's own.
    public var endpoint: Own

    /// What the endpoint itself counts.
    public struct Own: Sendable, Equatable {
        /// Datagrams handed to the shell.
        public var datagramsSent: UInt64 = 0
        /// Datagrams given by the shell.
        public var datagramsReceived: UInt64 = 0
        /// Datagrams that came through a relay.
        public var relayedReceived: UInt64 = 0
        /// Those that were not from whom the relay named.
        public var relayedRefused: UInt64 = 0
        /// Packets from a link that were over the member's limit.
        public var linkOverLimit: UInt64 = 0
        /// Packets not sent because a member's datagrams called for too many.
        public var unanswered: UInt64 = 0
        /// Packets for which there was no way: no address, no socket, no relay.
        public var unsendable: UInt64 = 0

        /// Nothing yet.
        public init() {}
    }
}

/// How much an endpoint holds; each has a bound.
public struct EndpointSizes: Sendable, Equatable {
    /// The core's.
    public var gossip: GossipSizes
    /// Nodes whose datagrams are heeded: ``DatagramLimits/sessionsMax``.
    public var directory: Int
    /// Peers with datagram keys: ``DatagramLimits/sessionsMax``.
    public var sessions: Int
    /// Peers for which packets wait: ``DatagramLimits/waitingPeersMax``.
    public var waitingPeers: Int
    /// Packets that wait: ``DatagramLimits/waitingMax`` for each of them.
    public var waitingPackets: Int
    /// Buckets for sources: ``DatagramLimits/sourceBuckets``.
    public var sourceBuckets: Int
    /// Members whose address is remembered: ``AddressLimits/placesMax``.
    public var addresses: Int
    /// Members' reports of this node's own address: ``AddressLimits/reportsMax``.
    public var addressReports: Int
    /// Members that show whether datagrams arrive: ``ReachabilityLimits/witnessesMax``.
    public var witnesses: Int
    /// Members that a datagram was sent to lately: twice ``ReachabilityLimits/sentMax``.
    public var sentTo: Int
    /// Links whose packets are counted: ``DatagramLimits/linksMax``.
    public var links: Int
}
