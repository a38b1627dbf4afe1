internal import Logging
internal import Mesh
internal import NIOCore
internal import NIOPosix
internal import Noise
public import Trust
public import Wire

/// What an address answered to the beginning of a handshake.
public enum ProbeOutcome: Sendable, Equatable {
    /// A certified member of the mesh. Also until when its link key lasts, which tells its clock
    /// to within a day.
    case member(VerifiedMember, linkKeyNotAfter: WallTime)
    /// A node of the mesh, as far as it can be told: its clock is ahead of this one by so much at
    /// least, so that its key is not accepted.
    case clockAhead(Duration)
    /// This node itself.
    case itself
    /// Something speaks the mesh's handshake, but its certificate, key or version is refused here.
    case peerRefused(String)
    /// The machine is up, and nothing listens at the port.
    case connectionRefused
    /// No connection within the time.
    case noAnswer
    /// The system could not even try, such as for want of a route.
    case unreachable(String)
    /// The connection was closed without a byte: a node of another mesh, or with another gate key.
    case closedSilently
    /// The connection stands, and not a byte came within the time.
    case silent
    /// Bytes came that are no handshake of this mesh.
    case otherProtocol
}

/// Looks who answers at an address, and disturbs nobody: the handshake is given up after the other
/// side's message, before this side says who it is. No link comes of it.
public enum LinkProbe {
    /// Probes one numeric address.
    ///
    /// - Parameters:
    ///   - limit: The time for all of it.
    ///   - wallClock: Civil time, to judge certificates by.
    /// - Returns: What answered, and how long that took.
    public static func run(
        at address: NetworkAddress, credentials: LinkCredentials, within limit: Duration,
        wallClock: @escaping @Sendable () -> WallTime
    ) async -> (outcome: ProbeOutcome, took: Duration) {
        let began = ContinuousClock.now
        let outcome = await outcome(
            at: address, credentials: credentials, within: limit, wallClock: wallClock)
        return (outcome, ContinuousClock.now - began)
    }

    private static func outcome(
        at address: NetworkAddress, credentials: LinkCredentials, within limit: Duration,
        wallClock: @escaping @Sendable () -> WallTime
    ) async -> ProbeOutcome {
        let loop = MeshThreads.links.next()
        let result = loop.makePromise(of: ProbeOutcome.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(limit.nanoseconds))
            .channelOption(.autoRead, value: false)
        do {
            let remote = try SocketAddress(ipAddress: address.hostText, port: Int(address.port))
            let began = ContinuousClock.now
            let channel = try await bootstrap.connect(to: remote).get()
            let rest = limit - (ContinuousClock.now - began)
            return try await loop.flatSubmit {
                do {
                    let handler = try ProbeHandler(
                        credentials: credentials, wallClock: wallClock, within: rest,
                        loop: loop, result: result)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    _ = try channel.syncOptions?.setOption(.autoRead, value: true)
                } catch {
                    channel.close(promise: nil)
                    result.succeed(.unreachable("\(error)"))
                }
                return result.futureResult
            }.get()
        } catch {
            result.succeed(.noAnswer)  // so that the promise is not left; nobody looks at it
            return refusal(error)
        }
    }

    private static func refusal(_ error: any Error) -> ProbeOutcome {
        switch plainReason(error) {
        case "connection refused": .connectionRefused
        case "no answer": .noAnswer
        case let reason: .unreachable(reason)
        }
    }
}

/// Drives the dialling side of one handshake up to the other side's message. On the links' loop.
private final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var handshake: LinkHandshake
    private let met: MetPeer
    private let loop: any EventLoop
    private let limit: Duration
    private var result: EventLoopPromise<ProbeOutcome>?
    private var deadline: Scheduled<Void>?

    init(
        credentials: LinkCredentials, wallClock: @escaping @Sendable () -> WallTime,
        within limit: Duration, loop: any EventLoop, result: EventLoopPromise<ProbeOutcome>
    ) throws(LinkError) {
        guard let preamble = LinkPreamble(lane: .member, keyID: credentials.gateKey.keyID) else {
            throw .unknownLane
        }
        let met = MetPeer(loop: loop)
        handshake = try LinkHandshake(
            initiating: preamble, preSharedKey: credentials.gateKey.preSharedSecret,
            local: try credentials.handshakeLocal(), expecting: nil,
            verifier: CuriousVerifier(
                base: MemberVerifier(
                    genesis: credentials.genesis, trust: credentials.trust, now: wallClock),
                now: wallClock, own: credentials.identity.nodeID, met: met),
            ephemeral: .generate(),
            at: MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)))
        self.met = met
        self.loop = loop
        self.limit = limit
        self.result = result
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        deadline = loop.scheduleTask(in: .nanoseconds(max(0, limit.nanoseconds))) {
            let (handler, context) = bound.value
            handler.end(.silent, context)
        }
        for case .send(let bytes) in handshake.start() {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var incoming = unwrapInboundIn(data)
        let effects = handshake.receive(incoming.readBytes(length: incoming.readableBytes) ?? [])
        for case .fail(let error) in effects {
            if let outcome = met.outcome { return end(outcome, context) }
            switch error {
            case .peerRefused(let reason): end(.peerRefused(reason), context)
            case .noCommonVersion: end(.peerRefused("\(error)"), context)
            default: end(.otherProtocol, context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end(.closedSilently, context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.closedSilently, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(.closedSilently, context) }

    private func end(_ outcome: ProbeOutcome, _ context: ChannelHandlerContext) {
        guard let result else { return }
        self.result = nil
        deadline?.cancel()
        result.succeed(outcome)
        context.close(promise: nil)
    }
}

/// Who a probe met; touched on the links' loop alone.
private struct MetPeer: Sendable {
    private let box: NIOLoopBoundBox<ProbeOutcome?>

    init(loop: any EventLoop) { box = NIOLoopBoundBox(nil, eventLoop: loop) }

    var outcome: ProbeOutcome? {
        get { box.value }
        nonmutating set { box.value = newValue }
    }
}

/// Verifies who answers, notes it, and has the handshake end there.
private struct CuriousVerifier: LinkVerifier {
    let base: MemberVerifier
    let now: @Sendable () -> WallTime
    let own: NodeID
    let met: MetPeer

    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        let peer: LinkPeer
        do throws(LinkError) {
            peer = try base.verify(payload: payload, staticKey: staticKey, standing: standing)
        } catch {
            if let proof = try? LinkProof(decoding: payload),
                proof.clockAhead(of: now()) > TrustLimits.clockSkewMax
            {
                met.outcome = .clockAhead(proof.clockAhead(of: now()))
            }
            throw error
        }
        if peer.nodeID == own {
            met.outcome = .itself
        } else if let member = peer.member {
            met.outcome = .member(member, linkKeyNotAfter: peer.proof.linkKeyNotAfter)
        }
        throw .cancelled
    }
}
