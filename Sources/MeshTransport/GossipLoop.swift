import Gossip
import Logging
import Mesh
import NIOCore
import NIOPosix
import Trust
import Wire

/// The core and its socket, confined to one event loop.
final class GossipLoop {
    private let settings: GossipSettings
    private var credentials: LinkCredentials
    private let transport: LinkTransport
    private let logger: Logger
    private let loop: any EventLoop
    private let wallTime: @Sendable () -> WallTime

    private var core: GossipCore
    private var sessions: DatagramSessions
    private var generator = SystemRandomNumberGenerator()
    private var channel: (any Channel)?
    private var timer: Scheduled<Void>?
    private var timerAt: MonotonicInstant?
    private var isStopped = false
    /// Set when a read took as much as it may: more is waiting, and is read before timers fire, so
    /// that a refutation in the socket beats the suspicion's timer.
    private var socketMayHoldMore = false
    private var ticksDeferred = 0

    private var chains: [NodeID: (chain: CertificateChain, member: VerifiedMember)] = [:]
    /// Where authentic datagrams of a member came from last.
    private var observed: [NodeID: SocketAddress] = [:]
    private var resolved: [NetworkAddress: SocketAddress] = [:]
    private var linkSenders: [NodeID: AsyncStream<[UInt8]>.Continuation] = [:]
    private var connecting: Set<NodeID> = []
    private var datagramsReceived: UInt64 = 0
    private var datagramsSent: UInt64 = 0

    init(
        settings: GossipSettings, credentials: LinkCredentials, transport: LinkTransport,
        logger: Logger, loop: any EventLoop, now: @escaping @Sendable () -> WallTime
    ) {
        self.settings = settings
        self.credentials = credentials
        self.transport = transport
        self.logger = logger
        self.loop = loop
        wallTime = now
        let mesh = credentials.genesis.id
        let identity = credentials.identity
        core = GossipCore(
            local: Self.claim(settings, credentials), metadata: settings.metadata,
            authority: IdentityClaimAuthority(identity: identity, mesh: mesh),
            configuration: settings.configuration, now: Self.now())
        sessions = DatagramSessions(
            nodeID: identity.nodeID, boot: BootID(using: &generator),
            cipher: Self.cipher(credentials))
        if let member = try? credentials.chain.verify(
            genesis: credentials.genesis, at: now())
        {
            chains[identity.nodeID] = (credentials.chain, member)
        }
    }

    private static func now() -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
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

    // MARK: Life

