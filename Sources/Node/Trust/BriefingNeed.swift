import Synchronization
import Trust
import Wire

/// What a node still has to hear before it serves its peers, for people.
struct BriefingNeed: Sendable {
    /// What the node itself can do about those that are gone for good.
    enum Standing: Sendable {
        /// It can revoke them.
        case signer
        /// The authority's key can.
        case other
    }

    /// The most nodes that a text names.
    static let namesMax = 6

    /// The other issuers, by name.
    var issuers: [String]
    /// The remembered members that it has not heard from, by name.
    var awaited: [String]
    /// How many of those would do.
    var wanted: Int
    var standing: Standing

    /// Why the node serves no peer yet.
    var reason: String {
        var from: [String] = []
        if !issuers.isEmpty { from.append("from an issuer (\(Self.list(issuers)))") }
        let names = Self.list(others)
        if others.count == 1 {
            from.append("from \(names)")
        } else if !others.isEmpty {
            from.append("from \(wanted) of the members that it knew: \(names)")
        }
        return "it was away, and has to hear who was revoked meanwhile, "
            + from.joined(separator: ", or ")
    }

    /// What to do.
    var advice: String {
        let start =
            issuers.isEmpty
            ? "start \(others.count == 1 ? "it" : "\(wanted) of them")"
            : "start an issuer" + (others.isEmpty ? "" : ", or \(wanted) of the others")
        return switch standing {
        case .signer:
            "\(start); those that are gone for good are not waited for once they are revoked: "
                + "`shoal mesh revoke NODE`"
        case .other:
            "\(start). If no issuer is left, whoever has the authority's key revokes those that are "
                + "gone for good, here: `shoal mesh revoke NODE --authority FILE`"
        }
    }

    /// The awaited that are no issuers, where there are enough: of the issuers one alone will do.
    private var others: [String] {
        let others = awaited.filter { !issuers.contains($0) }
        return others.count < wanted ? [] : others
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(namesMax).joined(separator: ", ")
            + (names.count > namesMax ? " and \(names.count - namesMax) more" : "")
    }
}

extension TrustKeeper {
    /// What this node still has to hear; nil once it serves its peers.
    ///
    /// - Parameter known: The names of nodes, as far as the caller knows them.
    func briefingNeed(names known: [NodeID: String]) -> BriefingNeed? {
        let (briefing, trust) = state.withLock { ($0.briefing, $0.trust) }
        guard !briefing.isBriefed else { return nil }
        let own = directory.identity.nodeID
        var names = known
        for chain in directory.issued() {
            names[chain.member.body.subject] = chain.member.body.name
        }
        for issuer in trust.issuers { names[issuer.body.subject] = issuer.body.name }
        func text(_ node: NodeID) -> String { names[node] ?? node.short }
        let issuers = trust.issuers.map(\.body.subject).filter {
            $0 != own && trust.issuer($0) != nil
        }
        return BriefingNeed(
            issuers: issuers.map(text).sorted(), awaited: briefing.awaited.map(text).sorted(),
            wanted: briefing.exchangesWanted,
            standing: isIssuer || directory.holdsAuthorityKey ? .signer : .other)
    }
}
