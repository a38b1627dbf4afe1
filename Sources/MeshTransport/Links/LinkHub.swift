internal import Logging
internal import Mesh
internal import NIOCore
internal import Noise
internal import Secrets
internal import Trust
internal import Wire

/// All links of a node: who is connected, who is half open, who listens to what happens. Lives on
/// the event loop of its channels and is touched nowhere else.
final class LinkHub {
    typealias StreamHandler = @Sendable (LinkStream, VerifiedMember) async -> Void
    typealias JoinHandler = @Sendable (JoinAttempt) async -> JoinResponse

    let loop: any EventLoop
    let logger: Logger
    let genesis: Genesis
    /// Judges peers by what is known of revocations now.
    private(set) var verifier: MemberVerifier
    let wallClock: @Sendable () -> WallTime

    /// What this side brings to handshakes; nil when there is nothing to answer with.
    var local: LinkHandshake.Local
    /// The keys of the member and the catch-up lane; nil for a node that is not a member yet.
    private(set) var gateKeys: GateKeyRing?
    /// Who is not to be trusted any more.
    private(set) var trust: TrustState
    /// What exchanges trust with a peer that the catch-up lane led to; true when that changed
    /// something here.
    var catchUpHandler: (@Sendable (Link) async -> Bool)?
    /// Is told when a member closes a connection and says that the fault is this node's.
    var turnedAwayHandler: (@Sendable (TurnedAway) -> Void)?
    /// What this node carries between others.
    var relayRoom = RelayRoom()
    /// Whether records of inference are padded.
    let pads: Bool
    /// When a catch-up was tried last, by address.
    var caughtUp: [NetworkAddress: MonotonicInstant] = [:]
    /// The pre-shared key of a ticket, by its key id.
    var ticketKey: (@Sendable ([UInt8]) -> SecretBytes?)?
    var joinHandler: JoinHandler?
    /// The thread at the peer port; nil while nothing listens.
    var door: Door?
    private var handlers: [LinkService: StreamHandler] = [:]

