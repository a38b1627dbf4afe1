internal import Gossip
internal import Logging
internal import Mesh
internal import NIOCore
internal import Trust
internal import Wire

/// Runs the membership core on one event loop: feeds it packets, link events and time, and does
/// what it asks for. Touched nowhere else.
final class GossipLoop {
    let loop: any EventLoop
    let transport: LinkTransport
    let logger: Logger
    let wallClock: @Sendable () -> WallTime
    private let settings: GossipSettings
    /// What any thread may read.
    let published = PublishedMembers()

    private(set) var credentials: LinkCredentials
    private var core: GossipCore
    private var sessions: DatagramSessions
    private var random = SystemRandomNumberGenerator()
    let port: DatagramPort
    var shelf = CertificateShelf()

    private var timer: Scheduled<Void>?
    private var timerDue = MonotonicInstant.origin
    private var deferrals = 0
    private var receivedAtTimer: UInt64 = 0
    private(set) var isStopped = false

    private var lanes: [NodeID: GossipLane] = [:]
    private var dialling: Set<NodeID> = []
    private var fetching: Set<CertificateTag> = []
    private var exchanging = 0
    private var observers: [Int: AsyncStream<MembershipEvent>.Continuation] = [:]
    private var nextObserver = 0
    private var linkPacketsDropped: UInt64 = 0
    private var requestsDropped: UInt64 = 0

    init(
        settings: GossipSettings, credentials: LinkCredentials, transport: LinkTransport,
        logger: Logger, loop: any EventLoop, now: @escaping @Sendable () -> WallTime
    ) {
        self.settings = settings
        self.loop = loop
        self.transport = transport
        self.logger = logger
        wallClock = now
        self.credentials = credentials
        core = GossipCore(
            local: Self.claim(settings, credentials), metadata: settings.metadata,
            authority: IdentityClaimAuthority(
                identity: credentials.identity, mesh: credentials.genesis.id),
            configuration: settings.configuration, now: Self.clock)
        sessions = DatagramSessions(
            nodeID: credentials.identity.nodeID,
            boot: BootID(generation: settings.generation, using: &random),
            cipher: Self.cipher(credentials))
        port = DatagramPort(loop: loop, faults: settings.faults)
        shelveOwnChain()
    }

    private static func cipher(_ credentials: LinkCredentials) -> LinkKeyDatagramCipher {
        LinkKeyDatagramCipher(
            nodeID: credentials.identity.nodeID, mesh: credentials.genesis.id,
            linkKey: credentials.linkKey, gateKey: credentials.gateKey)
    }

    private static func claim(
        _ settings: GossipSettings, _ credentials: LinkCredentials
    ) -> AliveClaim {
        AliveClaim(
            node: credentials.identity.nodeID, generation: settings.generation,
            linkKey: credentials.linkKey.publicKey,
            linkKeyNotAfter: credentials.linkKey.notAfter,
            certificate: credentials.chain.digest.tag,
            reachability: settings.listen == nil ? .outboundOnly : .direct,
            addresses: settings.addresses)
    }

    private func shelveOwnChain() {
        if let own = try? credentials.chain.verify(genesis: credentials.genesis, at: wallClock()) {
            shelf.put(credentials.chain, own)
        }
    }

