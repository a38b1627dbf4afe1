import Wire

/// What the endpoint asks of the core for single members.
extension GossipCore {
    /// A member's last claim.
    func claim(of node: NodeID) -> AliveClaim? { members.slot(of: node).map { members[$0].alive } }

    /// A member's link key.
    func linkKey(of node: NodeID) -> LinkKey? { claim(of: node)?.linkKey }
}
