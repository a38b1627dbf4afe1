import Wire

/// What the endpoint asks of the core for single members.
extension GossipCore {
    /// A member's last claim.
    func claim(of node: NodeID) -> AliveClaim? { view(of: node)?.alive }

    /// A member's link key.
    func linkKey(of node: NodeID) -> LinkKey? { claim(of: node)?.linkKey }
}
