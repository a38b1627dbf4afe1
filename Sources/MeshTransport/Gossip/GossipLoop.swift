internal import Gossip
internal import Logging
internal import Mesh
internal import NIOCore
internal import NIOPosix
internal import Trust
internal import Wire

/// The shell of ``GossipEndpoint``: hands it what comes from the socket, the links and the clock, and
/// does what it asks for. Lives on its ``GossipThread`` and is touched nowhere else.
final class GossipLoop {
    let transport: LinkTransport
    let logger: Logger
    let wallClock: @Sendable () -> WallTime
    let settings: GossipSettings
    /// What any thread may read.
    let published: PublishedMembers
    let port: DatagramPort
    /// Its thread. Jobs given to it come back here.
    unowned let thread: GossipThread

    private(set) var credentials: LinkCredentials
    private(set) var endpoint: GossipEndpoint
    private var random = SystemRandomNumberGenerator()
    var shelf = CertificateShelf()
    private(set) var isStopped = false

    var lanes: [NodeID: GossipLane] = [:]
    var dialling: Set<NodeID> = []
    var fetching: Set<CertificateTag> = []
    var exchanging = 0
    var linkPacketsDropped: UInt64 = 0
    var requestsDropped: UInt64 = 0
    private var timersLate: UInt64 = 0

    private var observers: [Int: AsyncStream<MembershipEvent>.Continuation] = [:]
    private var nextObserver = 0
    /// What observers are told once the members are published: what they read then has it.
    private var untold: [MembershipEvent] = []
    /// When the members are published next; nil when nothing has changed.
    private var publishDue: MonotonicInstant?
    private var lastPublished = MonotonicInstant.origin

    init(
        settings: GossipSettings, credentials: LinkCredentials, own: VerifiedMember?,
        transport: LinkTransport, logger: Logger, published: PublishedMembers,
        thread: GossipThread, now: @escaping @Sendable () -> WallTime
    ) {
        self.settings = settings
        self.transport = transport
        self.logger = logger
        self.published = published
        self.thread = thread
        wallClock = now
        self.credentials = credentials
        endpoint = GossipEndpoint(
            core: GossipCore(
                local: Self.claim(settings, credentials), metadata: settings.metadata,
                authority: IdentityClaimAuthority(
                    identity: credentials.identity, mesh: credentials.genesis.id),
                configuration: settings.configuration, now: Self.clock),
            sessions: DatagramSessions(
                nodeID: credentials.identity.nodeID,
                boot: BootID(generation: settings.generation, using: &random),
                cipher: Self.cipher(credentials)), hasSocket: settings.listen != nil)
        port = DatagramPort(faults: settings.faults)
        if let own { shelf.put(credentials.chain, own) }
        endpoint.revoke(credentials.trust.revokedMembers)
        port.lookUp = { [unowned self] address, name in lookUp(name, for: address) }
    }

    private static func cipher(_ credentials: LinkCredentials) -> LinkKeyDatagramCipher {
        LinkKeyDatagramCipher(
            nodeID: credentials.identity.nodeID, mesh: credentials.genesis.id,
            linkKey: credentials.linkKey, gateKeys: credentials.gateKeys)
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

    private static var clock: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
    }

    var now: MonotonicInstant { Self.clock }

    func start() {
        handle(.seeds(settings.seeds.map { ($0.node, $0.addresses) }))
    }

    // MARK: A turn of the thread

    /// Takes in what the socket holds, and then does what is due. The time is read only when the
    /// socket is empty: what waited in it during a pause may be the very answers whose absence a
    /// timer would act on, and how late the timers are shows in full.
    ///
    /// - Returns: When there is something to do again.
    func turn() -> MonotonicInstant {
        guard !isStopped else { return now + .seconds(3600) }
        port.drain { bytes, source in
            guard !isStopped else { return }
            perform(endpoint.receive(bytes, from: source, at: now, using: &random))
        }
        let due = endpoint.nextDeadline
        if now >= due {
            if now - due >= MeshTransportLimits.timerLateness { timersLate += 1 }
            perform(endpoint.tick(at: now, using: &random))
        }
        publishIfDue()
        // A deadline that does not move must not keep the thread from sleeping.
        let next = max(endpoint.nextDeadline, now + MeshTransportLimits.timerGrain)
        return publishDue.map { min($0, next) } ?? next
    }