    func start() -> EventLoopFuture<Void> {
        let seeds = settings.seeds.map { (node: $0.node, addresses: $0.addresses) }
        guard let listen = settings.listen else {
            handle(.seeds(seeds))
            return loop.makeSucceededVoidFuture()
        }
        let this = NIOLoopBound(self, eventLoop: loop)
        return DatagramBootstrap(group: loop)
            .channelOption(.maxMessagesPerRead, value: 64)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: DatagramLimits.bytesMax + 1)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        DatagramHandler(owner: this.value))
                }
            }
            .bind(host: listen.host, port: listen.port)
            .flatMapErrorThrowing { error in
                throw LinkError.cannotListen(
                    address: "\(listen.host):\(listen.port) (datagrams)", reason: "\(error)")
            }
            .map { channel in
                this.value.channel = channel
                this.value.handle(.seeds(seeds))
            }
    }

    func stop() -> EventLoopFuture<Void> {
        isStopped = true
        timer?.cancel()
        for sender in linkSenders.values { sender.finish() }
        linkSenders = [:]
        return channel?.close() ?? loop.makeSucceededVoidFuture()
    }

    func update(credentials: LinkCredentials) {
        let keysChanged =
            credentials.linkKey.publicKey != self.credentials.linkKey.publicKey
            || credentials.gateKey != self.credentials.gateKey
        self.credentials = credentials
        if let member = try? credentials.chain.verify(
            genesis: credentials.genesis, at: wallTime())
        {
            chains[credentials.identity.nodeID] = (credentials.chain, member)
        }
        if keysChanged { sessions.renew(cipher: Self.cipher(credentials)) }
        handle(.identity(Self.claim(settings, credentials)))
    }

    // MARK: Inputs

    func handle(_ input: GossipInput) {
        guard !isStopped else { return }
        perform(core.handle(input, at: Self.now(), using: &generator))
        reschedule()
    }

    func handle(_ event: LinkEvent, _ link: Link?) {
        switch event {
        case .up(let member):
            guard let link else { return }
            chains[member.nodeID] = (link.chain, member)
            sessions.know(member.nodeID, linkKey: link.linkKey)
            handle(.linkOpened(member.nodeID, link.chain.digest.tag))
        case .down(let node, let error):
            logger.debug("link down", metadata: ["peer": "\(node)", "reason": "\(error)"])
            linkSenders.removeValue(forKey: node)?.finish()
            handle(.linkClosed(node))
        case .roundTrip(let node, let duration): handle(.roundTrip(node, duration))
        }
    }

    fileprivate func receive(_ envelope: AddressedEnvelope<ByteBuffer>) {
        datagramsReceived += 1
        let received = sessions.open(Array(envelope.data.readableBytesView), at: Self.now())
        for reply in received.replies { write(reply, to: envelope.remoteAddress) }
        guard let (from, bytes) = received.packet else { return }
        observed[from] = envelope.remoteAddress
        handle(.packet(bytes, from: from, path: .datagram))
    }

    fileprivate func readCompleted(count: Int) { socketMayHoldMore = count >= 64 }

    // MARK: Timers

    private func reschedule() {
        let deadline = core.nextDeadline
        if let timerAt, timerAt <= deadline { return }
        timer?.cancel()
        timerAt = deadline
        schedule(at: NIODeadline.uptimeNanoseconds(UInt64(max(deadline.nanoseconds, 0))))
    }

    private func schedule(at deadline: NIODeadline) {
        let this = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(deadline: deadline) { this.value.fire() }
    }

    private func fire() {
        timerAt = nil
        guard !isStopped else { return }
        if socketMayHoldMore, ticksDeferred < 20 {
            ticksDeferred += 1
            schedule(at: .now() + .milliseconds(1))
            timerAt = Self.now()
            return
        }
        ticksDeferred = 0
        perform(core.tick(at: Self.now(), using: &generator))
        reschedule()
    }

    // MARK: Effects

    private func perform(_ effects: [GossipEffect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let node, .datagram): sendDatagram(bytes, to: node)
            case .send(let bytes, let node, .link): sendOverLink(bytes, to: node)
            case .connect(let node, let addresses): connect(to: node, addresses)
            case .pushPull(let node, let state): pushPull(with: node, state)
            case .fetchCertificate(let node, let tag, let source):
                fetchCertificate(of: node, tag, from: source)
            case .changed(let node, let event): changed(node, event)
            }
        }
    }

    private func changed(_ node: NodeID, _ event: MemberEvent) {
        guard let view = core.view(of: node) else { return }
        sessions.know(node, linkKey: view.alive.linkKey)
        switch event {
        case .updated: break
        case .joined:
            observed[node] = nil
            log(node, "member joined")
        case .suspected: log(node, "member suspected")
        case .recovered: log(node, "member recovered")
        case .died: log(node, "member died")
        case .left: log(node, "member left")
        }
    }

    private func log(_ node: NodeID, _ message: Logger.Message) {
        let name = chains[node]?.member.name ?? "?"
        logger.info(message, metadata: ["name": "\(name)", "id": "\(node)"])
    }

    private func sendDatagram(_ bytes: [UInt8], to node: NodeID) {
        guard let view = core.view(of: node) else { return }
        let datagrams = sessions.seal(bytes, to: node, at: Self.now())
        if let address = observed[node] {
            for datagram in datagrams { write(datagram, to: address) }
            return
        }
        // Not heard from yet: its candidates are few, and the answer tells which one works.
        for address in view.alive.addresses.prefix(3) {
            for datagram in datagrams { resolve(address) { self.write(datagram, to: $0) } }
        }
    }

    private func write(_ datagram: [UInt8], to address: SocketAddress) {
        guard let channel, channel.isActive else { return }
        datagramsSent += 1
        channel.writeAndFlush(
            AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: datagram)),
            promise: nil)
    }

    /// Names are resolved off the loop; the answer is kept until the member is unreachable there.
    private func resolve(_ address: NetworkAddress, _ body: @escaping (SocketAddress) -> Void) {
        if let known = resolved[address] { return body(known) }
        let port = Int(address.port)
        switch address.host {
        case .v4, .v6:
            if let socket = try? SocketAddress(ipAddress: address.hostText, port: port) {
                resolved[address] = socket
                body(socket)
            }
        case .name(let name):
            let this = NIOLoopBound((self, body), eventLoop: loop)
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
                try SocketAddress.makeAddressResolvingHost(name, port: port)
            }.whenSuccess { socket in
                let (owner, body) = this.value
                if owner.resolved.count > 1024 { owner.resolved = [:] }
                owner.resolved[address] = socket
                body(socket)
            }
        }
    }

    private func sendOverLink(_ bytes: [UInt8], to node: NodeID) {
        if let sender = linkSenders[node] {
            sender.yield(GossipStreams.frame(bytes))
            return
        }
        // The newest packets are the ones worth sending when the link is slow.
        let (packets, sender) = AsyncStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingNewest(64))
        linkSenders[node] = sender
        sender.yield(GossipStreams.frame(bytes))
        let this = NIOLoopBound(self, eventLoop: loop)
        let (loop, transport) = (self.loop, self.transport)
        Task {
            if let stream = try? await transport.link(to: node)?.open(service: .gossip) {
                for await packet in packets {
                    guard (try? await stream.send(packet)) != nil else { break }
                }
                stream.finish()
            }
            loop.execute { this.value.linkSenders.removeValue(forKey: node)?.finish() }
        }
    }

    private func connect(to node: NodeID, _ addresses: [NetworkAddress]) {
        guard connecting.insert(node).inserted else { return }
        let this = NIOLoopBound(self, eventLoop: loop)
        let (loop, transport) = (self.loop, self.transport)
        Task {
            let failure: (any Error)?
            do {
                _ = try await transport.connect(to: addresses, expecting: node)
                failure = nil
            } catch {
                failure = error
            }
            loop.execute {
                this.value.connecting.remove(node)
                if let failure {
                    this.value.logger.debug(
                        "cannot connect", metadata: ["peer": "\(node)", "reason": "\(failure)"])
                    this.value.handle(.linkRefused(node))
                }
            }
        }
    }

    private func pushPull(with node: NodeID, _ state: [UInt8]) {
        let this = NIOLoopBound(self, eventLoop: loop)
        let (loop, transport) = (self.loop, self.transport)
        Task {
            guard let link = await transport.link(to: node),
                let answer = try? await GossipStreams.pushPull(state, over: link)
            else { return }
            loop.execute { this.value.handle(.state(answer, from: node)) }
        }
    }

    // MARK: Certificates

    private func fetchCertificate(of node: NodeID, _ tag: CertificateTag, from source: NodeID) {
        let this = NIOLoopBound(self, eventLoop: loop)
        let (loop, transport) = (self.loop, self.transport)
        if let known = chains[node], known.chain.digest.tag == tag {
            loop.execute { this.value.handle(.certified(node, tag)) }
            return
        }
        let addresses = core.view(of: source)?.alive.addresses ?? []
        Task {
            do {
                let link = try await transport.connect(to: addresses, expecting: source)
                guard
                    let chain = try await GossipStreams.fetchCertificate(
                        of: node, tag, over: link)
                else { return }
                loop.execute { this.value.received(chain, of: node, tag) }
            } catch {
                loop.execute {
                    this.value.logger.debug(
                        "no certificate",
                        metadata: ["of": "\(node)", "from": "\(source)", "reason": "\(error)"])
                }
            }
        }
    }

    private func received(_ chain: CertificateChain, of node: NodeID, _ tag: CertificateTag) {
        guard chain.digest.tag == tag,
            let member = try? chain.verify(genesis: credentials.genesis, at: wallTime()),
            member.nodeID == node, chains.count < GossipLimits.certificatesMax
        else { return }
        chains[node] = (chain, member)
        handle(.certified(node, tag))
    }

    // MARK: Views

    func fullState() -> [UInt8] { core.state() }

    func chain(of node: NodeID, _ tag: CertificateTag) -> CertificateChain? {
        guard let known = chains[node], known.chain.digest.tag == tag else { return nil }
        return known.chain
    }

    func members() -> [KnownMember] {
        core.memberViews.map { KnownMember(view: $0, certificate: chains[$0.id]?.member) }
    }

    func counters() -> [String: UInt64] {
        let gossip = core.counters
        let datagrams = sessions.counters
        return [
            "gossip_datagrams_received": datagramsReceived,
            "gossip_datagrams_sent": datagramsSent,
            "gossip_packets_malformed": gossip.malformed,
            "gossip_claims_forged": gossip.forged,
            "gossip_claims_over_limit": gossip.overLimit,
            "gossip_refutations": gossip.refutations,
            "gossip_probes_failed": gossip.probesFailed,
            "gossip_signatures_checked": gossip.signaturesChecked,
            "datagrams_malformed": datagrams.malformed,
            "datagrams_unknown_sender": datagrams.unknownSender,
            "datagrams_not_authentic": datagrams.notAuthentic,
            "datagrams_replayed": datagrams.replayed,
            "datagrams_over_limit": datagrams.overLimit,
        ]
    }
}

/// Hands datagrams to the loop's owner. One that is malformed costs itself and nothing else.
private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let owner: GossipLoop
    private var count = 0

    init(owner: GossipLoop) { self.owner = owner }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += 1
        owner.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        owner.readCompleted(count: count)
        count = 0
    }

    /// An ICMP answer to something sent earlier is no reason to stop receiving.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
