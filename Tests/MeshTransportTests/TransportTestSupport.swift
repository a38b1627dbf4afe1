import Logging
import Mesh
import MeshTransport
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Trust
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

func wallNow() -> WallTime {
    var value = timespec()
    clock_gettime(CLOCK_REALTIME, &value)
    return WallTime(seconds: UInt64(value.tv_sec))
}

/// A mesh of one authority and as many members as a test wants.
struct TestMesh {
    let authority = Identity.generate()
    let genesis: Genesis
    let gateKeys: GateKeyRing

    var gateKey: GateKey { gateKeys.current.key }

    init() throws {
        genesis = try Genesis(name: "test", authority: authority.nodeID, created: wallNow())
        gateKeys = .first(by: authority, certificate: nil, mesh: genesis.id)
    }

    /// - Parameter expired: Whether its time is over.
    func certify(
        _ node: NodeID, name: String, expired: Bool = false
    ) throws -> CertificateChain {
        let now = expired ? WallTime(seconds: wallNow().seconds - 2 * 86_400) : wallNow()
        return CertificateChain(
            member: try Certificate(
                .init(
                    kind: .member, mesh: genesis.id, subject: node, name: name,
                    roles: [.server, .client], labels: [], serial: 1, epoch: 1, notBefore: now,
                    notAfter: now + .seconds(86_400), issuer: authority.nodeID),
                signedBy: authority),
            issuer: nil)
    }

    func credentials(_ name: String, expired: Bool = false) throws -> LinkCredentials {
        let identity = Identity.generate()
        return LinkCredentials(
            identity: identity,
            chain: try certify(identity.nodeID, name: name, expired: expired), genesis: genesis,
            gateKeys: gateKeys, trust: TrustState(), linkKey: .generate(now: wallNow()))
    }

    /// A member that listens on a port of its own.
    func node(
        _ name: String, listens: Bool = true, expired: Bool = false
    ) async throws -> TestNode {
        let credentials = try credentials(name, expired: expired)
        let transport = try await LinkTransport(
            credentials: credentials, logger: Logger(label: name), wallClock: wallNow)
        let port = listens ? try await transport.listen(host: "127.0.0.1", port: 0) : 0
        return TestNode(credentials: credentials, transport: transport, port: port)
    }
}

struct TestNode: Sendable {
    let credentials: LinkCredentials
    let transport: LinkTransport
    let port: UInt16

    var id: NodeID { credentials.identity.nodeID }
    var address: NetworkAddress { loopback(port) }
}

func loopback(_ port: UInt16) -> NetworkAddress {
    guard let address = NetworkAddress("127.0.0.1:\(port)") else {
        preconditionFailure("a port that a socket was bound to is not 0")
    }
    return address
}

/// Waits until `condition` holds; generous, because only its never holding is a failure.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record(what)
}

/// A plain TCP connection to the peer port, for those who don't speak the protocol.
final class RawClient: Sendable {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received = Mutex<[UInt8]>([])

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            let bytes = buffer.readBytes(length: buffer.readableBytes) ?? []
            received.withLock { $0 += bytes }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let collector: Collector
    private let channel: any Channel

    init(port: UInt16) async throws {
        let collector = Collector()
        self.collector = collector
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in channel.pipeline.addHandler(collector) }
            .connect(host: "127.0.0.1", port: Int(port)).get()
    }

    var received: [UInt8] { collector.received.withLock { $0 } }
    var isClosed: Bool { !channel.isActive }

    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    func close() { channel.close(promise: nil) }
}