    // MARK: Inputs

    /// Tells the core something and does what follows.
    func handle(_ input: GossipInput) {
        guard !isStopped else { return }
        perform(endpoint.handle(input, at: now, using: &random))
        switch input {
        // Whether there is a link decides where requests can go.
        case .linkOpened, .linkClosed: publishSoon()
        default: break
        }
    }

    /// A link is open; it is handed in for its certificate, and is nil when it is gone again.
    func linkUp(_ member: VerifiedMember, _ link: Link?) {
        guard let link else { return }
        shelf.put(link.chain, member)
        endpoint.know(member.nodeID, linkKey: link.linkKey, at: now)
        handle(.linkOpened(member.nodeID, member.digest.tag, isInbound: !link.isInitiator))
    }

    func linkDown(_ node: NodeID) {
        lanes.removeValue(forKey: node)?.finish()
        handle(.linkClosed(node))
    }

    /// The answer to a member's push–pull; nil to one that is malformed.
    func answer(_ request: [UInt8], from node: NodeID) -> [UInt8]? {
        guard !isStopped else { return nil }
        let (answer, effects) = endpoint.answer(request, from: node, at: now, using: &random)
        perform(effects)
        return answer
    }

    /// Uses renewed keys or a renewed certificate, which was verified.
    func update(credentials: LinkCredentials, own: VerifiedMember?) {
        let keysChanged =
            credentials.linkKey.publicKey != self.credentials.linkKey.publicKey
            || credentials.gateKeys != self.credentials.gateKeys
        let trustChanged = credentials.trust != self.credentials.trust
        self.credentials = credentials
        if let own { shelf.put(credentials.chain, own) }
        if keysChanged { endpoint.renew(cipher: Self.cipher(credentials)) }
        if trustChanged { forgetRevoked() }
        // As configured; what the node found out about itself the endpoint adds.
        handle(.identity(Self.claim(settings, credentials)))
    }

    /// Forgets members that were revoked, and those by a certificate that was.
    private func forgetRevoked() {
        let trust = credentials.trust
        let dropped = shelf.drop { (try? trust.check($0)) == nil }
        endpoint.revoke(trust.revokedMembers, certificates: dropped)
        for node in lanes.keys where trust.isRevoked(node) {
            lanes.removeValue(forKey: node)?.finish()
        }
        publishSoon()
    }

    // MARK: Publishing

    var members: [KnownMember] { endpoint.core.memberViews.map(known) }

    private func known(_ view: MemberView) -> KnownMember {
        let isActive = view.state == .alive || view.state == .suspect
        return KnownMember(
            view: view, certificate: shelf.member(view.alive.certificate),
            path: isActive
                ? endpoint.core.path(to: view.id) ?? view.relay.map { .relay($0) } : nil)
    }

