internal import NIOCore
internal import NIOPosix
internal import Synchronization
public import Wire

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Listens for a moment at a node's own port, and tries to reach it: what a firewall of this machine
/// drops does not arrive.
public final class SelfTest: Sendable {
    /// Why a port cannot be had.
    public enum Problem: Sendable, Equatable {
        /// Another program has it, for streams or for datagrams.
        case inUse(forDatagrams: Bool)
        /// This machine does not have the address.
        case notOurs
        /// The system does not let this user have it.
        case notPermitted
        /// Something else, in words.
        case other(String)
    }

    /// What arrived.
    public struct Arrival: Sendable, Equatable {
        /// A connection.
        public var stream: Bool
        /// A datagram.
        public var datagram: Bool

        /// As given.
        public init(stream: Bool, datagram: Bool) {
            self.stream = stream
            self.datagram = datagram
        }
    }

    /// Why it does not listen, if it does not.
    public let problem: Problem?
    /// Where it listens.
    public let port: UInt16
    private let token: [UInt8]
    private let channels: [any Channel]
    private let arrived: Arrived

    private static let group = MultiThreadedEventLoopGroup.singleton

    private init(
        problem: Problem?, port: UInt16, token: [UInt8], channels: [any Channel], arrived: Arrived
    ) {
        self.problem = problem
        self.port = port
        self.token = token
        self.channels = channels
        self.arrived = arrived
    }

    /// Listens for streams, and for datagrams at the same port if asked.
    public static func listen(
        host: String, port: UInt16, alsoDatagrams: Bool = false
    ) async -> SelfTest {
        let token = (0..<16).map { _ in UInt8.random(in: 0 ... .max) }
        let arrived = Arrived()
        var channels: [any Channel] = []
        do {
            let streams = try await ServerBootstrap(group: group)
                // As the node's own listener does: a port in TIME_WAIT is free.
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(TokenTeller(token))
                    }
                }
                .bind(host: host, port: Int(port)).get()
            channels.append(streams)
            let bound = UInt16(streams.localAddress?.port ?? Int(port))
            if alsoDatagrams {
                channels.append(
                    try await DatagramBootstrap(group: group)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(
                                    DatagramCatcher(arrived))
                            }
                        }
                        .bind(host: host, port: Int(bound)).get())
            }
            return SelfTest(
                problem: nil, port: bound, token: token, channels: channels, arrived: arrived)
        } catch {
            for channel in channels { try? await channel.close() }
            return SelfTest(
                problem: Self.problem(error, forDatagrams: !channels.isEmpty), port: port,
                token: token, channels: [], arrived: arrived)
        }
    }

    private static func problem(_ error: any Error, forDatagrams: Bool) -> Problem {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: .inUse(forDatagrams: forDatagrams)
        case EADDRNOTAVAIL: .notOurs
        case EACCES: .notPermitted
        default: .other(plainReason(error))
        }
    }

    /// Stops listening.
    public func close() async {
        for channel in channels { try? await channel.close() }
    }

    /// Tries to reach this test by an address.
    public func reach(_ address: NetworkAddress, within limit: Duration) async -> Arrival {
        async let stream = reachByStream(address, within: limit)
        async let datagram = reachByDatagram(address, within: limit)
        return Arrival(stream: await stream, datagram: await datagram)
    }

    private func reachByStream(_ address: NetworkAddress, within limit: Duration) async -> Bool {
        let token = token
        do {
            let remote = try SocketAddress(ipAddress: address.hostText, port: Int(address.port))
            let heard = Self.group.next().makePromise(of: Bool.self)
            do {
                let channel = try await ClientBootstrap(group: Self.group)
                    .connectTimeout(.nanoseconds(limit.nanoseconds))
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(
                                TokenReader(token, heard))
                        }
                    }
                    .connect(to: remote).get()
                channel.eventLoop.scheduleTask(in: .nanoseconds(limit.nanoseconds)) {
                    channel.close(promise: nil)
                }
                let isHeard = try await heard.futureResult.get()
                channel.close(promise: nil)
                return isHeard
            } catch {
                heard.succeed(false)
                return false
            }
        } catch { return false }
    }

    private func reachByDatagram(_ address: NetworkAddress, within limit: Duration) async -> Bool {
        let message = token + address.encoded
        do {
            let remote = try SocketAddress(ipAddress: address.hostText, port: Int(address.port))
            let channel = try await DatagramBootstrap(group: Self.group)
                .bind(host: remote.protocol == .inet6 ? "::" : "0.0.0.0", port: 0).get()
            defer { channel.close(promise: nil) }
            let end = ContinuousClock.now + min(limit, .seconds(1))
            var sent = 0
            while ContinuousClock.now < end {
                // A datagram may be lost without anything being wrong.
                if sent < 3 {
                    sent += 1
                    try await channel.writeAndFlush(
                        AddressedEnvelope(
                            remoteAddress: remote, data: ByteBuffer(bytes: message)))
                }
                try await Task.sleep(for: .milliseconds(50))
                if arrived.contains(message) { return true }
            }
            return false
        } catch { return false }
    }
}

/// Datagrams that came.
private final class Arrived: Sendable {
    private let messages = Mutex<Set<[UInt8]>>([])
    private static let kept = 256

    func add(_ message: [UInt8]) {
        messages.withLock { if $0.count < Self.kept { $0.insert(message) } }
    }

    func contains(_ message: [UInt8]) -> Bool { messages.withLock { $0.contains(message) } }
}

private final class DatagramCatcher: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let arrived: Arrived

    init(_ arrived: Arrived) { self.arrived = arrived }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrived.add(Array(unwrapInboundIn(data).data.readableBytesView))
    }
}

/// Tells whoever connects the token, so that it knows whom it met.
private final class TokenTeller: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let token: [UInt8]

    init(_ token: [UInt8]) { self.token = token }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: token)), promise: nil)
        context.fireChannelActive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// Waits for the token of the listening side.
private final class TokenReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let token: [UInt8]
    private let heard: EventLoopPromise<Bool>
    private var read: [UInt8] = []

    init(_ token: [UInt8], _ heard: EventLoopPromise<Bool>) {
        self.token = token
        self.heard = heard
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        read += unwrapInboundIn(data).readableBytesView.prefix(token.count)
        if read.count >= token.count { heard.succeed(read == token) }
    }

    func channelInactive(context: ChannelHandlerContext) { heard.succeed(false) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { heard.succeed(false) }
}
