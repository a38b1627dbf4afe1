public import Wire

/// A member as others may see it.
public struct MemberView: Sendable, Equatable {
    /// The member.
    public let id: NodeID
    /// What it is believed to be.
    public let state: MemberState
    /// Since when.
    public let stateSince: MonotonicInstant
    /// Its last claim to be here.
    public let alive: AliveClaim
    /// What it offers; nil until it is known.
    public let metadata: MemberMetadata?
    /// Which of its metadata that is, counted from 0 in each generation.
    public let metadataVersion: UInt32?
    /// What it does; nil until it is known.
    public let activity: MemberActivity?
    /// Which of its activities that is, counted from 0 in each generation.
    public let activityVersion: UInt32?
    /// How busy it was when it last said so.
    public let load: MemberLoad
    /// The lowest round trip of the last ones measured; nil when none was.
    public let roundTrip: Duration?
    /// The round trip that coordinates predict; nil where one of the two has none.
    public let estimatedRoundTrip: Duration?
    /// Whether a link to it is open.
    public let hasLink: Bool
    /// Whether there is a gossip version that both speak. Without one it is listed, and neither
    /// probed nor buried.
    public let isCompatible: Bool
    /// Whether its datagrams, or those to it, seem to be dropped on the way: answers come over
    /// links or relays only.
    public let isDatagramSilent: Bool
    /// Through whom it was reached last, where that was needed.
    public let relay: NodeID?
    /// How late it said its own timers are, 0 to ``GossipLimits/patienceMax``.
    public let patience: UInt8
}

extension GossipCore {
    /// Where this node is on the map of round trips; nil before it measured any.
    public var coordinate: Coordinate? { own.current.coordinate }

    /// All other members known, dead and left ones included, in order of their ids.
    public var memberViews: [MemberView] { members.order.map(view) }

    /// One other member.
    public func view(of node: NodeID) -> MemberView? { members.slot(of: node).map(view) }

    private func view(_ slot: Slot) -> MemberView {
        let member = members[slot]
        let alive = member.alive
        let dealt = member.dealt
        let metadata = member.metadata
        let activity = member.activity
        let coordinate = dealt.coordinate ?? activity?.activity.coordinate
        return MemberView(
            id: alive.node, state: member.state, stateSince: member.stateSince, alive: alive,
            metadata: metadata?.metadata, metadataVersion: metadata?.version,
            activity: activity?.activity, activityVersion: activity?.version,
            load: dealt.load, roundTrip: dealt.roundTrip,
            estimatedRoundTrip: coordinate.flatMap { own.current.coordinate?.distance(to: $0) },
            hasLink: member.hasLink, isCompatible: member.version > 0,
            isDatagramSilent: dealt.datagramSilences >= GossipLimits.datagramSilencesMax,
            relay: path(toSlot: slot) == nil ? dealt.relay : nil, patience: dealt.patience)
    }
}
