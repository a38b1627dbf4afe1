import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization

/// Where and how the HTTP interface listens.
public struct NodeHTTPConfiguration: Equatable, Sendable {
    /// The host to listen on: a name or a numeric address. Only this machine reaches the default.
    public var host: String
    /// The port; 0 lets the system choose one.
    public var port: Int
    /// A Unix socket to listen on as well, for commands of this machine: what passes there is on no
    /// network interface, not even loopback. A socket that is there is replaced. The directory must
    /// keep others out; the socket gets mode 0600 besides.
    public var socketPath: String?
    /// The most generations at once.
    public var concurrentGenerationsMax: Int
    /// Pages of other places that may ask; see ``HTTPOrigin``.
    public var origins: Set<HTTPOrigin> = []
    /// How many files the process may open: what connections may take is a share of it.
    public var openFiles = Int.max
    /// See ``NodeAPILimits/idleSecondsMax``.
    var idleSeconds = NodeAPILimits.idleSecondsMax

    /// A configuration; the default port is 8800.
    public init(
        host: String = "127.0.0.1", port: Int = 8800, socketPath: String? = nil,
        concurrentGenerationsMax: Int = NodeAPILimits.concurrentGenerationsMax
    ) {
        self.host = host
        self.port = port
        self.socketPath = socketPath
        self.concurrentGenerationsMax = concurrentGenerationsMax
    }
}

/// Why the HTTP interface cannot listen.
public enum NodeHTTPError: Error, Equatable, Sendable {
    /// Another program, or another node, listens there.
    case addressInUse(host: String, port: Int)
    /// No interface of this machine has the address.
    case addressNotAvailable(host: String, port: Int)
    /// The system does not let this user listen there.
    case permissionDenied(host: String, port: Int)
    /// Another reason, in the system's words.
    case cannotListen(host: String, port: Int, reason: String)
    /// The server ended before it listened.
    case stopped

    init(_ error: any Error, host: String, port: Int) {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: self = .addressInUse(host: host, port: port)
        case EADDRNOTAVAIL: self = .addressNotAvailable(host: host, port: port)
        case EACCES, EPERM: self = .permissionDenied(host: host, port: port)
        default: self = .cannotListen(host: host, port: port, reason: "\(error)")
        }
    }
}

extension NodeHTTPError: CustomStringConvertible {
    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .addressInUse(let host, let port):
            """
            cannot listen for clients on \(host):\(port): another program listens there. \
            Stop that program, or choose another HTTP port
            """
        case .addressNotAvailable(let host, let port):
            """
            cannot listen for clients on \(host):\(port): no interface of this machine has that \
            address. Use one that it has, 127.0.0.1 for this machine only, or 0.0.0.0 for all
            """
        case .permissionDenied(let host, let port):
            """
            cannot listen for clients on \(host):\(port): the system does not allow it. \
            Choose a port of 1024 or above
            """
        case .cannotListen(let host, let port, let reason):
            "cannot listen for clients on \(host):\(port): \(reason)"
        case .stopped:
            "the HTTP interface was stopped before it listened"
        }
    }
}

/// Where the HTTP interface listens.
public struct NodeHTTPListening: Equatable, Sendable {
    /// The port.
    public var port: Int
    /// The Unix socket; nil when none was asked for, or none could be had.
    public var socketPath: String?
}

/// The HTTP interface as a service: it listens while it runs, and on a graceful shutdown takes
/// no more requests and finishes those that it has.
public final class NodeHTTPServer: Service, Sendable {
    private typealias Listening = Result<NodeHTTPListening, NodeHTTPError>

    private struct State {
        var port: Int?
        /// Inside, nil when there is none.
        var socket: String??
        var result: Listening?
        var waiting: [CheckedContinuation<Listening, Never>] = []
    }

    private let configuration: NodeHTTPConfiguration
    private let service: any NodeService
    private let logger: Logger
    private let state: Mutex<State>

    /// A server that does not listen yet.
    public init(
        configuration: NodeHTTPConfiguration, service: any NodeService, logger: Logger
    ) {
        self.configuration = configuration
        self.service = service
        self.logger = logger
        state = Mutex(State(socket: configuration.socketPath == nil ? .some(nil) : nil))
    }

