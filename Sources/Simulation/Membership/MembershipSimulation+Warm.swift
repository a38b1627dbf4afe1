import Gossip
import Wire

/// What nodes know that don't begin as strangers.
struct Acquaintance: Sendable {
    var core: GossipCore
    var sessions: DatagramSessions
}

/// A start at which all know each other: for large meshes, whose joining is not what is asked for.
extension MembershipSimulation {
    /// Starts every node, each knowing all others. What they know is one copy, until they change it.
    mutating func startWarm() {
        let acquaintance = acquaintance()
        for node in nodes.indices { start(node, knowing: acquaintance) }
        let known = acquaintance.core.memberViews.compactMap { view in
            index(view.id).map { (node: $0, view: view) }
        }
        // The checkers follow no more than so many.
        let followed = min(nodes.count, SimulationLimits.beliefsMax / nodes.count)
        for observer in 0..<followed {
            for (subject, view) in known where subject != observer {
                noteBelief(observer, subject, view)
            }
        }
    }

    /// One who is no node of this mesh, and was told of all.
    private func acquaintance() -> Acquaintance {
        let stranger = NodeID(number: UInt64(nodes.count) + 1)
        var chance = SeededRandom(seed: configuration.seed, stream: 14 << 40)
        var identity = SimulatedIdentity.first
        identity.linkKey = LinkKey(number: UInt64(nodes.count) + 1)
        func core(_ node: Int, _ identity: SimulatedIdentity) -> GossipCore {
            var local = Self.alive(configuration, node, identity)
            if node < nodes.count {
                // What it will draw when it starts.
                var chance = randoms[node]
                local.bootNonce = BootID(generation: identity.generation, using: &chance).low
            }
            return GossipCore(
                local: local,
                metadata: Self.metadata(configuration, node % nodes.count),
                authority: SimulatedAuthority(
                    node: NodeID(number: UInt64(node) + 1), pool: pool),
                configuration: configuration.gossip, now: now)
        }
        var told = core(nodes.count, identity)
        var sessions = DatagramSessions(
            nodeID: stranger, boot: BootID(high: 0, low: 1),
            cipher: SimulatedCipher(linkKey: identity.linkKey))
        let nothing = StateSummary(entries: []).encoded()
        for node in nodes.indices {
            var one = core(node, firstIdentity(node))
            let (answer, _) = one.answer(nothing, from: stranger, at: now, using: &chance)
            guard let answer else { preconditionFailure("an empty request is answered") }
            _ = told.handle(.certified(id(node), tag(node)), at: now, using: &chance)
            _ = told.handle(.exchanged(answer, from: id(node)), at: now, using: &chance)
            sessions.know(id(node))
        }
        precondition(told.memberViews.count == nodes.count, "each node's claims are taken in")
        return Acquaintance(core: told, sessions: sessions)
    }

    /// What a node is when it has started once.
    private func firstIdentity(_ node: Int) -> SimulatedIdentity {
        SimulatedIdentity(
            generation: 1, linkKey: LinkKey(number: 1 << 32 | UInt64(node + 1)),
            address: addresses[node])
    }
}
