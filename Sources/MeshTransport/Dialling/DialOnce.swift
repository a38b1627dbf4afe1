internal import Mesh
internal import NIOCore
internal import NIOPosix
internal import Platform
internal import Wire

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Connects to one address and runs a handshake there.
///
/// - Parameter makeHandler: Called on the loop once the connection stands; its completion is called
///   once, on the loop.
func dialOnce(
    _ address: NetworkAddress, on loop: any EventLoop,
    _ makeHandler:
        @escaping @Sendable (@escaping (Result<LinkConnection, LinkError>) -> Void) -> Result<
            LinkConnection, LinkError
        >
) async throws(LinkError) -> NIOLoopBound<LinkConnection> {
    let bootstrap = linkSocketOptions(ClientBootstrap(group: loop))
        .connectTimeout(.nanoseconds(LinkLimits.connectTimeout.nanoseconds))
        // Nothing is read before the handshake's handler is there.
        .channelOption(.autoRead, value: false)
    let channel: any Channel
    do {
        channel =
            switch address.host {
            case .name(let name):
                try await bootstrap.connect(host: name, port: Int(address.port)).get()
            case .v4, .v6:
                try await bootstrap.connect(
                    to: SocketAddress(
                        ipAddress: address.hostText, port: Int(address.port))
                ).get()
            }
    } catch { throw .unreachable(["\(address): \(plainReason(error))"]) }
    return try await withCheckedContinuation {
        (continuation: CheckedContinuation<Result<NIOLoopBound<LinkConnection>, LinkError>, Never>)
        in
        loop.execute {
            let handler = makeHandler { outcome in
                continuation.resume(
                    returning: outcome.map { NIOLoopBound($0, eventLoop: loop) })
            }
            switch handler {
            case .failure(let error):
                channel.close(promise: nil)
                continuation.resume(returning: .failure(error))
            case .success(let connection):
                do {
                    try channel.pipeline.syncOperations.addHandler(ChannelCarrier(connection))
                    _ = try channel.syncOptions?.setOption(.autoRead, value: true)
                } catch {
                    // The channel closed meanwhile; the handler's removal tells the caller, or,
                    // if it was never added, this does.
                    connection.neverConnected("\(error)")
                    channel.close(promise: nil)
                }
            }
        }
    }.get()
}

/// What sockets of links have in common.
func linkSocketOptions(_ bootstrap: ClientBootstrap) -> ClientBootstrap {
    bootstrap
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .channelOption(.writeBufferWaterMark, value: MeshTransportLimits.writeBuffer)
}

/// An address as people write it, for a host that may be IPv6.
func addressText(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}

/// What went wrong, without the names of types.
func plainReason(_ error: any Error) -> String {
    switch error {
    case let error as IOError: plainReason(error)
    case let error as SystemError:
        plainReason(code: error.code) ?? "the system refuses (error \(error.code))"
    case let error as NIOConnectionError:
        error.connectionErrors.first.map { plainReason($0.error) }
            ?? "the name \(error.host) does not resolve"
    case let error as ChannelError:
        if case .connectTimeout = error { "no answer" } else { "\(error)" }
    case let error as SocketAddressError: "\(error)"
    default: "\(error)"
    }
}

private func plainReason(_ error: IOError) -> String {
    plainReason(code: error.errnoCode) ?? "\(error)"
}

private func plainReason(code: Int32) -> String? {
    switch code {
    case EADDRINUSE: "the port is in use"
    case EADDRNOTAVAIL: "this machine does not have the address"
    case EACCES: "not permitted"
    case ECONNREFUSED: "connection refused"
    case ECONNRESET: "connection reset"
    case EHOSTUNREACH, ENETUNREACH: "no route"
    case ETIMEDOUT: "no answer"
    default: nil
    }
}
