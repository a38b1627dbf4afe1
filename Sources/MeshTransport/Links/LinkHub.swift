internal import Logging
internal import Mesh
internal import NIOCore
internal import Noise
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
    let verifier: MemberVerifier
    private let wallClock: @Sendable () -> WallTime

    /// What this side brings to handshakes; nil when there is nothing to answer with.
    var local: LinkHandshake.Local
    /// The member lane's key; nil for a node that is not a member yet.
    var gateKey: GateKey?
    /// The pre-shared key of a ticket, by its key id.
    var ticketKey: (@Sendable ([UInt8]) -> [UInt8]?)?
    var joinHandler: JoinHandler?
    private var handlers: [LinkService: StreamHandler] = [:]

    private(set) var links: [NodeID: LinkConnection] = [:]
    private var connections: [ObjectIdentifier: LinkConnection] = [:] {
        didSet { keepTimer() }
    }
    private var halfOpen: [ObjectIdentifier: [UInt8]] = [:]
    private var observers: [Int: AsyncStream<LinkEvent>.Continuation] = [:]
    private var nextObserver = 0
    /// While there are connections: a node without any has no reason to wake up.
    private var timer: RepeatedTask?
    private var lastTick = MonotonicInstant.origin
    private var counted = LinkCounters()
    var dialling: [NodeID: [CheckedContinuation<Void, Never>]] = [:]
    private(set) var isShutDown = false
    private var lingering = 0
    private var whenQuiet: [() -> Void] = []

    init(
        loop: any EventLoop, logger: Logger, genesis: Genesis, local: LinkHandshake.Local,
        gateKey: GateKey?, wallClock: @escaping @Sendable () -> WallTime
    ) {
        self.loop = loop
        self.logger = logger
        self.genesis = genesis
        self.local = local
        self.gateKey = gateKey
        self.wallClock = wallClock
        verifier = MemberVerifier(genesis: genesis, now: wallClock)
    }

    var nodeID: NodeID { local.nodeID }

    var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
    }

    var counters: LinkCounters {
        var counters = counted
        counters.halfOpen = halfOpen.count
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

    private func tick() {
        let wall = wallClock()
        let late = now - lastTick - MeshTransportLimits.linkTick
        lastTick = now
        for connection in Array(connections.values) {
            if let member = connection.established?.peer.member, member.notAfter <= wall {
                connection.close(.expired, text: "the certificate has expired")
            } else if connection.isOpen {
                // A node that slept, or got no processor, must not take its own silence for that
                // of its peers: what they sent may not have been read yet.
                if late >= MeshTransportLimits.linkPause { connection.excuse(late) }
                connection.tick()
            }
        }
    }

    // MARK: Handshakes

    /// The pre-shared key that a preamble names, for the responder.
    private var keys: LinkHandshake.KeyLookup {
        let (gateKey, ticketKey) = (gateKey, ticketKey)
        return { preamble in
            switch preamble.lane {
            case .member:
                gateKey.flatMap { $0.keyID == preamble.keyID ? $0.preSharedKey : nil }
            case .join: ticketKey?(preamble.keyID)
            case .catchUp: nil  // no superseded key is kept yet
            }
        }
    }

    /// A connection that was accepted, or nil when too many are half open.
    func accept(from address: SocketAddress?) -> LinkConnection? {
        counted.accepted += 1
        let source = sourceKey(address)
        guard !isShutDown, halfOpen.count < LinkLimits.halfOpenMax,
            halfOpen.values.count(where: { $0 == source }) < LinkLimits.halfOpenPerAddressMax
        else {
            counted.halfOpenRefused += 1
            return nil
        }
        let handshake = LinkHandshake(
            responding: keys, local: local, verifier: verifier, ephemeral: .generate(), at: now)
        let connection = LinkConnection(hub: self, handshake: handshake) { connection, outcome in
            connection.hub.handshakeOver(connection, outcome) { _ in }
        }
        connections[ObjectIdentifier(connection)] = connection
        halfOpen[ObjectIdentifier(connection)] = source
        return connection
    }

    /// A connection that this side makes.
    ///
    /// - Parameter other: Judges who answers, instead of the hub's verifier.
    func dial(
        preamble: LinkPreamble, preSharedKey: [UInt8], expecting: NodeID?,
        verifier other: (any LinkVerifier)? = nil,
        then completion: @escaping (Result<LinkConnection, LinkError>) -> Void
    ) throws(LinkError) -> LinkConnection {
        guard !isShutDown else { throw .closedHere(.shutdown) }
        let handshake = try LinkHandshake(
            initiating: preamble, preSharedKey: preSharedKey, local: local, expecting: expecting,
            verifier: other ?? verifier, ephemeral: .generate(), at: now)
        let connection = LinkConnection(hub: self, handshake: handshake) { connection, outcome in
            connection.hub.handshakeOver(connection, outcome, completion)
        }
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// What counts as one source: an IPv4 address, or an IPv6 /56, which one household may hold.
    private func sourceKey(_ address: SocketAddress?) -> [UInt8] {
        guard let text = address?.ipAddress else { return [] }
        let isIPv6 = text.contains(":")
        switch NetworkAddress(isIPv6 ? "[\(text)]:1" : "\(text):1")?.host {
        case .v4(let bytes): return bytes
        case .v6(let bytes): return Array(bytes.prefix(7))
        case .name, nil: return Array(text.utf8)  // a mapped or scoped address counts as itself
        }
    }

    private func handshakeOver(
        _ connection: LinkConnection, _ outcome: Result<EstablishedLink, LinkError>,
        _ completion: (Result<LinkConnection, LinkError>) -> Void
    ) {
        halfOpen[ObjectIdentifier(connection)] = nil
        switch outcome {
        case .failure(let error):
            counted.handshakesFailed += 1
            logger.debug("handshake failed", metadata: ["reason": "\(error)"])
            completion(.failure(error))
        case .success(let link):
            counted.established += 1
            guard let member = link.peer.member, link.preamble.lane == .member else {
                // The join lane: an exchange of two messages, not a link of the mesh.
                expireJoin(connection)
                return completion(.success(connection))
            }
            completion(.success(admit(connection, to: member)))
        }
    }

    /// Makes the connection the link to its peer, unless the one there is stays; returns the one
    /// that is the link.
    private func admit(_ connection: LinkConnection, to member: VerifiedMember) -> LinkConnection {
        if let existing = links[member.nodeID], let old = existing.established {
            let isSimultaneous =
                existing.establishedAt + LinkLimits.simultaneousDial > now
                && old.role != connection.established?.role
            // Of two links that cross, both ends keep the one from the lower id.
            let keepsOld = isSimultaneous && (old.role == .initiator) == (nodeID < member.nodeID)
            if keepsOld {
                connection.isRetiring = true
                retire(connection)
                return existing
            }
            if isSimultaneous {
                // For observers nothing changed: there was a link, and there is one.
                links[member.nodeID] = connection
                existing.isRetiring = true
                retire(existing)
                return connection
            }
            // The peer has lost the older one, perhaps because it is another start of it.
            existing.close(.superseded)
        }
        links[member.nodeID] = connection
        logger.debug("link up", metadata: ["peer": "\(member.nodeID)"])
        emit(.up(member))
        return connection
    }

    /// Lets the streams of the lesser of two crossing links come to their ends.
    private func retire(_ connection: LinkConnection) {
        let bound = NIOLoopBound(connection, eventLoop: loop)
        // Not at once: the peer has to find out by itself which of the two stays, and may have
        // opened a stream on this one before it does.
        loop.scheduleTask(in: .nanoseconds(LinkLimits.retirement.nanoseconds)) {
            bound.value.close(.superseded)
        }
    }

    private func expireJoin(_ connection: LinkConnection) {
        let bound = NIOLoopBound(connection, eventLoop: loop)
        loop.scheduleTask(in: .nanoseconds(LinkLimits.joinDeadline.nanoseconds)) {
            bound.value.close(.done)
        }
    }

    func ended(_ connection: LinkConnection, _ error: LinkError) {
        let key = ObjectIdentifier(connection)
        connections[key] = nil
        halfOpen[key] = nil
        switch error {
        case .violation, .recordNotAuthentic: counted.violations += 1
        default: break
        }
        guard let peer = connection.established?.peer.nodeID, links[peer] === connection else {
            return
        }
        links[peer] = nil
        logger.debug("link down", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        emit(.down(peer, error))
    }

    func measured(_ connection: LinkConnection, _ duration: Duration) {
        guard let peer = connection.established?.peer.nodeID, links[peer] === connection else {
            return
        }
        emit(.roundTrip(peer, duration))
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
            guard let handler = handlers[service] else { return nil }
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

    private func emit(_ event: LinkEvent) {
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
            peer: member, chain: chain, linkKey: link.peer.linkKey,
            isInitiator: link.role == .initiator,
            connection: NIOLoopBound(connection, eventLoop: loop), loop: loop)
    }
}
