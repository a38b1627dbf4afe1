public import Wire

/// Members that are put out of the mesh. Who may say so, and how it is told, is not gossip's matter.
extension GossipCore {
    /// Forgets nodes for good: whatever they say from now on, and what others say that they said, is
    /// not believed. Others forget them by the same revocation; no word of it goes out from here.
    ///
    /// - Parameter certificates: Certificates that hold no more. Members that named them are
    ///   forgotten too, and come back when they name another.
    public mutating func revoke(
        _ nodes: [NodeID], certificates tags: Set<CertificateTag> = []
    ) {
        for node in nodes where node != nodeID && revoked.insert(node).inserted { expel(node) }
        guard !tags.isEmpty else { return }
        let named = members.order.filter { tags.contains(members[$0].alive.certificate) }
            .map { members.id($0) }
        for node in named where node != nodeID { expel(node) }
        for node in certificates.keys.sorted() where certificates[node].map(tags.contains) == true {
            expel(node)
        }
    }

    private mutating func expel(_ node: NodeID) {
        if let slot = members.slot(of: node) {
            // What it said of others is not passed on either.
            for suspect in members.suspects {
                queue.remove(key(.suspect, of: suspect, by: node))
            }
            probeRound.removeAll { $0 == slot }
            forget(slot)
        }
        pending[node] = nil
        certificates[node] = nil
        links.remove(node)
        strangers[node] = nil
        seeds.removeAll { $0.node == node && revoked.contains(node) }
        if filled == node { filled = nil }
        if unfinished == node { unfinished = nil }
    }
}

extension GossipInput {
    /// Who a packet, an answer or a link is of; nil for what is of this node.
    var source: NodeID? {
        switch self {
        case .packet(_, let node, _), .exchanged(_, let node), .linkOpened(let node, _, _),
            .linkRefused(let node), .certified(let node, _), .roundTrip(let node, _):
            node
        case .linkClosed, .metadata, .identity, .activity, .reachability, .seeds, .leave: nil
        }
    }
}