    private static var clock: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
    }

    var now: MonotonicInstant { Self.clock }

    func start() {
        port.onDatagram = { [unowned self] bytes, source in receive(bytes, from: source) }
        port.onDrained = { [unowned self] in finishTurn() }
        handle(.seeds(settings.seeds.map { ($0.node, $0.addresses) }))
    }

    // MARK: Inputs

    /// Tells the core something and does what follows.
    func handle(_ input: GossipInput) {
        guard !isStopped else { return }
        apply(input)
        finishTurn()
    }

    private func apply(_ input: GossipInput) {
        for effect in core.handle(input, at: now, using: &random) { perform(effect) }
    }

    private func receive(_ datagram: [UInt8], from source: SocketAddress) {
        guard !isStopped else { return }
        let now = now
        guard let received = open(datagram, at: now) else { return }
        for reply in received.replies + received.released { port.send(reply, to: source) }
        guard let sender = received.sender else { return }
        port.heard(sender, from: source, at: now)
        guard let packet = received.packet else { return }
        apply(.packet(packet, from: sender, path: .datagram))
    }

    private func open(_ datagram: [UInt8], at now: MonotonicInstant) -> DatagramSessions.Received? {
        guard let arrival = sessions.read(datagram) else { return nil }
        return sessions.open(
            arrival, datagram, linkKey: core.view(of: arrival.claimedSender)?.alive.linkKey,
            at: now)
    }

    /// A link is open; it is handed in for its certificate, and is nil when it is gone again.
    func linkUp(_ member: VerifiedMember, _ link: Link?) {
        guard let link else { return }
        shelf.put(link.chain, member)
        sessions.know(member.nodeID, linkKey: link.linkKey, at: now)
        handle(.linkOpened(member.nodeID, member.digest.tag, isInbound: !link.isInitiator))
    }

    func linkDown(_ node: NodeID) {
        lanes.removeValue(forKey: node)?.finish()
        handle(.linkClosed(node))
    }

    /// The answer to a member's push–pull; nil to one that is malformed.
    func answer(_ request: [UInt8], from node: NodeID) -> [UInt8]? {
        guard !isStopped else { return nil }
        let (answer, effects) = core.answer(request, from: node, at: now, using: &random)
        for effect in effects { perform(effect) }
        finishTurn()
        return answer
    }

    /// What a relay passed on: opened, and answered the same way.
    private func receiveRelayed(_ sealed: [UInt8], from origin: NodeID, via relay: NodeID) {
        guard let received = open(sealed, at: now) else { return }
        for reply in received.replies + received.released { forward(reply, to: origin, via: relay) }
        guard let packet = received.packet, received.sender == origin else { return }
        apply(.packet(packet, from: origin, path: .relay(relay)))
    }

    /// Asks a relay to pass a sealed datagram on.
    private func forward(_ sealed: [UInt8], to node: NodeID, via relay: NodeID) {
        for (packet, path) in core.forwarding(sealed, to: node, via: relay) {
            perform(.send(packet, to: relay, path: path))
        }
    }

    func update(credentials: LinkCredentials) {
        let keysChanged =
            credentials.linkKey.publicKey != self.credentials.linkKey.publicKey
            || credentials.gateKey != self.credentials.gateKey
        self.credentials = credentials
        shelveOwnChain()
        if keysChanged { sessions.renew(cipher: Self.cipher(credentials)) }
        handle(.identity(Self.claim(settings, credentials)))
    }

    // MARK: Time

    /// After anything happened: sends what is to be sent and sets the timer.
    private func finishTurn() {
        guard !isStopped else { return }
        port.flush()
        schedule(at: core.nextDeadline)
    }

    private func schedule(at deadline: MonotonicInstant) {
        let earliest = max(deadline, now + MeshTransportLimits.timerGrain)
        // A timer that is due already is not put off by what comes in before it runs.
        if timer != nil, timerDue <= earliest { return }
        timer?.cancel()
        timerDue = earliest
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(earliest.nanoseconds))
        ) { bound.value.timerFired() }
    }

    private func timerFired() {
        guard !isStopped else { return }
        timer = nil
        // A late timer runs after what waits in the socket: it may hold the very answers whose
        // absence the timer would act on. The loop polls the socket between two timers.
        let cameMeanwhile = port.received != receivedAtTimer
        receivedAtTimer = port.received
        let isLate = now - timerDue >= MeshTransportLimits.timerLateness
        if isLate && deferrals == 0 || cameMeanwhile && deferrals > 0,
            deferrals < MeshTransportLimits.timerDeferrals
        {
            deferrals += 1
            let due = timerDue
            schedule(at: now)
            timerDue = min(due, timerDue)
            return
        }
        deferrals = 0
        for effect in core.tick(at: now, using: &random) { perform(effect) }
        publish()
        finishTurn()
    }

    // MARK: Effects

    private func perform(_ effect: GossipEffect) {
        switch effect {
        case .send(let packet, let node, .datagram):
            let now = now
            let datagrams = sessions.seal(
                packet, to: node, linkKey: core.view(of: node)?.alive.linkKey, at: now)
            port.send(
                datagrams, to: node, candidates: core.view(of: node)?.alive.addresses ?? [],
                at: now)
        case .send(let packet, let node, .link): sendOverLink(packet, to: node)
        case .send(let packet, let node, .relay(let relay)):
            let datagrams = sessions.seal(
                packet, to: node, linkKey: core.view(of: node)?.alive.linkKey, isRelayed: true,
                at: now)
            for sealed in datagrams {
                forward(sealed, to: node, via: relay)
            }
        case .openRelayed(let sealed, let origin, let relay):
            receiveRelayed(sealed, from: origin, via: relay)
        case .connect(let node, let addresses): dial(node, addresses)
        case .pushPull(let node, let state): pushPull(state, with: node)
        case .fetchCertificate(let node, let tag, let source): fetch(tag, of: node, from: source)
        case .changed(let node, let event):
            guard let view = core.view(of: node) else { return }
            sessions.claimed(
                node, linkKey: view.alive.linkKey, generation: view.alive.generation,
                incarnation: view.alive.incarnation)
            if event == .joined { port.forget(node) }
            publish()
            let member = KnownMember(view: view, certificate: shelf.member(view.alive.certificate))
            log(event, member)
            for observer in observers.values {
                observer.yield(MembershipEvent(member: member, event: event))
            }
        }
    }

    private func log(_ event: MemberEvent, _ member: KnownMember) {
        let message: Logger.Message
        switch event {
        case .updated: return
        case .joined: message = "member joined"
        case .suspected: message = "member suspected"
        case .recovered: message = "member recovered"
        case .died: message = "member died"
        case .left: message = "member left"
        }
        let name = member.certificate?.name ?? "?"
        logger.info(message, metadata: ["name": "\(name)", "id": "\(member.view.id)"])
    }

    private func sendOverLink(_ packet: [UInt8], to node: NodeID) {
        let lane =
            lanes[node]
            ?? {
                let lane = GossipLane(to: node, over: transport)
                lanes[node] = lane
                return lane
            }()
        if !lane.send(packet) { linkPacketsDropped += 1 }
    }

    private func dial(_ node: NodeID, _ addresses: [NetworkAddress]) {
        guard !dialling.contains(node) else { return }
        guard dialling.count < MeshTransportLimits.dialsMax else {
            requestsDropped += 1
            return
        }
        dialling.insert(node)
        let (transport, loop, logger) = (transport, loop, logger)
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task {
            // A link that opens is told by the transport's events.
            var refused = false
            do { _ = try await transport.connect(to: addresses, expecting: node) } catch {
                refused = true
                logger.debug("no link", metadata: ["peer": "\(node)", "reason": "\(error)"])
            }
            let wasRefused = refused
            loop.execute {
                bound.value.dialling.remove(node)
                if wasRefused { bound.value.handle(.linkRefused(node)) }
            }
        }
    }

    /// Runs one exchange over a link, if not too many are under way.
    private func exchange(
        _ body: @escaping @Sendable () async throws -> GossipInput?,
        after: @escaping @Sendable (GossipLoop) -> Void
    ) {
        guard exchanging < 2 * MeshTransportLimits.exchangesMax else {
            requestsDropped += 1
            return after(self)
        }
        exchanging += 1
        let (loop, logger) = (loop, logger)
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task {
            var input: GossipInput?
            do {
                input = try await GossipStreams.within(
                    MeshTransportLimits.exchangeDeadline, body)
            } catch { logger.debug("exchange failed", metadata: ["reason": "\(error)"]) }
            let outcome = input
            loop.execute {
                bound.value.exchanging -= 1
                after(bound.value)
                if let outcome { bound.value.handle(outcome) }
            }
        }
    }

    private func pushPull(_ state: [UInt8], with node: NodeID) {
        let transport = transport
        exchange({
            guard let link = await transport.link(to: node) else { return nil }
            return .exchanged(try await GossipStreams.pushPull(state, over: link), from: node)
        }) { _ in }
    }

    private func fetch(_ tag: CertificateTag, of node: NodeID, from source: NodeID) {
        if let member = shelf.member(tag), member.nodeID == node {
            // Known already, perhaps from an earlier start of the same node.
            let bound = NIOLoopBound(self, eventLoop: loop)
            return loop.execute { bound.value.handle(.certified(node, tag)) }
        }
        guard fetching.count < MeshTransportLimits.exchangesMax,
            fetching.insert(tag).inserted
        else { return }
        let (transport, genesis, wallClock, loop) = (
            transport, credentials.genesis, wallClock, loop
        )
        let addresses = core.view(of: source)?.alive.addresses ?? []
        let bound = NIOLoopBound(self, eventLoop: loop)
        exchange({
            let link = try await transport.connect(to: addresses, expecting: source)
            guard let chain = try await GossipStreams.fetchCertificate(tag, over: link) else {
                return nil
            }
            let member = try chain.verify(genesis: genesis, at: wallClock())
            guard member.nodeID == node, member.digest.tag == tag else { return nil }
            await loop.run { bound.value.shelf.put(chain, member) }
            return .certified(node, tag)
        }) { driver in driver.fetching.remove(tag) }
    }

    // MARK: Publishing

    var listen: (host: String, port: Int)? { settings.listen }

    var members: [KnownMember] {
        core.memberViews.map {
            KnownMember(view: $0, certificate: shelf.member($0.alive.certificate))
        }
    }

    private func publish() {
        published.value = members
    }

    func observe() -> AsyncStream<MembershipEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MembershipEvent.self,
            bufferingPolicy: .bufferingNewest(MeshTransportLimits.eventsBufferedMax))
        guard !isStopped else {
            continuation.finish()
            return stream
        }
        let number = nextObserver
        nextObserver += 1
        observers[number] = continuation
        let loop = loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        continuation.onTermination = { _ in
            loop.execute { bound.value.observers[number] = nil }
        }
        return stream
    }

    var counters: [String: UInt64] {
        let gossip = core.counters
        let datagrams = sessions.counters
        return [
            "gossip_datagrams_received": port.received,
            "gossip_datagrams_sent": port.sent,
            "gossip_datagrams_dropped_on_purpose": port.droppedOnPurpose,
            "gossip_packets_malformed": gossip.malformed,
            "gossip_claims_forged": gossip.forged,
            "gossip_claims_over_limit": gossip.overLimit,
            "gossip_refutations": gossip.refutations,
            "gossip_probes_failed": gossip.probesFailed,
            "gossip_signatures_checked": gossip.signaturesChecked,
            "gossip_link_packets_dropped": linkPacketsDropped,
            "gossip_requests_dropped": requestsDropped,
            "datagrams_malformed": datagrams.malformed,
            "datagrams_unknown_sender": datagrams.unknownSender,
            "datagrams_not_authentic": datagrams.notAuthentic,
            "datagrams_replayed": datagrams.replayed,
            "datagrams_over_limit": datagrams.overLimit,
        ]
    }

    // MARK: End

    /// Stops everything; returns the socket, to be closed.
    func stop() -> (any Channel)? {
        guard !isStopped else { return nil }
        isStopped = true
        timer?.cancel()
        for lane in lanes.values { lane.finish() }
        lanes = [:]
        for observer in observers.values { observer.finish() }
        observers = [:]
        return port.close()
    }
}
