import Gossip
import Wire

/// Nodes' processes: how they start and stop, and what each is when it starts.
extension MembershipSimulation {
    /// Starts a node's process.
    ///
    /// - Parameter acquaintance: Whose members it knows from the start; nil for nobody's.
    mutating func start(_ node: Int, knowing acquaintance: Acquaintance? = nil) {
        nodes[node].isUp = true
        nodes[node].start += 1
        if configuration.sabotage != .generationStuck || nodes[node].generation == 0 {
            nodes[node].generation += 1
        }
        nodes[node].halt = nil
        nodes[node].slowness = .zero
        nodes[node].isServing = false
        nodes[node].inbox = Inbox()
        nodes[node].timerAt = nil
        nodes[node].timerIsOverdue = false
        nodes[node].dials = 0
        nodes[node].upSince = now
        // A link key is the process's own: it is made anew with it.
        nodes[node].keyNumber += 1
        nodes[node].keyMadeAt = wallClock(node)
        queue.push(
            .keyDue(node, start: nodes[node].start),
            at: now + .seconds(SimulationLimits.linkKeyLifeSeconds))
        let boot = BootID(generation: nodes[node].generation, using: &randoms[node])
        nodes[node].isDeaf = false
        if isHostile(node) { becomeHostile(node) }
        endpoints[node] = GossipEndpoint(
            core: core(node, knowing: acquaintance?.core),
            sessions: DatagramSessions(
                nodeID: id(node), boot: boot, cipher: cipher(node),
                knowing: acquaintance?.sessions),
            hasSocket: configuration.isDirect(node))
        if configuration.inspectsPackets { endpoints[node].keepPackings() }
        if nodes[node].start > 1 { tally.restarts += 1 }
        noteStarted(node)
        // Those that know each other need no seeds, which would all be dialled at once.
        guard acquaintance == nil else { return schedule(node) }
        let seeds = seeds(of: node)
        handle(.seeds(seeds), node)
    }

    /// Everybody's seeds, by name; node 0 knows two others, as from its last run. And those that it
    /// remembers itself, by address.
    private func seeds(of node: Int) -> [(node: NodeID, addresses: [NetworkAddress])] {
        let known =
            node == 0
            ? Array(1..<max(1, min(max(3, configuration.seeds), nodes.count)))
            : Array(0..<configuration.seeds)
        let given = known.filter { $0 != node && configuration.isDirect($0) }.map {
            (node: id($0), addresses: [SimulatedAddresses.name($0)])
        }
        let ids = Set(given.map(\.node))
        return given + nodes[node].remembered.filter { !ids.contains($0.node) }
    }

    mutating func stop(_ node: Int, isSilent: Bool) {
        guard nodes[node].isUp else { return }
        noteWork(node)
        settle(node)
        nodes[node].isUp = false
        nodes[node].start += 1
        nodes[node].inbox = Inbox()
        nodes[node].remembered = remembered(by: node)
        for other in links.peers(of: node) {
            links.close(node, other)
            tally.linksClosed += 1
            // A host closes the dead process's connections, if it still runs itself.
            let isHeard = !isSilent && network.passesStreams(node, other)
            if !isHeard { tally.linksSilent += 1 }
            let delay: Duration =
                isHeard
                ? .nanoseconds(network.streamDelay(node, other, at: now))
                : SimulationLimits.linkSilence
            queue.push(.linkGone(node, other, start: nodes[other].start), at: now + delay)
        }
    }

    /// What a node writes down now and then, to find the mesh by after a restart.
    private mutating func remembered(by node: Int) -> [(node: NodeID, addresses: [NetworkAddress])]
    {
        var found: [(node: NodeID, addresses: [NetworkAddress])] = []
        for view in peek(node, { $0.core.memberViews })
        where view.state == .alive && !view.alive.addresses.isEmpty {
            found.append((view.id, view.alive.addresses))
            if found.count == SimulationLimits.rememberedMax { break }
        }
        return found
    }

    // MARK: Identity

    func wallClock(_ node: Int) -> Int {
        Int(now.nanoseconds / 1_000_000_000) + nodes[node].wallSeconds
    }

    private func identity(_ node: Int) -> SimulatedIdentity {
        SimulatedIdentity(
            generation: nodes[node].generation,
            linkKey: LinkKey(number: nodes[node].keyNumber << 32 | UInt64(node + 1)),
            address: addresses[addresses.own(node)])
    }

