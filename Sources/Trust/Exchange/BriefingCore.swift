public import Wire

/// Decides whether this start of a node may serve its peers yet.
///
/// A node that was away may not know who was revoked meanwhile. It serves nobody but its own user
/// until it has exchanged what it knows about trust, in this run, with one of:
///
/// 1. an issuer that is not revoked: who revokes is an issuer, or tells one first;
/// 2. so many of the members that it remembers that they are a majority together with itself: a
///    revocation goes to all that are up. Where it reached a majority, this node and whoever was
///    revoked not among them, that and the one which briefs have a member in common, and it is
///    neither of the two. A few that were away themselves can't brief it;
/// 3. nobody, when it remembers no other member that is not revoked;
/// 4. nobody, when nobody else can have revoked: the node is the only issuer that there ever was and
///    still counts, and holds the authority's key. See below.
///
/// Once briefed it stays so until it stops: from then on revocations are told to it as they are made.
/// Nothing else decides; there is no clock, and waiting helps nobody in.
///
/// The fourth is as good as the disk of that node. Every statement of the mesh was signed there, and
/// was on that disk before anybody else heard of it: the node is not stale, however long it was away.
/// That fails in two ways that nothing here can see, a copy of the authority's key that is used
/// elsewhere and a disk that is put back to an earlier state, so the node still exchanges at once with
/// everyone that it links to. Where the key was kept elsewhere from the beginning (it is not on this
/// disk) the rule does not hold, nor with a second issuer: then somebody else can have revoked.
public struct BriefingCore: Sendable {
    private let node: NodeID
    private var known: Set<NodeID>
    private var exchanged: Set<NodeID> = []

    /// Whether the node may serve its peers.
    public private(set) var isBriefed = false

    /// A node at its start.
    ///
    /// - Parameters:
    ///   - known: The members that it remembers from earlier runs; itself among them makes no
    ///     difference. As many as that memory holds, which is bounded there.
    ///   - trust: What it has stored: whom that revokes is not waited for, and does not brief.
    ///   - holdsAuthority: Whether the authority's key is on this node's disk.
    public init(
        node: NodeID, known: some Sequence<NodeID>, trust: TrustState = TrustState(),
        holdsAuthority: Bool = false
    ) {
        self.node = node
        self.known = Set(known)
        self.known.remove(node)
        // Dates don't count, nor whether an issuer is revoked as a member: it may have revoked before.
        let signers = trust.issuers.map(\.body.subject).filter { !trust.isRevokedIssuer($0) }
        isBriefed = holdsAuthority && signers == [node] && trust.issuer(node) != nil
        forget(trust.revokedMembers)
    }

    /// How many exchanges with remembered members are still wanted, when none is an issuer.
    public var exchangesWanted: Int {
        // The least with which 2 * (exchanges + 1) > known + 1.
        isBriefed ? 0 : (known.count + 1) / 2 - exchanged.count
    }

    /// The remembered members that it has not heard from in this run, in order; none once briefed.
    public var awaited: [NodeID] { isBriefed ? [] : known.subtracting(exchanged).sorted() }

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

    /// These are revoked: neither they nor what they said count.
    public mutating func forget(_ revoked: some Sequence<NodeID>) {
        for other in revoked {
            known.remove(other)
            exchanged.remove(other)
        }
        decide()
    }

    private mutating func decide() {
        if 2 * (exchanged.count + 1) > known.count + 1 { isBriefed = true }
    }
}
