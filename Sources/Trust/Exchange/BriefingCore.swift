public import Wire

/// Decides whether this start of a node may serve its peers yet.
///
/// A node that was away may not know who was revoked meanwhile. It serves nobody but its own user
/// until it has exchanged what it knows about trust, in this run, with one of:
///
/// 1. an issuer that is not revoked: who revokes is an issuer, or tells one first;
/// 2. a majority of the other members that it remembers: a revocation goes to all that are up, and a
///    few that were away themselves, or are revoked themselves, can't brief it;
/// 3. nobody, when it remembers no other member.
///
/// Once briefed it stays so until it stops: from then on revocations are told to it as they are made.
/// Nothing else decides; there is no clock, and waiting helps nobody in.
public struct BriefingCore: Sendable {
    private let node: NodeID
    private var known: Set<NodeID>
    private var exchanged: Set<NodeID> = []

    /// Whether the node may serve its peers.
    public private(set) var isBriefed = false

    /// A node at its start.
    ///
    /// - Parameter known: The members that it remembers from earlier runs; itself among them makes no
    ///   difference. As many as that memory holds, which is bounded there.
    public init(node: NodeID, known: some Sequence<NodeID>) {
        self.node = node
        self.known = Set(known)
        self.known.remove(node)
        decide()
    }

    /// How many exchanges with remembered members are still wanted, when none is an issuer.
    public var exchangesWanted: Int {
        isBriefed ? 0 : known.count / 2 + 1 - exchanged.count
    }

    /// The other has told all that it knows, and it was merged.
    ///
    /// - Parameter isIssuer: Whether the state after merging says that it is an issuer, not revoked.
    public mutating func exchanged(with other: NodeID, isIssuer: Bool) {
        guard other != node else { return }
        if isIssuer { isBriefed = true }
        // Members that were not remembered don't count: they might all be new, or all be one's own.
        if known.contains(other) { exchanged.insert(other) }
        decide()
    }

    /// These were revoked, as an exchange told: neither they nor what they said count.
    public mutating func forget(_ revoked: some Sequence<NodeID>) {
        for other in revoked {
            known.remove(other)
            exchanged.remove(other)
        }
        decide()
    }

    private mutating func decide() {
        if 2 * exchanged.count > known.count || known.isEmpty { isBriefed = true }
    }
}
