public import Wire

/// One node's membership, complete but for clocks, chance and I/O: the core, the keys of its
/// datagrams, and the addresses of its peers. A node's loop and the simulator run the same one.
///
/// Datagrams and link events go in, effects come out. Whatever a stranger sends, or a member under
/// another's name, is counted and has no effect but datagrams back to where it came from, no longer
/// than what came.
public struct GossipEndpoint: Sendable {
    /// The membership core; read-only from outside.
    public internal(set) var core: GossipCore
    var sessions: DatagramSessions
    var book = AddressBook()
    var monitor: ReachabilityMonitor
    /// What the core was last told of this node's own reachability.
    var told: (reachability: Reachability, addresses: [NetworkAddress])
    var nextLook: MonotonicInstant
    var limits = SourceLimits()
    private var isSeeded = false
    /// Whose datagram is being taken in, and where it came from.
    private var answering: (node: NodeID, source: NetworkAddress, earned: Int)?
    var linkRates: [NodeID: RateBucket] = [:]
    private let hasSocket: Bool
    var nextSweep: MonotonicInstant
    var own = EndpointCounters.Own()

    /// An endpoint of a core that has just begun.
    ///
    /// - Parameter hasSocket: Whether there is a socket for datagrams at all.
    public init(core: GossipCore, sessions: DatagramSessions, hasSocket: Bool) {
        self.core = core
        self.core.begin(sessions.boot)
        self.sessions = sessions
        self.hasSocket = hasSocket
        monitor = ReachabilityMonitor(
            configured: core.local.reachability, hasSocket: hasSocket)
        told = (core.local.reachability, core.local.addresses)
        book.own.configured = core.local.addresses
        nextSweep = .origin + DatagramLimits.sweepInterval
        nextLook = .origin
        // A directory that was shared holds them already.
        guard self.sessions.directory.count < core.members.count else { return }
        for slot in core.members.order { self.sessions.know(core.members.id(slot)) }
    }

    // MARK: Views

    /// What was counted so far.
    public var counters: EndpointCounters {
        EndpointCounters(gossip: core.counters, datagrams: sessions.counters, endpoint: own)
    }

    /// How much is held.
    public var sizes: EndpointSizes {
        EndpointSizes(
            gossip: core.sizes, directory: sessions.directory.count,
            sessions: sessions.sessions.count, waitingPeers: sessions.queue.count,
            waitingPackets: sessions.waiting, sourceBuckets: limits.count,
            addresses: book.count, addressReports: book.own.count,
            witnesses: monitor.witnessCount, sentTo: monitor.sentCount, links: linkRates.count)
    }

    /// When ``tick(at:using:)`` has something to do. An early or late call is safe.
    public var nextDeadline: MonotonicInstant {
        var deadline = core.nextDeadline
        if let hello = sessions.nextDeadline { deadline = min(deadline, hello) }
        if let look = monitor.nextDeadline { deadline = min(deadline, max(look, nextLook)) }
        return deadline
    }

    // MARK: Inputs

    /// Takes in a datagram from the socket.
    public mutating func receive(
        _ datagram: [UInt8], from source: NetworkAddress, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        own.datagramsReceived += 1
        guard let arrival = sessions.read(datagram) else { return [] }
        let received = open(
            arrival, datagram, of: SourceLimits.prefix(of: source), at: now)
        var effects: [EndpointEffect] = []
        for reply in received.replies { send(reply, to: [source], &effects) }
        guard let sender = received.sender else { return effects }
        heard(sender, from: source, isCopy: received.isCopy, at: now)
        if !received.released.isEmpty {
            let addresses = destinations(of: sender, at: now)
            for datagram in received.released { send(datagram, to: addresses, &effects) }
        }
        guard let packet = received.packet else { return effects }
        monitor.note(.datagramArrived(from: sender), at: now)
        core.arrivedFrom = observed(sender, from: source, at: now)
        answering = (sender, source, datagram.count)
        run(.packet(packet, from: sender, path: .datagram), at: now, using: &generator, &effects)
        answering = nil
        core.arrivedFrom = nil
        takeReports(from: source, at: now)
        return effects
    }

    /// Takes in what the shell tells. A packet is one that came over a link: the others come out of
    /// datagrams.
    public mutating func handle(
        _ input: GossipInput, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        switch input {
        case .packet(let packet, let node, _):
            guard mayTake(from: node, at: now) else { return [] }
            noteDetour(packet, from: node, at: now)
        case .linkOpened(let node, _, isInbound: true):
            monitor.note(.inboundLink(from: node), at: now)
        case .identity(let claim): book.own.configured = claim.addresses
        case .linkClosed(let node): linkRates[node] = nil
        default: break
        }
        var effects: [EndpointEffect] = []
        run(input, at: now, using: &generator, &effects)
        return effects
    }

