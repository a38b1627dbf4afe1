public import Logging
public import Mesh
internal import NIOCore
internal import NIOPosix
internal import Platform
public import Secrets
public import Trust
public import Wire

/// A node's links: listens, dials, keeps at most one link to each member, and hands streams to
/// whoever answers for their service.
///
/// Making a link again after it broke is left to those who need one. All links are served by one
/// thread of their own.
public final class LinkTransport: Sendable {
    let hub: NIOLoopBound<LinkHub>
    let loop: any EventLoop

    /// A transport that neither listens nor dials yet.
    ///
    /// - Parameters:
    ///   - pads: Whether records that carry requests and tokens are padded, so that their sizes say
    ///     less.
    ///   - wallClock: Civil time, to judge certificates by.
    public init(
        credentials: LinkCredentials, pads: Bool = true, logger: Logger,
        wallClock: @escaping @Sendable () -> WallTime
    ) async throws(LinkError) {
        let loop = MeshThreads.links.next()
        let local = try credentials.handshakeLocal()
        self.loop = loop
        hub = await loop.run {
            let hub = LinkHub(
                loop: loop, logger: logger, genesis: credentials.genesis, local: local,
                gateKeys: credentials.gateKeys, trust: credentials.trust,
                pads: pads, wallClock: wallClock)
            return NIOLoopBound(hub, eventLoop: loop)
        }
    }

    // MARK: Configuration

    /// Uses new keys, certificates and revocations from now on. Links to members that were revoked,
    /// or whose certificate or issuer was, end with ``LinkCloseCode/revoked``; all others are kept.
    public func update(_ credentials: LinkCredentials) async throws(LinkError) {
        let local = try credentials.handshakeLocal()
        let hub = hub
        await loop.run { hub.value.use(credentials, local) }
    }

    /// Has streams that peers open for a service answered by `handler`, one task for each stream.
    /// When it returns, the stream is finished. Streams of services without one are reset.
    public func setHandler(
        for service: LinkService,
        _ handler: (@Sendable (LinkStream, VerifiedMember) async -> Void)?
    ) async {
        let hub = hub
        await loop.run { hub.value.setHandler(handler, for: service) }
    }

    /// Has `handler` told when a member closes a connection and says that the fault is this node's.
    /// Called on the links' thread: it must not wait.
    public func setTurnedAwayHandler(
        _ handler: (@Sendable (TurnedAway) -> Void)?
    ) async {
        let hub = hub
        await loop.run { hub.value.turnedAwayHandler = handler }
    }

    /// Opens the join lane.
    ///
    /// - Parameters:
    ///   - ticketKey: The pre-shared key of the ticket with a key id, or nil: then the joiner gets
    ///     silence. Called on the links' threads: it must not wait.
    ///   - handler: Decides about a request whose signature was verified.
    public func setJoinHandler(
        ticketKey: @escaping @Sendable (_ keyID: [UInt8]) -> SecretBytes?,
        _ handler: @escaping @Sendable (JoinAttempt) async -> JoinResponse
    ) async {
        let hub = hub
        await loop.run {
            hub.value.ticketKey = ticketKey
            hub.value.joinHandler = handler
            hub.value.keysChanged()
        }
    }

    // MARK: Listening

    /// Listens for peers.
    ///
    /// - Parameters:
    ///   - host: An address of this machine's, or `0.0.0.0` or `::` for all.
    ///   - port: 0 for any free one.
    /// - Returns: The port.
    public func listen(host: String, port: UInt16) async throws(LinkError) -> UInt16 {
        let socket: ListeningSocket
        do {
            socket = try ListeningSocket(
                host: host, port: port, backlog: MeshTransportLimits.acceptBacklog)
            let hub = hub
            let opened: Result<Void, SystemError> = await loop.run {
                Result { () throws(SystemError) in
                    try hub.value.openDoor().listen(on: socket)
                }
            }
            try opened.get()
        } catch {
            throw .cannotListen(address: addressText(host, port), reason: plainReason(error))
        }
        return socket.port
    }

    // MARK: Dialling

    /// The link to a node, if there is one.
    public func link(to peer: NodeID) async -> Link? {
        let hub = hub
        return await loop.run { hub.value.links[peer].flatMap { hub.value.handle(of: $0) } }
    }

    /// The nodes that there are links to.
    public var peers: [NodeID] {
        get async {
            let hub = hub
            return await loop.run { hub.value.links.keys.sorted() }
        }
    }

    /// The link to a node: the one there is, or one made through the first of `addresses` that
    /// leads to it. Names are resolved anew each time.
    ///
    /// - Parameters:
    ///   - peer: The node that must answer; nil accepts any member.
    ///   - relays: Members with a link here that may carry the link on, tried in order when no
    ///     address leads to the peer. What they carry is sealed from end to end.
    public func connect(
        to addresses: [NetworkAddress], expecting peer: NodeID?, relays: [NodeID] = []
    ) async throws(LinkError) -> Link {
        var relayed: Link?
        if let peer {
            // One dial to a node at a time; who comes later looks at what the first achieved.
            if let link = await link(to: peer) {
                // A way without a third node is better, and looked for now and then.
                guard link.relay != nil, !addresses.isEmpty, await mayTryDirect(to: peer) else {
                    return link
                }
                relayed = link
            }
            if await waitForOtherDial(to: peer) {
                if let link = await link(to: peer) { return link }
                throw .notConnected(peer)
            }
        }
        var result = await dial(addresses, expecting: peer)
        if case .failure = result, let relayed {
            result = .success(relayed)
        } else if case .failure(let failure) = result, let peer, !relays.isEmpty {
            result = await dial(peer, via: relays, after: failure)
        }
        if let peer { await endDial(to: peer) }
        return try result.get()
    }

