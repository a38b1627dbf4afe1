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

/// A member with what its certificate says of it.
public struct KnownMember: Sendable {
    /// The membership's view.
    public let view: MemberView
    /// The verified certificate.
    public let certificate: VerifiedMember?
}

/// The shell of ``GossipCore``: a thread of its own, a socket, timers, and the gossip services of
/// the links.
///
/// Its thread does nothing else, so that a machine whose cores are all inferring still answers its
/// probes.
public final class GossipRunner: Sendable {
    private let loop: any EventLoop
    private let state: NIOLoopBound<GossipLoop>

    /// A runner that has not started.
    public init(
        settings: GossipSettings, credentials: LinkCredentials, transport: LinkTransport,
        logger: Logger, now: @escaping @Sendable () -> WallTime
    ) async throws {
        let loop = MeshThreads.gossip.next()
        self.loop = loop
        state = try await loop.submit {
            NIOLoopBound(
                GossipLoop(
                    settings: settings, credentials: credentials, transport: transport,
                    logger: logger, loop: loop, now: now), eventLoop: loop)
        }.get()
    }

    /// Opens the socket and begins. A port in use is a
    /// ``LinkError/cannotListen(address:reason:)``.
    public func start() async throws {
        try await loop.flatSubmit { [state] in state.value.start() }.get()
    }

    /// Passes on what the links do, until the transport's events end.
    public func follow(_ transport: LinkTransport) async {
        for await event in await transport.events() {
            // The link itself, for its certificate: it may be gone again already.
            var link: Link?
            if case .up(let member) = event { link = await transport.link(to: member.nodeID) }
            loop.execute { [state, link] in state.value.handle(event, link) }
        }
    }

    /// Serves a stream of one of the gossip services that a peer opened.
    public func serve(_ stream: LinkStream) async {
        let node = stream.peer
        do {
            switch stream.service {
            case .gossip:
                try await GossipStreams.readPackets(from: stream) { [loop, state] packet in
                    loop.execute {
                        state.value.handle(.packet(packet, from: node, path: .link))
                    }
                }
            case .pushPull:
                let bytes = try await GossipStreams.within(GossipStreams.deadline, of: stream) {
                    try await stream.readAll(limit: GossipLimits.stateBytesMax)
                }
                let answer = try await loop.submit { [state] in
                    let answer = state.value.fullState()
                    state.value.handle(.state(bytes, from: node))
                    return answer
                }.get()
                try await stream.send(answer)
                stream.finish()
            case .certificate:
                let (subject, tag) = try await GossipStreams.readCertificateRequest(from: stream)
                let chain = try await loop.submit { [state] in
                    state.value.chain(of: subject, tag)
                }.get()
                if let chain { try await stream.send(chain.encoded) }
                stream.finish()
            default: stream.reset(.unknownService)
            }
        } catch {
            stream.reset(.internalError)
        }
    }

    /// All other members known, in order of their ids.
    public func members() async -> [KnownMember] {
        (try? await loop.submit { [state] in state.value.members() }.get()) ?? []
    }

    /// What was counted, by name.
    public func counters() async -> [String: UInt64] {
        (try? await loop.submit { [state] in state.value.counters() }.get()) ?? [:]
    }

    /// Tells the mesh what this node offers now.
    public func update(metadata: MemberMetadata) {
        loop.execute { [state] in state.value.handle(.metadata(metadata)) }
    }

    /// Tells, with the next acks, how busy this node is.
    public func update(load: MemberLoad) {
        loop.execute { [state] in state.value.handle(.load(load)) }
    }

    /// Uses renewed keys or a renewed certificate, and tells the mesh.
    public func update(credentials: LinkCredentials) {
        loop.execute { [state] in state.value.update(credentials: credentials) }
    }

    /// Says goodbye, waits until that was passed on a few times, and stops.
    public func leave() async {
        loop.execute { [state] in state.value.handle(.leave) }
        try? await Task.sleep(for: .milliseconds(700))
        try? await loop.flatSubmit { [state] in state.value.stop() }.get()
    }
}
