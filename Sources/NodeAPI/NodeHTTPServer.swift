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
    /// The most generations at once.
    public var concurrentGenerationsMax: Int

    /// A configuration; the default port is 8800.
    public init(
        host: String = "127.0.0.1", port: Int = 8800,
        concurrentGenerationsMax: Int = NodeAPILimits.concurrentGenerationsMax
    ) {
        self.host = host
        self.port = port
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
            Choose another HTTP port, or stop that program
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

/// The HTTP interface as a service: it listens while it runs, and on a graceful shutdown takes
/// no more requests and finishes those that it has.
public final class NodeHTTPServer: Service, Sendable {
    private enum Listening {
        case notYet(waiting: [CheckedContinuation<Result<Int, NodeHTTPError>, Never>])
        case done(Result<Int, NodeHTTPError>)
    }

    private let configuration: NodeHTTPConfiguration
    private let service: any NodeService
    private let logger: Logger
    private let listening = Mutex(Listening.notYet(waiting: []))

    /// A server that does not listen yet.
    public init(
        configuration: NodeHTTPConfiguration, service: any NodeService, logger: Logger
    ) {
        self.configuration = configuration
        self.service = service
        self.logger = logger
    }

    /// Serves until shut down or cancelled. To be called once.
    ///
    /// - Throws: ``NodeHTTPError`` if it cannot listen.
    public func run() async throws {
        do {
            try await application { [weak self] port in
                self?.settle(.success(port))
            }.run()
            settle(.failure(.stopped))
        } catch {
            let wasListening = listening.withLock { state in
                if case .done(.success) = state { true } else { false }
            }
            if wasListening || error is CancellationError {
                settle(.failure(.stopped))
                throw error
            }
            let failure = NodeHTTPError(
                error, host: configuration.host, port: configuration.port)
            settle(.failure(failure))
            throw failure
        }
    }

    /// The port that it listens on, as soon as it does. Waits for ``run()``, which must be
    /// called sometime.
    public func boundPort() async throws(NodeHTTPError) -> Int {
        let result = await withCheckedContinuation { continuation in
            let known: Result<Int, NodeHTTPError>? = listening.withLock { state in
                switch state {
                case .notYet(let waiting):
                    state = .notYet(waiting: waiting + [continuation])
                    return nil
                case .done(let result):
                    return result
                }
            }
            if let known { continuation.resume(returning: known) }
        }
        return try result.get()
    }

    /// The first result is the one that counts.
    private func settle(_ result: Result<Int, NodeHTTPError>) {
        let waiting = listening.withLock { state in
            switch state {
            case .notYet(let waiting):
                state = .done(result)
                return waiting
            case .done:
                return []
            }
        }
        for continuation in waiting { continuation.resume(returning: result) }
    }

    func application(
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) -> Application<RouterResponder<NodeRequestContext>> {
        let connections = Connections()
        let slots = GenerationSlots(limit: configuration.concurrentGenerationsMax)
        let routes = NodeRoutes(
            service: service,
            generations: GenerationRoutes(
                service: service, slots: slots, connections: connections),
            embeddings: EmbeddingRoute(service: service, slots: slots))
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = NodeAPILimits.headerBytesMax
        decoder.maxHeaderListSize = NodeAPILimits.headerBytesMax
        decoder.maxHeaderFieldCount = NodeAPILimits.headerFieldsMax
        return Application(
            router: routes.router(),
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionHandler(connections: connections)],
                    idleTimeout: .seconds(Int64(NodeAPILimits.idleSecondsMax)),
                    httpDecoderConfiguration: decoder)),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "shoal",
                availableConnectionsDelegate: MaximumAvailableConnections(
                    NodeAPILimits.connectionsMax, logger: logger)),
            onServerRunning: { channel in
                onListening(channel.localAddress?.port ?? 0)
            },
            logger: logger)
    }
}