    /// Answers a member's push–pull; see ``GossipCore/answer(_:from:at:using:)``.
    public mutating func answer(
        _ request: [UInt8], from node: NodeID, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> (answer: [UInt8]?, effects: [EndpointEffect]) {
        let (answer, followed) = core.answer(request, from: node, at: now, using: &generator)
        var effects: [EndpointEffect] = []
        perform(followed, at: now, using: &generator, &effects)
        return (answer, effects)
    }

    /// Does what is due at `now`.
    public mutating func tick(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        if !isSeeded {
            // Here, and not when the first stranger sends something.
            limits.seed(using: &generator)
            isSeeded = true
        }
        var effects: [EndpointEffect] = []
        for hello in sessions.repeatHellos(at: now) {
            monitor.note(.datagramSent(to: hello.to), at: now)
            send(hello.datagram, to: destinations(of: hello.to, at: now), &effects)
        }
        perform(core.tick(at: now, using: &generator), at: now, using: &generator, &effects)
        lookAtOneself(at: now, using: &generator, &effects)
        if now >= nextSweep { sweep(at: now) }
        return effects
    }

    /// A link showed `node`'s link key.
    public mutating func know(_ node: NodeID, linkKey: LinkKey, at now: MonotonicInstant) {
        sessions.know(node, linkKey: linkKey, at: now)
    }

    /// Uses `cipher` for datagrams from now on: this node's link key or the gate key is a new one.
    public mutating func renew(cipher: any DatagramCipher) { sessions.renew(cipher: cipher) }

    /// Forgets nodes for good; see ``GossipCore/revoke(_:certificates:)``.
    public mutating func revoke(
        _ nodes: [NodeID], certificates tags: Set<CertificateTag> = []
    ) {
        core.revoke(nodes, certificates: tags)
        for node in nodes {
            sessions.forget(node)
            linkRates[node] = nil
        }
    }

    /// Seals a packet and addresses it, exactly as for the core's own.
    package mutating func send(
        _ packet: [UInt8], to node: NodeID, path: GossipPath, at now: MonotonicInstant
    ) -> [EndpointEffect] {
        var effects: [EndpointEffect] = []
        send(packet, to: node, path: path, at: now, &effects)
        return effects
    }

    // MARK: Effects

    mutating func run(
        _ input: GossipInput, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [EndpointEffect]
    ) {
        let followed = core.handle(input, at: now, using: &generator)
        var isRelayed = false
        if case .packet(_, _, .relay) = input { isRelayed = true }
        perform(followed, at: now, using: &generator, isRelayed: isRelayed, &effects)
    }

    private mutating func perform(
        _ followed: [GossipEffect], at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, isRelayed: Bool = false,
        _ effects: inout [EndpointEffect]
    ) {
        for effect in followed {
            switch effect {
            case .send(let packet, let node, let path):
                send(packet, to: node, path: path, at: now, &effects)
            case .openRelayed(let sealed, let origin, let relay):
                // A relayed packet that carries another relayed datagram is nobody's honest one.
                guard !isRelayed else {
                    own.relayedRefused += 1
                    continue
                }
                openRelayed(sealed, from: origin, via: relay, at: now, using: &generator, &effects)
            case .changed(let node, let event):
                learn(node)
                // A new start may be anywhere.
                if event == .joined { book.forget(node) }
                effects.append(.changed(node, event))
            case .connect(let node, let addresses): effects.append(.connect(node, addresses))
            case .pushPull(let node, let request): effects.append(.pushPull(node, request))
            case .fetchCertificate(let node, let tag, let source):
                effects.append(.fetchCertificate(of: node, tag, from: source))
            }
        }
    }

    mutating func send(
        _ packet: [UInt8], to node: NodeID, path: GossipPath, at now: MonotonicInstant,
        _ effects: inout [EndpointEffect]
    ) {
        switch path {
        case .link: effects.append(.linkPacket(packet, to: node))
        case .datagram:
            guard hasSocket else {
                own.unsendable += 1
                return
            }
            let datagrams = sessions.seal(packet, to: node, by: means(for: node), at: now)
            guard !datagrams.isEmpty else { return }
            monitor.note(.datagramSent(to: node), at: now)
            var addresses = destinations(
                of: node, isInDoubt: GossipPacket.isForwarded(packet), at: now)
            guard mayAnswer(node, with: datagrams, at: &addresses, now: now) else {
                own.unanswered += 1
                return
            }
            for datagram in datagrams { send(datagram, to: addresses, &effects) }
        case .relay(let relay):
            guard packet.count <= GossipLimits.relayedPacketBytesMax else {
                own.unsendable += 1
                return
            }
            let datagrams = sessions.seal(
                packet, to: node, by: means(for: node), isRelayed: true, at: now)
            forward(datagrams, to: node, via: relay, at: now, &effects)
        }
    }

    private mutating func send(
        _ datagram: [UInt8], to addresses: [NetworkAddress], _ effects: inout [EndpointEffect]
    ) {
        guard hasSocket, !addresses.isEmpty else {
            own.unsendable += 1
            return
        }
        own.datagramsSent += UInt64(addresses.count)
        for address in addresses { effects.append(.datagram(datagram, to: address)) }
    }

    /// Keeps what a member's datagram calls forth within bounds, since its source may be forged. What
    /// is sent for other reasons is not limited here.
    private mutating func mayAnswer(
        _ node: NodeID, with datagrams: [[UInt8]], at addresses: inout [NetworkAddress],
        now: MonotonicInstant
    ) -> Bool {
        guard let answering, answering.node == node else { return true }
        if addresses != [answering.source], !sessions.mayAnswerElsewhere(node, at: now) {
            addresses = [book.place(of: node) ?? answering.source]
        }
        let bytes = datagrams.reduce(0) { $0 + $1.count } * addresses.count
        var earned = answering.earned
        defer { self.answering?.earned = earned }
        return sessions.mayAnswer(node, bytes: bytes, earned: &earned, at: now)
    }
}
