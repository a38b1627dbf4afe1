// Gossip: membership.
//
// SWIM (Das, Gupta, Motivala, DSN 2002) with Lifeguard (Dadgar, Phillips, Currey, arXiv 1707.00788) and
// Vivaldi coordinates (Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004), as pure state machines: time,
// randomness, signatures and ciphers are handed in, effects are returned. No I/O, no clock, no
// dictionary iterated where its order could show.
//
//   Claims         what members say, each signed by who says it, and its encoding
//   Packet         what a datagram carries: a message and claims beside it
//   StateExchange  what a push–pull carries
//   Core           the state machine: probes, suspicions, dissemination, exchanges, its own claims
//   Coordinates    where members are on the map of round trips
//   Reachability   where members are heard, where they see this node, and how it can be reached
//   Endpoint       the core with the keys of its datagrams, relays and addresses: what a node's loop
//                  and the simulator both run
//
// Departures from SWIM: nobody's word for a death is taken. A death is concluded from one's own
// expired timer, which signed accusations by different members shorten, and which a word from the
// accused starts again. Alive, metadata, activity and leave are signed by their subject with a
// generation that survives restarts, so that no member can speak for another. There is no ping-req: a
// relay passes on a sealed datagram, so that it cannot answer for the target. `Membership.md` in the
// documentation gives the reasons.

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
    /// In a mesh of no more members than that, so many relays carry a node's last question.
    static let lastCallRelaysMax = 8
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
