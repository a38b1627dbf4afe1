import Foundation
import Gossip
import Kernels
public import Logging
import Mesh
import MeshTransport
import NIOCore
import NIOPosix
import NodeAPI
import Platform
import ServiceLifecycle
import Trust
import UnixSignals
public import Wire

/// One running node: its engine, gossip, links and HTTP, from start to stop.
public struct NodeRuntime: Sendable {
    private let directory: StateDirectory
    private let configuration: NodeConfiguration
    private let kernels: KernelTable
    private let logger: Logger
    private let onReady: @Sendable (RunningNode) -> Void

    /// The present, from the system's clock.
    public static let wallTime: @Sendable () -> WallTime = {
        WallTime(seconds: UInt64(max(0, Date().timeIntervalSince1970)))
    }

    private static var milliseconds: UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970 * 1000))
    }

    /// A node that has not started.
    ///
    /// - Parameters:
    ///   - environment: Read for `SHOAL_ISA`; see `KernelTable`.
    ///   - onReady: Called once the node serves.
    public init(
        directory: StateDirectory, configuration: NodeConfiguration,
        environment: [String: String], logger: Logger,
        onReady: @escaping @Sendable (RunningNode) -> Void
    ) throws {
        self.directory = directory
        self.configuration = configuration
        // Refused before models are loaded.
        try configuration.checkPorts()
        _ = try configuration.parsedSeeds()
        _ = try configuration.parsedOrigins()
        self.logger = logger
        self.onReady = onReady
        kernels = try KernelTable.best(environment: environment)
    }

    /// Runs until SIGINT or SIGTERM, then leaves the mesh in order.
    public func run() async throws {
        let lock = try directory.lock()
        defer { withExtendedLifetime(lock) {} }
        directory.forgetJoining()
        let models = try await loadModels()
        defer { models.shutdown() }
        try await run(models)
    }

    private func run(_ models: ModelStore) async throws {
        let now = Self.wallTime
        let faults = try configuration.parsedFaults()
        for fault in faults {
            logger.warning(
                "FAULT ON PURPOSE: \(fault.explanation)", metadata: ["fault": "\(fault)"])
        }
        let memory = directory.peerMemory()
        let keeper = try TrustKeeper(
            directory: directory, known: memory.entries.map(\.node), now: now)
        let credentials = keeper.credentials
        let member = try keeper.member
        let executor = Executor(
            models: models,
            batchWindow: .milliseconds(configuration.privacy.batchMilliseconds))
        let activity = ActivityReporter(models: models, gateKey: credentials.gateKey)
        let gossip = LateBound<GossipRunner>()
        let ownSeed = LateBound<SeedAddress>()
        let joins = JoinService(
            directory: directory, logger: logger, now: now,
            seeds: {
                let known = await gossip.value?.members() ?? []
                return [ownSeed.value].compactMap { $0 } + known.compactMap(SeedAddress.init)
            },
            names: {
                let known = await gossip.value?.members() ?? []
                return Set(known.compactMap { $0.certificate?.name } + [member.name])
            })
        let transport = try await LinkTransport(
            credentials: credentials, pads: configuration.privacy.padding, logger: logger,
            wallClock: now)
        let trust = try trustService(keeper, transport, gossip, activity)
        await transport.setRelayRoom(RelayRoom(streamsMax: configuration.relayedLinks))
        await transport.setHandler(for: .trust) { stream, peer in
            await trust.serve(stream, from: peer)
        }
        let gate = ServingGate(keeper: keeper)
        await transport.setHandler(for: .inference) { stream, peer in
            await executor.serve(
                stream, from: peer.name, objection: await gate.patientObjection(to: peer))
        }
        for service in [LinkService.gossip, .pushPull, .certificate] {
            await transport.setHandler(for: service) { stream, _ in
                guard let gossip = gossip.value else { return stream.reset(.refused) }
                await gossip.serve(stream)
            }
        }
        // Also where the node is no issuer: it may become one while it runs.
        let directory = directory
        await transport.setJoinHandler(
            ticketKey: { directory.ticketRecord(keyID: $0)?.preSharedSecret },
            { attempt in await joins.respond(to: attempt) })
        var port: UInt16?
        if !configuration.dialOutOnly {
            port = try await transport.listen(
                host: configuration.peerHost, port: configuration.peerPort)
        }
        let addresses = try candidateAddresses(port: port)
        ownSeed.set(SeedAddress(node: directory.identity.nodeID, addresses: addresses))
        var settings = GossipSettings(
            listen: port.map { (configuration.peerHost, Int($0)) }, addresses: addresses,
            generation: try directory.nextGeneration(milliseconds: Self.milliseconds),
            metadata: models.metadata,
            // Members to begin with are found by ``DiscoveryService``.
            seeds: [])
        settings.faults = faults
        let runner = try await GossipRunner(
            settings: settings,
            credentials: credentials, transport: transport, logger: logger, now: now)
        gossip.set(runner)
        try await runner.start()

        let entry = EntryService(
            nodeID: directory.identity.nodeID, name: member.name, executor: executor,
            transport: transport, gossip: runner)
        let discovery = DiscoveryService(
            directory: directory, seeds: try configuration.parsedSeeds(),
            ownAddresses: addresses, transport: transport, gossip: runner, logger: logger)
        let node = LocalNode(
            entry: entry,
            activity: activity, trust: trust,
            directory: directory, addresses: addresses, discovery: discovery,
            faults: faults, httpAddress: LateBound<String>(), started: ContinuousClock.now)
        try await serve(node, as: member.name)
    }

    /// Runs the services until a signal comes. HTTP stops first, so that no request is taken that
    /// the mesh can no longer answer.
    private func serve(_ node: LocalNode, as name: String) async throws {
        let mesh = MeshService(
            trust: node.trust, transport: node.entry.transport, gossip: node.entry.gossip,
            activity: node.activity, discovery: node.discovery, logger: logger)
        let socket = directory.prepareSocket()
        var settings = NodeHTTPConfiguration(
            host: configuration.httpHost, port: Int(configuration.httpPort), socketPath: socket)
        settings.origins = try configuration.parsedOrigins()
        settings.openFiles = OpenFiles.limit
        let http = NodeHTTPServer(configuration: settings, service: node, logger: logger)
        let announcement = Task {
            guard let listening = try? await http.bound() else { return }
            announce(node, as: name, listening)
        }
        defer { announcement.cancel() }
        defer { directory.removeRunningNode(socket: socket) }
        var group = ServiceGroupConfiguration(
            services: [.init(service: mesh), .init(service: http)],
            gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        // Answers that run are finished, but not for ever.
        group.maximumGracefulShutdownDuration = .seconds(NodeLimits.drainSeconds)
        let services = ServiceGroup(configuration: group)
        try await services.run()
    }

    /// Tells the commands of this machine, and the caller, that the node serves.
    private func announce(
        _ node: LocalNode, as name: String, _ listening: NodeHTTPListening
    ) {
        let (host, port) = (configuration.httpHost, listening.port)
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        node.httpAddress.set(address)
        let pid = ProcessInfo.processInfo.processIdentifier
        let running = RunningNode(
            pid: pid, processStart: ProcessStart.of(pid), name: name,
            id: directory.identity.nodeID.hex, http: "http://\(address)",
            socket: listening.socketPath, addresses: node.addresses.map(\.description))
        do {
            try directory.save(running)
        } catch {
            logger.error("the node's state is not saved", metadata: ["why": "\(error)"])
        }
        onReady(running)
    }

    /// What exchanges trust with the members that the gossip knows.
    private func trustService(
        _ keeper: TrustKeeper, _ transport: LinkTransport, _ gossip: LateBound<GossipRunner>,
        _ activity: ActivityReporter
    ) throws(StateError) -> TrustService {
        let (logger, directory) = (logger, directory)
        let seeds = try configuration.parsedSeeds()
        return TrustService(
            keeper: keeper, transport: transport,
            members: {
                let known = await gossip.value?.members() ?? []
                return known.map { TrustMember($0, relays: known.relays(to: $0.view.id)) }
            },
            seeds: { seeds + directory.ticketAddresses() },
            addSeeds: { gossip.value?.add(seeds: $0) },
            apply: { credentials in
                activity.use(credentials.gateKey)
                gossip.value?.update(credentials: credentials)
                do {
                    try await transport.update(credentials)
                } catch {
                    logger.error("links keep their old keys", metadata: ["why": "\(error)"])
                }
            }, logger: logger, now: Self.wallTime)
    }

    private func candidateAddresses(port: UInt16?) throws(StateError) -> [NetworkAddress] {
        let given = try configuration.parsedAddresses()
        guard given.isEmpty, let port else { return port == nil ? [] : given }
        return LocalAddresses.candidates(host: configuration.peerHost, port: port)
    }

    /// Loads the models that the configuration names and those in the directory's `models`.
    private func loadModels() async throws -> ModelStore {
        let own = directory.modelFiles
        let specifications = configuration.models + own
        guard specifications.count <= NodeLimits.modelsMax else {
            throw StateError.invalid("a node serves at most \(NodeLimits.modelsMax) models")
        }
        let store = ModelStore(
            kernels: kernels, memoryBytesMax: configuration.memoryMiB.map { $0 << 20 },
            threads: configuration.threads, ladders: try configuration.ladders())
        let directory = directory
        for specification in specifications {
            logger.info("loading model", metadata: ["file": "\(specification)"])
            try await store.load(specification) { path in
                // Reads the whole file: a thread of the pool for blocking work does it.
                try await NIOThreadPool.singleton.runIfActive {
                    try directory.modelDigest(ofFile: path)
                }
            }
        }
        guard store.metadata.isWithinLimits else {
            throw StateError.invalid(
                "what this node offers does not fit one claim of the mesh: give it fewer models, "
                    + "shorter names for them (NAME=FILE), or fewer aliases")
        }
        for offer in store.offers {
            logger.info(
                "model loaded",
                metadata: [
                    "name": "\(offer.name)", "digest": "\(offer.digest)",
                    "kernels": "\(kernels.instructionSet)",
                ])
        }
        return store
    }
}

extension SeedAddress {
    /// A member that can be dialled, or nil.
    init?(_ member: KnownMember) {
        guard member.view.state == .alive, !member.view.alive.addresses.isEmpty else { return nil }
        self.init(node: member.view.id, addresses: member.view.alive.addresses)
    }
}