    /// Where datagrams for each member go, as far as they do.
    var addressesHeard: [NodeID: [NetworkAddress]] {
        let now = now
        let active = endpoint.core.memberViews.filter { $0.state == .alive || $0.state == .suspect }
        return Dictionary(
            active.map { ($0.id, endpoint.addressesHeard(of: $0.id, at: now)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// What this node knows of itself.
    var own: OwnView {
        let claim = endpoint.core.local
        let reason: String
        switch (claim.reachability, most: endpoint.reachabilityMax) {
        case (.direct, _): reason = "it listens, and nothing speaks against it"
        case (.streamsOnly, _): reason = "links arrive here, and datagrams of members do not"
        case (.outboundOnly, .outboundOnly): reason = "it listens for no peer"
        case (.outboundOnly, _): reason = "neither datagrams nor links of members arrive here"
        }
        return OwnView(
            claim: claim, observed: endpoint.ownObserved, reachabilityReason: reason)
    }

    /// A member changed: whoever watches is told, and the members are published soon.
    func changed(_ node: NodeID, _ event: MemberEvent) {
        if event == .displaced {
            logger.critical(
                """
                another process has this node's identity: the members hear only one, the later. \
                Stop one of the two; a machine of its own needs a ticket of its own
                """)
        }
        guard let view = endpoint.core.view(of: node) else { return }
        publishSoon()
        let member = known(view)
        log(event, member)
        guard !observers.isEmpty else { return }
        untold.append(MembershipEvent(member: member, event: event))
        if untold.count >= MeshTransportLimits.eventsBufferedMax { publish() }
    }

    private func publishSoon() {
        let soon = max(now, lastPublished + MeshTransportLimits.publishInterval)
        publishDue = min(publishDue ?? soon, soon)
    }

    /// Many changes at once are published once: it takes time in proportion to the members. Round
    /// trips and loads, whose changes nobody tells of, are published along, seldom.
    private func publishIfDue() {
        let now = now
        guard publishDue.map({ now >= $0 }) ?? (now - lastPublished >= refreshInterval) else {
            return
        }
        publish()
    }

    func publishedNow() -> [KnownMember] {
        publish()
        return published.value
    }

    private func publish() {
        publishDue = nil
        lastPublished = now
        published.value = members
        for event in untold {
            for observer in observers.values { observer.yield(event) }
        }
        untold = []
    }

    private var refreshInterval: Duration {
        max(
            MeshTransportLimits.refreshInterval,
            MeshTransportLimits.refreshIntervalPerMember * published.count)
    }

    private func log(_ event: MemberEvent, _ member: KnownMember) {
        let message: Logger.Message
        switch event {
        case .updated, .displaced: return
        case .joined: message = "member joined"
        case .suspected: message = "member suspected"
        case .recovered: message = "member recovered"
        case .died: message = "member died"
        case .left: message = "member left"
        }
        let name = member.certificate?.name ?? "?"
        logger.info(message, metadata: ["name": "\(name)", "id": "\(member.view.id)"])
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
        continuation.onTermination = { [weak thread] _ in
            thread?.execute { $0.observers[number] = nil }
        }
        return stream
    }

    /// What was counted, and how much is held now, by name.
    var counters: [String: UInt64] {
        let counted = endpoint.counters
        var all: [String: UInt64] = [
            "gossip_datagrams_received": port.received,
            "gossip_datagrams_sent": port.sent,
            "gossip_datagrams_unsent": port.unsent,
            "gossip_datagrams_dropped_on_purpose": port.droppedOnPurpose,
            "gossip_timers_late": timersLate,
            "gossip_link_packets_dropped": linkPacketsDropped,
            "gossip_requests_dropped": requestsDropped,
        ]
        for (group, values) in [
            ("gossip", Self.numbers(of: counted.gossip)),
            ("datagrams", Self.numbers(of: counted.datagrams)),
            ("endpoint", Self.numbers(of: counted.endpoint)),
            ("held", Self.numbers(of: endpoint.sizes)),
            ("held", Self.numbers(of: endpoint.sizes.gossip)),
        ] {
            for (name, value) in values { all["\(group)_\(name)"] = value }
        }
        return all
    }

    /// The numbers among a structure's fields, by the fields' names: so that whatever is counted can
    /// be seen.
    private static func numbers(of counters: Any) -> [(name: String, value: UInt64)] {
        Mirror(reflecting: counters).children.compactMap { field in
            let value =
                (field.value as? UInt64) ?? (field.value as? Int).map { UInt64(clamping: $0) }
            return field.label.flatMap { label in value.map { (label.snakeCased, $0) } }
        }
    }

    // MARK: End

    /// Stops everything. What is asked later is answered from what is known now.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        port.close()
        for lane in lanes.values { lane.finish() }
        lanes = [:]
        publish()
        for observer in observers.values { observer.finish() }
        observers = [:]
    }
}

extension String {
    /// `datagramsSent` as `datagrams_sent`.
    fileprivate var snakeCased: String {
        reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }
}