    private func dial(
        _ peer: NodeID, via relays: [NodeID], after failure: LinkError
    ) async -> Result<Link, LinkError> {
        var failures = ["\(failure)"]
        let (hub, loop) = (hub, loop)
        for relay in relays.prefix(MeshTransportLimits.relaysTriedMax) {
            if Task.isCancelled { return .failure(.cancelled) }
            let result: Result<Link, LinkError> = await withCheckedContinuation { continuation in
                loop.execute {
                    hub.value.dial(peer, via: relay) { outcome in
                        continuation.resume(
                            returning: outcome.flatMap { connection in
                                guard let link = hub.value.handle(of: connection) else {
                                    return .failure(.lost("the link ended at once"))
                                }
                                return .success(link)
                            })
                    }
                }
            }
            switch result {
            case .success: return result
            case .failure(let error): failures.append("by way of \(relay): \(error)")
            }
        }
        return .failure(.unreachable(failures))
    }

    private func mayTryDirect(to peer: NodeID) async -> Bool {
        let hub = hub
        return await loop.run {
            guard let connection = hub.value.links[peer] else { return true }
            let now = hub.value.now
            if let tried = connection.directTriedAt,
                now - tried < MeshTransportLimits.directRetry
            {
                return false
            }
            connection.directTriedAt = now
            return true
        }
    }

    /// How much this node carries between others; what it carries already goes on.
    public func setRelayRoom(_ room: RelayRoom) async {
        let hub = hub
        await loop.run { hub.value.relayRoom = hub.value.relayRoom.resized(to: room) }
    }

    /// True when another task was dialling, once it is done; false when this task is to dial.
    private func waitForOtherDial(to peer: NodeID) async -> Bool {
        let (hub, loop) = (hub, loop)
        let isFirst = await loop.run {
            guard hub.value.dialling[peer] == nil else { return false }
            hub.value.dialling[peer] = []
            return true
        }
        if isFirst { return false }
        await withCheckedContinuation { continuation in
            loop.execute {
                guard hub.value.dialling[peer] != nil else { return continuation.resume() }
                hub.value.dialling[peer]?.append(continuation)
            }
        }
        return true
    }

    private func endDial(to peer: NodeID) async {
        let hub = hub
        await loop.run {
            for waiting in hub.value.dialling.removeValue(forKey: peer) ?? [] { waiting.resume() }
        }
    }

    private func dial(
        _ addresses: [NetworkAddress], expecting peer: NodeID?
    ) async -> Result<Link, LinkError> {
        var failures: [(address: NetworkAddress, error: LinkError)] = []
        for address in addresses.prefix(LinkLimits.dialAddressesMax) {
            if Task.isCancelled { return .failure(.cancelled) }
            if let peer, let link = await link(to: peer), link.relay == nil {
                return .success(link)
            }
            do {
                return .success(try await dial(address, expecting: peer))
            } catch .silentlyRefused {
                guard await caughtUp(at: address, expecting: peer) else {
                    failures.append((address, .silentlyRefused))
                    continue
                }
                do {
                    return .success(try await dial(address, expecting: peer))
                } catch { failures.append((address, error)) }
            } catch {
                failures.append((address, error))
            }
        }
        // One address: what went wrong there says most.
        if failures.count == 1 { return .failure(failures[0].error) }
        return .failure(.unreachable(failures.map { "\($0.address): \($0.error)" }))
    }

    private func dial(
        _ address: NetworkAddress, expecting peer: NodeID?
    ) async throws(LinkError) -> Link {
        let hub = hub
        let connection = try await dialOnce(address, on: loop) { completion in
            Result { () throws(LinkError) in
                let connection = try hub.value.dialMember(expecting: peer, then: completion)
                connection.dialled = address
                return connection
            }
        }
        let link = await loop.run { hub.value.handle(of: connection.value) }
        guard let link else { throw .lost("the link ended at once") }
        return link
    }

    // MARK: Watching

    /// What happens to links from now on, after an ``LinkEvent/up(_:)`` for each that stands.
    public func events() async -> AsyncStream<LinkEvent> {
        let hub = hub
        return await loop.run { hub.value.observe() }
    }

    /// What was counted so far.
    public var counters: LinkCounters {
        get async {
            let hub = hub
            var (counters, door) = await loop.run { (hub.value.counters, hub.value.door) }
            guard let (admission, waiting) = await door?.counters() else { return counters }
            counters.accepted = admission.arrived
            counters.refusedAtDoor = admission.refused.values.reduce(0, +)
            counters.waitingAtDoor = waiting
            counters.admission = admission
            return counters
        }
    }

    // MARK: End

    /// Stops listening and closes all links in good order. Returns when their peers were told, or
    /// when ``LinkLimits/closeFlush`` is over.
    public func shutdown() async {
        let (hub, loop) = (hub, loop)
        await withCheckedContinuation { continuation in
            loop.execute {
                hub.value.shutdown()
                hub.value.whenQuiet { continuation.resume() }
            }
        }
    }
}