    /// Memory for one record at a time, shared by all connections: they take turns on one thread.
    let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: LinkLimits.recordPlaintextBytesMax, alignment: 16)
    let recordSpace = UnsafeMutableRawBufferPointer.allocate(
        byteCount: LinkLimits.recordSpaceBytes, alignment: 16)

    /// The one connection to each member that is its link.
    var links: [NodeID: LinkConnection] = [:]
    /// Beside it, where there is one, the connection for streams of the bulk class.
    var bulks: [NodeID: LinkConnection] = [:]
    /// All connections, also those that are no link of the mesh, or not yet, or not any more.
    var connections: [ObjectIdentifier: LinkConnection] = [:] {
        didSet { keepTimer() }
    }
    private var observers: [Int: AsyncStream<LinkEvent>.Continuation] = [:]
    private var nextObserver = 0
    /// While there are connections: a node without any has no reason to wake up.
    var timer: RepeatedTask?
    private var lastTick = MonotonicInstant.origin
    var counted = LinkCounters()
    /// Renewals that are under way.
    var renewing = 0
    /// Members that a bulk connection is being made to, with who waits for it.
    var diallingBulk: [NodeID: [() -> Void]] = [:]
    /// How far this hub's clock is ahead of the system's, for tests of what hours bring.
    var clockAhead: Duration = .zero
    var dialling: [NodeID: [CheckedContinuation<Void, Never>]] = [:]
    private(set) var isShutDown = false
    private var lingering = 0
    private var whenQuiet: [() -> Void] = []

    init(
        loop: any EventLoop, logger: Logger, genesis: Genesis, local: LinkHandshake.Local,
        gateKeys: GateKeyRing?, trust: TrustState, pads: Bool,
        wallClock: @escaping @Sendable () -> WallTime
    ) {
        self.loop = loop
        self.logger = logger
        self.genesis = genesis
        self.local = local
        self.gateKeys = gateKeys
        self.trust = trust
        self.pads = pads
        self.wallClock = wallClock
        verifier = MemberVerifier(genesis: genesis, trust: trust, now: wallClock)
    }

    deinit {
        // Connections hold their hub: nothing uses these any more.
        scratch.deallocate()
        recordSpace.deallocate()
    }

    var nodeID: NodeID { local.nodeID }

    var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) + clockAhead
    }

    var counters: LinkCounters {
        var counters = counted
        counters.halfOpen = connections.values.count { $0.admission != nil }
        counters.links = links.count
        return counters
    }

    private func keepTimer() {
        guard !connections.isEmpty else {
            timer?.cancel()
            timer = nil
            return
        }
        guard timer == nil, !isShutDown else { return }
        lastTick = now
        let bound = NIOLoopBound(self, eventLoop: loop)
        let interval = TimeAmount.nanoseconds(MeshTransportLimits.linkTick.nanoseconds)
        timer = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            bound.value.tick()
        }
    }

    func tick() {
        let now = now
        let late = now - lastTick - MeshTransportLimits.linkTick
        lastTick = now
        for connection in Array(connections.values) {
            guard connection.isOpen else { continue }
            // A node that slept, or got no processor, must not take its own silence for that of its
            // peers: what they sent may not have been read yet.
            if late >= MeshTransportLimits.linkPause { connection.excuse(late) }
            connection.tick()
            tidy(connection, at: now)
        }
    }

    // MARK: Credentials

    /// Uses other keys, certificates and revocations from now on. Links to who was revoked end.
    func use(_ credentials: LinkCredentials, _ local: LinkHandshake.Local) {
        self.local = local
        gateKeys = credentials.gateKeys
        if credentials.trust != trust {
            trust = credentials.trust
            verifier = MemberVerifier(genesis: genesis, trust: trust, now: wallClock)
            for connection in Array(connections.values) { endIfRevoked(connection) }
        }
        keysChanged()
    }

    /// Ends the connection if its peer was revoked; whether it was.
    @discardableResult
    func endIfRevoked(_ connection: LinkConnection) -> Bool {
        guard let chain = connection.established?.peer.proof.chain else { return false }
        do {
            try trust.check(chain)
            return false
        } catch {
            connection.close(.revoked, text: "\(error)")
            return true
        }
    }

    // MARK: Services

    func setHandler(_ handler: StreamHandler?, for service: LinkService) {
        handlers[service] = handler
    }

    /// What answers a stream of the peer's, or nil.
    func handler(
        for service: LinkService, on link: EstablishedLink
    ) -> (@Sendable (LinkStream) async -> Void)? {
        if let member = link.peer.member, link.preamble.lane == .member {
            if let handler = handlers[service] {
                return { stream in await handler(stream, member) }
            }
            guard service == .relay, relayRoom.streamsMax > 0 else { return nil }
            let (loop, hub) = (loop, NIOLoopBound(self, eventLoop: loop))
            return { stream in await RelayService.serve(stream, hub, loop) }
        }
        if let member = link.peer.member, link.preamble.lane == .catchUp {
            guard service == .trust, let handler = handlers[service] else { return nil }
            return { stream in await handler(stream, member) }
        }
        guard link.preamble.lane == .join, link.role == .responder, service == .control,
            let joinHandler
        else { return nil }
        let genesis = genesis
        return { stream in
            await JoinExchange.answer(stream, on: link, genesis: genesis, by: joinHandler)
        }
    }

    // MARK: Observers

    func observe() -> AsyncStream<LinkEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LinkEvent.self, bufferingPolicy: .bufferingNewest(LinkLimits.eventsBufferedMax))
        guard !isShutDown else {
            continuation.finish()
            return stream
        }
        let number = nextObserver
        nextObserver += 1
        observers[number] = continuation
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        continuation.onTermination = { _ in
            loop.execute { bound.value.observers[number] = nil }
        }
        // Who begins to watch learns what stands.
        for link in links.values {
            if let member = link.established?.peer.member { continuation.yield(.up(member)) }
        }
        return stream
    }

    func emit(_ event: LinkEvent) {
        for observer in observers.values { observer.yield(event) }
    }

    // MARK: End

    /// A connection that is over still sends its last record.
    func lingers(until end: EventLoopFuture<Void>) {
        lingering += 1
        let bound = NIOLoopBound(self, eventLoop: loop)
        end.whenComplete { _ in
            bound.value.lingering -= 1
            bound.value.resumeWhenQuiet()
        }
    }

    /// Calls back when no connection's last record is on its way any more.
    func whenQuiet(_ body: @escaping () -> Void) {
        whenQuiet.append(body)
        resumeWhenQuiet()
    }

    private func resumeWhenQuiet() {
        guard lingering == 0 else { return }
        let waiting = whenQuiet
        whenQuiet = []
        for body in waiting { body() }
    }

    func shutdown() {
        guard !isShutDown else { return }
        isShutDown = true
        timer?.cancel()
        timer = nil
        if let door {
            self.door = nil
            // Nothing listens any more when the shutdown is over.
            let closed = loop.makePromise(of: Void.self)
            lingers(until: closed.futureResult)
            door.end { closed.succeed() }
        }
        for connection in Array(connections.values) {
            connection.close(.shutdown, text: "the node stops")
        }
        for observer in observers.values { observer.finish() }
        observers = [:]
        handlers = [:]
    }

    func handle(of connection: LinkConnection) -> Link? {
        guard let link = connection.established, let member = link.peer.member,
            let chain = link.peer.proof.chain
        else { return nil }
        return Link(
            peer: member, chain: chain, to: link, relay: connection.relay,
            connection: NIOLoopBound(connection, eventLoop: loop), loop: loop)
    }
}