    /// Serves until shut down or cancelled. To be called once.
    ///
    /// - Throws: ``NodeHTTPError`` if it cannot listen on the port. Without the Unix socket it
    ///   serves all the same, and says so in its log.
    public func run() async throws {
        let handlers = Handlers(service: service, configuration: configuration)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (ports, port) = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    defer { port.finish() }
                    try await self.serveNetwork(handlers) { port.yield() }
                }
                if let path = configuration.socketPath {
                    group.addTask {
                        // Only once the port is had: else there would be a server to end again.
                        for await _ in ports {
                            return try await self.serveSocket(handlers, at: path)
                        }
                    }
                }
                try await group.waitForAll()
            }
            settle(.failure(.stopped))
        } catch {
            settle(.failure(error as? NodeHTTPError ?? .stopped))
            throw error
        }
    }

    private func serveNetwork(
        _ handlers: Handlers, onListening: @escaping @Sendable () -> Void
    ) async throws {
        let address = BindAddress.hostname(configuration.host, port: configuration.port)
        if !NodeHTTPConfiguration.isLoopback(host: configuration.host) {
            logger.warning(
                "HTTP is served to other machines, without authentication: whoever reaches it can ask",
                metadata: ["host": "\(configuration.host)"])
        }
        do {
            try await application(handlers, at: address) { channel in
                self.listens { $0.port = channel.localAddress?.port ?? 0 }
                onListening()
            }.run()
        } catch  where !(error is CancellationError) && !state.withLock({ $0.port != nil }) {
            throw NodeHTTPError(error, host: configuration.host, port: configuration.port)
        }
    }

    private func serveSocket(_ handlers: Handlers, at path: String) async throws {
        do {
            try await application(
                handlers, at: .unixDomainSocket(path: path), isForCommands: true
            ) { _ in
                let isClosed = chmod(path, 0o600) == 0
                self.listens { $0.socket = .some(isClosed ? path : nil) }
            }.run()
            unlink(path)
        } catch  where !(error is CancellationError) && !state.withLock({ $0.socket != nil }) {
            logger.warning(
                "commands of this machine use the HTTP port: there is no socket",
                metadata: ["path": "\(path)", "why": "\(error)"])
            listens { $0.socket = .some(nil) }
        }
    }

    /// Where it listens, as soon as it does. Waits for ``run()``, which must be called sometime.
    public func bound() async throws(NodeHTTPError) -> NodeHTTPListening {
        let result = await withCheckedContinuation { continuation in
            let known: Listening? = state.withLock { state in
                if state.result == nil { state.waiting.append(continuation) }
                return state.result
            }
            if let known { continuation.resume(returning: known) }
        }
        return try result.get()
    }

    /// The port that it listens on; see ``bound()``.
    public func boundPort() async throws(NodeHTTPError) -> Int { try await bound().port }

    private func listens(_ change: (inout State) -> Void) {
        let listening: NodeHTTPListening? = state.withLock { state in
            change(&state)
            guard let port = state.port, let socket = state.socket else { return nil }
            return NodeHTTPListening(port: port, socketPath: socket)
        }
        if let listening { settle(.success(listening)) }
    }

    /// The first result is the one that counts.
    private func settle(_ result: Listening) {
        let waiting = state.withLock { state in
            guard state.result == nil else { return [] as [CheckedContinuation<Listening, Never>] }
            state.result = result
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: result) }
    }

    /// What answers, wherever a request came in.
    private struct Handlers: Sendable {
        let connections: Connections
        let routes: NodeRoutes

        init(service: any NodeService, configuration: NodeHTTPConfiguration) {
            let connections = Connections()
            let slots = GenerationSlots(limit: configuration.concurrentGenerationsMax)
            self.connections = connections
            routes = NodeRoutes(
                service: service,
                generations: GenerationRoutes(
                    service: service, slots: slots, connections: connections),
                embeddings: EmbeddingRoute(service: service, slots: slots))
        }
    }

    /// The interface without a listener of its own, for tests of the routes.
    func application() -> Application<RouterResponder<NodeRequestContext>> {
        application(
            Handlers(service: service, configuration: configuration),
            at: .hostname(configuration.host, port: configuration.port))
    }

    private func application(
        _ handlers: Handlers, at address: BindAddress, isForCommands: Bool = false,
        onListening: @escaping @Sendable (any Channel) -> Void = { _ in }
    ) -> Application<RouterResponder<NodeRequestContext>> {
        let connections = NodeAPILimits.connections(openFiles: configuration.openFiles)
        // The Unix socket has no guard: no page reaches it, and only the node's user does.
        let guardian =
            isForCommands
            ? nil
            : RequestGuard(
                isLoopback: NodeHTTPConfiguration.isLoopback(host: configuration.host),
                origins: configuration.origins)
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = NodeAPILimits.headerBytesMax
        decoder.maxHeaderListSize = NodeAPILimits.headerBytesMax
        decoder.maxHeaderFieldCount = NodeAPILimits.headerFieldsMax
        return Application(
            router: handlers.routes.router(behind: guardian),
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [
                        ConnectionHandler(connections: handlers.connections)
                    ],
                    idleTimeout: .seconds(Int64(configuration.idleSeconds)),
                    httpDecoderConfiguration: decoder)),
            configuration: ApplicationConfiguration(
                address: address,
                serverName: "shoal",
                availableConnectionsDelegate: MaximumAvailableConnections(
                    isForCommands ? connections.commands : connections.network, logger: logger)),
            onServerRunning: { onListening($0) },
            logger: logger)
    }
}
