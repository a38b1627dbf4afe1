// Gossip: the membership core.
//
// SWIM (Das, Gupta, Motivala, DSN 2002) with the suspicion timeouts of Lifeguard (arXiv 1707.00788),
// as a pure state machine: time, randomness, signatures and ciphers are handed in, effects are
// returned. No I/O, no clock.
//
//   Claims      what members say, each signed by who says it, and its encoding
//   Packet      what a datagram carries: a probe message and claims beside it
//   GossipCore  the state machine; its extensions hold one concern each
//
// Departures from SWIM: nobody's word for a death is taken. A death is concluded from one's own
// expired timer, which signed accusations by different members shorten; alive, metadata and leave
// are signed by their subject with a generation that survives restarts, so that no member can speak
// for another.

/// Bounds of the membership core.
public enum GossipLimits {
    /// The longest packet before encryption, in bytes: with header, tag and UDP it stays under the
    /// smallest IPv6 path (1280).
    public static let packetBytesMax = 1150
    /// The most claims in one packet.
    public static let packetClaimsMax = 16
    /// A signature, in bytes.
    public static let signatureBytes = 64
    /// The longest encoded claim, in bytes: with the longest ack beside it, it fits every packet,
    /// one on its way through a relay too.
    public static let claimBytesMax = 900
    /// The longest packet on its way through a relay, before both encryptions, in bytes.
    public static let relayedPacketBytesMax = 1040
    /// The longest encoded alive claim, in bytes: with a suspicion beside it, it fits every packet.
    public static let aliveBytesMax = 700
    /// The longest push–pull state, in bytes.
    public static let stateBytesMax = 4 << 20
    /// The most claims in a push–pull state.
    public static let stateClaimsMax = 40_000
    /// The most members, dead and left ones included.
    public static let membersMax = 12_000
    /// The most nodes whose certificate is awaited.
    public static let pendingMax = 1024
    /// The most of them that one member may have told of.
    public static let pendingPerSourceMax = 256
    /// The most dead and departed members remembered.
    public static let tombstonesMax = 4096
    /// The most verified certificates remembered for nodes that are not members yet.
    public static let certificatesMax = 1024
    /// The most claims waiting to be passed on.
    public static let broadcastsMax = 4096
    /// In a larger mesh, about so many members ask one that they are about to bury a last time.
    public static let lastCallsMax = 64
    /// The most accusations kept against one member.
    public static let accusersMax = 8
    /// Probes in a row answered only over the link, after which datagrams are taken to be blocked.
    public static let datagramSilencesMax = 3
    /// The most models in a member's metadata.
    public static let modelsMax = 12
    /// The longest name of a model in metadata, in bytes.
    public static let modelNameBytesMax = 40
    /// The longest name of a model's format, in bytes.
    public static let modelFormatBytesMax = 16
    /// The most aliases that a model stands for.
    public static let rungsMax = 4
    /// The longest alias, in bytes.
    public static let aliasBytesMax = 24
    /// The longest name of a software version, in bytes.
    public static let softwareBytesMax = 24
    /// The most prefixes in a member's activity.
    public static let prefixesMax = 24
    /// The greatest patience that a member can ask for.
    public static let patienceMax: UInt8 = 7
    /// The longest numerics id, in bytes.
    public static let numericsBytesMax = 32
    /// The most links that a member which can only dial out keeps open to others.
    public static let outboundLinksMax = 64
}
