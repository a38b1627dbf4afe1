public import Gossip
public import Logging
public import Mesh
import NIOCore
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

/// A node's membership: ``GossipEndpoint`` on a thread of its own, with a socket, a clock, and the
/// gossip services of the links.
///
/// Its thread does nothing else, and what could make it wait is done elsewhere, so that a machine
/// whose cores are all inferring still answers its probes.
public final class GossipRunner: Sendable {
    let thread: GossipThread
    private let settings: GossipSettings
    private let now: @Sendable () -> WallTime
    private let published = PublishedMembers()

    /// A runner that has not started.
    ///
    /// - Parameter now: Civil time, to judge certificates by.
    public init(
        settings: GossipSettings, credentials: LinkCredentials, transport: LinkTransport,
        logger: Logger, now: @escaping @Sendable () -> WallTime
    ) async throws {
        self.settings = settings
        self.now = now
        let (published, own) = (published, Self.verified(credentials, at: now()))
        thread = try GossipThread { thread in
            GossipLoop(
                settings: settings, credentials: credentials, own: own, transport: transport,
                logger: logger, published: published, thread: thread, now: now)
        }
    }

    deinit { thread.end() }

    private static func verified(
        _ credentials: LinkCredentials, at now: WallTime
    ) -> VerifiedMember? {
        try? credentials.chain.verify(
            genesis: credentials.genesis, at: now, trust: credentials.trust)
    }

    /// Opens the socket and begins. A port in use is a
    /// ``LinkError/cannotListen(address:reason:)``.
    public func start() async throws(LinkError) {
        let listen = settings.listen
        let failure: LinkError? = await thread.run { loop in
            if let listen {
                do throws(IOError) {
                    try loop.port.open(
                        host: listen.host, port: listen.port, bytesMax: DatagramLimits.bytesMax)
                } catch {
                    return .cannotListen(
                        address: addressText(listen.host, UInt16(clamping: listen.port)),
                        reason: "for datagrams, \(plainReason(error))")
                }
            }
            loop.start()
            return nil
        }
        if let failure { throw failure }
    }

    /// Passes on what the links do, until the transport's events end.
    public func follow(_ transport: LinkTransport) async {
        for await event in await transport.events() {
            switch event {
            case .up(let member):
                // The link itself, for its certificate: it may be gone again already.
                let link = await transport.link(to: member.nodeID)
                thread.execute { $0.linkUp(member, link) }
            case .down(let node, _): thread.execute { $0.linkDown(node) }
            case .roundTrip(let node, let duration):
                thread.execute { $0.handle(.roundTrip(node, duration)) }
            }
        }
    }

    /// Serves a stream of one of the gossip services that a peer opened.
    public func serve(_ stream: LinkStream) async {
        do {
            switch stream.service {
            case .gossip: try await receivePackets(from: stream)
            case .pushPull:
                try await withDeadline(MeshTransportLimits.exchangeDeadline) {
                    [thread] in
                    let request = try await stream.readAll(limit: GossipLimits.stateBytesMax)
                    let answer = await thread.run { $0.answer(request, from: stream.peer) }
                    try await stream.send(answer ?? [])
                }
                stream.finish()
            case .certificate:
                try await withDeadline(MeshTransportLimits.exchangeDeadline) {
                    [thread] in
                    let tag = try CertificateTag(decoding: try await stream.readAll(limit: 16))
                    // Nothing is sent for one that is not known here.
                    let chain = await thread.run { $0.shelf.chain(tag) }
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
        var framing = GossipFraming()
        while let bytes = try await stream.read() {
            let packets = try framing.append(bytes)
            // Waiting for the thread is what holds a peer back that sends too much.
            await thread.run { loop in
                for packet in packets {
                    loop.handle(.packet(packet, from: stream.peer, path: .link))
                }
            }
        }
    }

    /// All other members known, in order of their ids, as of a moment ago. Cheap, from any thread.
    public func snapshot() -> [KnownMember] { published.value }

    /// All other members known, in order of their ids, as of now. A ``snapshot()`` taken after it
    /// knows as much.
    public func members() async -> [KnownMember] { await thread.run { $0.publishedNow() } }

    /// Where datagrams go, for each member that takes part: where it was heard from, or where it
    /// says it is.
    public func addressesHeard() async -> [NodeID: [NetworkAddress]] {
        await thread.run { $0.addressesHeard }
    }

    /// What this node knows of itself, as of now.
    public func own() async -> OwnView { await thread.run { $0.own } }

    /// Changes of members from now on.
    public func events() async -> AsyncStream<MembershipEvent> {
        await thread.run { $0.observe() }
    }

    /// What was counted, by name.
    public func counters() async -> [String: UInt64] { await thread.run { $0.counters } }

    /// Tells the mesh what this node offers now.
    public func update(metadata: MemberMetadata) {
        thread.execute { $0.handle(.metadata(metadata)) }
    }

    /// Tells the mesh what this node does; it may be called often.
    public func update(activity: MemberActivity) {
        thread.execute { $0.handle(.activity(activity)) }
    }

    /// Uses renewed keys or a renewed certificate, and tells the mesh; forgets members that were
    /// revoked, and hears nothing of them again.
    public func update(credentials: LinkCredentials) {
        let own = Self.verified(credentials, at: now())
        thread.execute { $0.update(credentials: credentials, own: own) }
    }

    /// More members to begin with.
    public func add(seeds: [SeedAddress]) {
        thread.execute { $0.handle(.seeds(seeds.map { ($0.node, $0.addresses) })) }
    }

    /// Says goodbye, waits until that was passed on a few times, and stops.
    public func leave() async {
        thread.execute { $0.handle(.leave) }
        try? await Task.sleep(for: MeshTransportLimits.farewell)
        await stop()
    }

    /// Stops without a word, as a crash would. Links are left to their transport.
    public func stop() async { await thread.run { $0.stop() } }
}