    /// Replaces the link key when it is old by the wall clock; else looks again when it will be.
    mutating func rotateKeyIfDue(_ node: Int) {
        let age = wallClock(node) - nodes[node].keyMadeAt
        if age >= SimulationLimits.linkKeyLifeSeconds {
            rotateKey(node)
        } else {
            let rest = max(1, SimulationLimits.linkKeyLifeSeconds - age)
            queue.push(.keyDue(node, start: nodes[node].start), at: now + .seconds(rest))
        }
    }

    mutating func rotateKey(_ node: Int) {
        guard nodes[node].isUp else { return }
        tally.keyRotations += 1
        nodes[node].keyNumber += 1
        nodes[node].keyMadeAt = wallClock(node)
        queue.push(
            .keyDue(node, start: nodes[node].start),
            at: now + .seconds(SimulationLimits.linkKeyLifeSeconds))
        endpoints[node].renew(cipher: cipher(node))
        tellIdentity(node)
    }

    /// Tells a node's endpoint its key and address, of which one is new.
    mutating func tellIdentity(_ node: Int) {
        deliver(.input(.identity(Self.alive(configuration, node, identity(node)))), to: node)
    }

    private func cipher(_ node: Int) -> any DatagramCipher {
        let honest = SimulatedCipher(
            linkKey: identity(node).linkKey, isPlain: configuration.inspectsPackets)
        if let hostile = hostiles[node] { return hostile.cipher(honest) }
        return honest
    }

    static func alive(
        _ configuration: Configuration, _ node: Int, _ identity: SimulatedIdentity
    ) -> AliveClaim {
        let isDirect = configuration.isDirect(node)
        return AliveClaim(
            node: NodeID(number: UInt64(node) + 1), generation: identity.generation,
            linkKey: identity.linkKey, linkKeyNotAfter: WallTime(seconds: 1 << 40),
            certificate: CertificateTag(high: 7, low: UInt64(node) + 1),
            reachability: isDirect ? .direct : .outboundOnly,
            addresses: isDirect ? [identity.address] : [])
    }

    static func metadata(
        _ configuration: Configuration, _ node: Int, update: Int = 0
    ) -> MemberMetadata {
        let models =
            configuration.placement.map { $0[node] } ?? [
                OfferedModel(
                    digest: ModelDigest(number: UInt64(node % 3)), name: "model-\(node % 3)",
                    contextLength: 2048)
            ]
        return MemberMetadata(
            software: update == 0 ? "shoal 0.1.0" : "shoal 0.1.0+\(update)",
            numerics: "shoal-numerics-2", kvTypes: 3, models: models)
    }

    private mutating func core(_ node: Int, knowing other: GossipCore?) -> GossipCore {
        let alive = Self.alive(configuration, node, identity(node))
        let metadata = Self.metadata(configuration, node)
        let authority = SimulatedAuthority(node: id(node), pool: pool)
        guard let other else {
            return GossipCore(
                local: alive, metadata: metadata, authority: authority,
                configuration: gossip(of: node), now: clock(node))
        }
        // Not in step: each counts its periods from a time of its own.
        let offset = machines.duration(in: .zero...configuration.gossip.probeInterval)
        return GossipCore(
            local: alive, metadata: metadata, authority: authority,
            configuration: gossip(of: node), now: clock(node) + offset, knowing: other)
    }

    /// A node's periods and rules, with the protocol versions that it speaks.
    private func gossip(of node: Int) -> GossipConfiguration {
        var gossip = configuration.gossip
        if !configuration.versions.isEmpty {
            gossip.versions = configuration.versions[node % configuration.versions.count]
        }
        return gossip
    }

    /// What stands for a node that never started.
    static func blank(_ configuration: Configuration, _ node: Int) -> GossipEndpoint {
        let identity = SimulatedIdentity.first
        return GossipEndpoint(
            core: GossipCore(
                local: alive(configuration, node, identity),
                metadata: metadata(configuration, node),
                authority: SimulatedAuthority(node: NodeID(number: UInt64(node) + 1)), now: .origin),
            sessions: DatagramSessions(
                nodeID: NodeID(number: UInt64(node) + 1), boot: BootID(high: 0, low: 1),
                cipher: SimulatedCipher(linkKey: identity.linkKey)),
            hasSocket: false)
    }
}
