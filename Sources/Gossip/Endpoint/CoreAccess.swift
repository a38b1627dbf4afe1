import Wire

/// What the endpoint asks of the core for single members.
extension GossipCore {
    /// A member's last claim.
    func claim(of node: NodeID) -> AliveClaim? {
        members.slot(of: node).map { members[$0].alive }
    }

    /// Has this node's claim tell the boot id of its datagrams. Only before anything was said.
    mutating func begin(_ boot: BootID) { own.begin(boot, authority) }

    /// A member's link key.
    func linkKey(of node: NodeID) -> LinkKey? { claim(of: node)?.linkKey }

    /// Whether a member is believed to be well.
    func isWell(_ node: NodeID) -> Bool {
        members.slot(of: node).map { members[$0].state == .alive } ?? false
    }

    /// How many members take part, this one included.
    var participants: Int { members[.active].count + 1 }

    /// How many of the others say that datagrams reach them.
    var directOthers: Int { members[.active].count { members[$0].reachability == .direct } }
}

extension GossipPacket {
    /// Whether these are a ping or an answer to one, which somebody waits for.
    static func isProbe(_ packet: [UInt8]) -> Bool {
        packet.count > 1 && (packet[1] == 1 || packet[1] == 2)
    }

    /// Whether this is what a relay passes on.
    static func isForwarded(_ packet: [UInt8]) -> Bool { packet.count > 1 && packet[1] == 4 }
}
