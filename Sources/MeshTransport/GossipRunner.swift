public import Gossip
public import Logging
public import Mesh
import NIOCore
import NIOPosix
public import Trust
public import Wire

/// What a gossip runner starts with.
public struct GossipSettings: Sendable {
    /// Where datagrams are received: the host and port of the links. Nil for a node that can only
    /// dial out; all its gossip goes over links.
    public var listen: (host: String, port: Int)?
    /// Where others may reach this node; signed into its claims.
    public var addresses: [NetworkAddress]
    /// The number of this start; see `StateDirectory.nextGeneration`.
    public var generation: UInt64
    /// What this node offers at first.
    public var metadata: MemberMetadata
    /// Members to begin with.
    public var seeds: [SeedAddress]
    /// The protocol's periods.
    public var configuration = GossipConfiguration()
    /// What is made to go wrong on purpose.
    public var faults: [TransportFault] = []

    /// Settings as given.
    public init(
        listen: (host: String, port: Int)?, addresses: [NetworkAddress], generation: UInt64,
        metadata: MemberMetadata, seeds: [SeedAddress]
    ) {
        self.listen = listen
        self.addresses = addresses
        self.generation = generation
        self.metadata = metadata
        self.seeds = seeds
    }
}

/// The shell of ``GossipCore``: a thread of its own, a socket, timers, and the gossip services of
/// the links.
///
/// Its thread does nothing else, so that a machine whose cores are all inferring still answers its
/// probes.
public final class GossipRunner: Sendable {
    private let loop: any EventLoop
    private let state: NIOLoopBound<GossipLoop>
    private let published: PublishedMembers

    /// A runner that has not started.
    ///
    /// - Parameter now: Civil time, to judge certificates by.
    public init(
        settings: GossipSettings, credentials: LinkCredentials, transport: LinkTransport,
        logger: Logger, now: @escaping @Sendable () -> WallTime
    ) async throws {
        let loop = MeshThreads.gossip.next()
        self.loop = loop
        let state = await loop.run {
            NIOLoopBound(
                GossipLoop(
                    settings: settings, credentials: credentials, transport: transport,
                    logger: logger, loop: loop, now: now), eventLoop: loop)
        }
        self.state = state
        published = await loop.run { state.value.published }
    }

    /// Opens the socket and begins. A port in use is a
    /// ``LinkError/cannotListen(address:reason:)``.
    public func start() async throws(LinkError) {
        let state = state
        if let listen = await loop.run({ state.value.listen }) {
            try await bind(host: listen.host, port: listen.port)
        }
        await loop.run { state.value.start() }
    }

    private func bind(host: String, port: Int) async throws(LinkError) {
        let state = state
        let bootstrap = DatagramBootstrap(group: loop)
            .channelOption(.maxMessagesPerRead, value: MeshTransportLimits.datagramsPerWakeup)
            .channelOption(
                .recvAllocator,
                // One byte more than is accepted, so that what is too long shows.
                value: FixedSizeRecvByteBufferAllocator(capacity: DatagramLimits.bytesMax + 1)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(state.value.port)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: host, port: port).get()
        } catch {
            throw .cannotListen(
                address: addressText(host, UInt16(clamping: port)),
                reason: "for datagrams, \(plainReason(error))")
        }
        await loop.run { state.value.port.opened(channel) }
    }

    /// Passes on what the links do, until the transport's events end.
    public func follow(_ transport: LinkTransport) async {
        let (loop, state) = (loop, state)
        for await event in await transport.events() {
            switch event {
            case .up(let member):
                // The link itself, for its certificate: it may be gone again already.
                let link = await transport.link(to: member.nodeID)
                loop.execute { state.value.linkUp(member, link) }
            case .down(let node, _): loop.execute { state.value.linkDown(node) }
            case .roundTrip(let node, let duration):
                loop.execute { state.value.handle(.roundTrip(node, duration)) }
            }
        }
    }

    /// Serves a stream of one of the gossip services that a peer opened.
    public func serve(_ stream: LinkStream) async {
        do {
            switch stream.service {
            case .gossip: try await receivePackets(from: stream)
            case .pushPull:
                try await GossipStreams.within(MeshTransportLimits.exchangeDeadline) {
                    [loop, state] in
                    let theirs = try await stream.readAll(limit: GossipLimits.stateBytesMax)
                    let ours = await loop.run {
                        state.value.answer(theirs, from: stream.peer)
                    }
                    try await stream.send(ours ?? [])
                }
                stream.finish()
            case .certificate:
                try await GossipStreams.within(MeshTransportLimits.exchangeDeadline) {
                    [loop, state] in
                    let tag = try CertificateTag(decoding: try await stream.readAll(limit: 16))
                    // Nothing is sent for one that is not known here.
                    let chain = await loop.run { state.value.shelf.chain(tag) }
                    if let chain { try await stream.send(chain.encoded) }
                }
                stream.finish()
            default: stream.reset(.unknownService)
            }
        } catch {
            stream.reset(.badMessage)
        }
    }

    private func receivePackets(from stream: LinkStream) async throws {
        let state = state
        var framing = GossipFraming()
        while let bytes = try await stream.read() {
            let packets = try framing.append(bytes)
            // Waiting for the loop is what holds a peer back that sends too much.
            await loop.run {
                for packet in packets {
                    state.value.handle(.packet(packet, from: stream.peer, path: .link))
                }
            }
        }
    }

    /// All other members known, in order of their ids, as of a moment ago. Cheap, from any thread.
    public func snapshot() -> [KnownMember] { published.value }

    /// All other members known, in order of their ids, as of now.
    public func members() async -> [KnownMember] {
        let state = state
        return await loop.run { state.value.members }
    }

    /// Changes of members from now on.
    public func events() async -> AsyncStream<MembershipEvent> {
        let state = state
        return await loop.run { state.value.observe() }
    }

    /// What was counted, by name.
    public func counters() async -> [String: UInt64] {
        let state = state
        return await loop.run { state.value.counters }
    }

    /// Tells the mesh what this node offers now.
    public func update(metadata: MemberMetadata) {
        loop.execute { [state] in state.value.handle(.metadata(metadata)) }
    }

    /// Tells the mesh what this node does; it may be called often.
    public func update(activity: MemberActivity) {
        loop.execute { [state] in state.value.handle(.activity(activity)) }
    }

    /// Uses renewed keys or a renewed certificate, and tells the mesh.
    public func update(credentials: LinkCredentials) {
        loop.execute { [state] in state.value.update(credentials: credentials) }
    }

    /// More members to begin with.
    public func add(seeds: [SeedAddress]) {
        loop.execute { [state] in
            state.value.handle(.seeds(seeds.map { ($0.node, $0.addresses) }))
        }
    }

    /// Says goodbye, waits until that was passed on a few times, and stops.
    public func leave() async {
        loop.execute { [state] in state.value.handle(.leave) }
        try? await Task.sleep(for: MeshTransportLimits.farewell)
        await stop()
    }

    /// Stops without a word, as a crash would. Links are left to their transport.
    public func stop() async {
        let state = state
        let channel = await loop.run { state.value.stop() }
        try? await channel?.close()
    }
}
