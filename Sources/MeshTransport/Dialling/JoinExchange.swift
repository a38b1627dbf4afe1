internal import Logging
public import Mesh
internal import NIOCore
internal import NIOPosix
internal import Noise
public import Trust
public import Wire

/// The join lane: one request and one answer, inside a session whose key is the ticket's.
public enum JoinExchange {
    /// Joins a mesh by a ticket.
    ///
    /// - Parameters:
    ///   - identity: The new node's.
    ///   - name: The name it would like.
    ///   - wallClock: Civil time, to judge certificates by.
    ///   - mayAsk: Called when an inviter is about to be asked, which may use the ticket up: what is
    ///     needed to ask again must be on disk by then. When it returns false, nobody is asked.
    /// - Returns: The inviter's answer; an admission's certificate was verified.
    /// - Throws: ``LinkError/silentlyRefused`` when the inviter does not know the ticket,
    ///   ``LinkError/unreachable(_:)`` only when no address could be connected to, and
    ///   ``LinkError/clocksDiffer(_:)`` when what the inviter shows was made by another time.
    public static func join(
        with ticket: Ticket, identity: Identity, name: String,
        wallClock: @escaping @Sendable () -> WallTime,
        mayAsk: @Sendable () -> Bool = { true }
    ) async throws(LinkError) -> JoinResponse {
        let genesis = ticket.genesis
        let loop = MeshThreads.links.next()
        // Half a day, though it is used for seconds: a joiner whose clock is some hours fast is let in
        // too, and told. A key that seems to live for longer than a day is refused without a word.
        let linkKey = LinkKeyPair.generate(
            now: wallClock(), lifetime: MeshTransportLimits.joinKeyLifetime)
        let local = try LinkHandshake.Local(
            identity: identity, chain: nil, linkKey: linkKey, mesh: genesis.id)
        guard let preamble = LinkPreamble(lane: .join, keyID: ticket.keyID) else {
            throw .unknownLane
        }
        let hub = await loop.run {
            NIOLoopBound(
                LinkHub(
                    loop: loop, logger: Logger(label: "shoal.join"), genesis: genesis,
                    local: local, gateKeys: nil, trust: TrustState(), pads: true,
                    wallClock: wallClock),
                eventLoop: loop)
        }
        var failures: [(address: NetworkAddress, error: LinkError)] = []
        for address in ticket.addresses {
            do throws(LinkError) {
                let connection = try await patiently { () throws(LinkError) in
                    try await dialOnce(address, on: loop) { completion in
                        Result { () throws(LinkError) in
                            try hub.value.dial(
                                preamble: preamble, preSharedKey: ticket.preSharedSecret,
                                expecting: ticket.inviter,
                                verifier: JoinVerifier(genesis: genesis, now: wallClock),
                                then: completion)
                        }
                    }
                }
                guard mayAsk() else { throw .cancelled }
                return try await ask(
                    connection, on: loop, identity: identity, name: name, genesis: genesis,
                    at: wallClock())
            } catch {
                failures.append((address, error))
            }
        }
        throw reason(of: failures)
    }

    /// What to tell of all addresses that were tried: what a node there said counts for more than that
    /// nobody was there at another address.
    private static func reason(
        of failures: [(address: NetworkAddress, error: LinkError)]
    ) -> LinkError {
        if failures.count == 1 { return failures[0].error }
        let met: [LinkError] = failures.map(\.error).filter {
            if case .unreachable = $0 { false } else { true }
        }
        let clocks = met.first(where: { if case .clocksDiffer = $0 { true } else { false } })
        return clocks ?? met.first
            ?? .unreachable(failures.map { "\($0.address): \($0.error)" })
    }

    /// Tries again what met silence: a busy inviter says no more than one that does not know the
    /// ticket, and many may join at once.
    private static func patiently<R>(
        _ dial: () async throws(LinkError) -> R
    ) async throws(LinkError) -> R {
        var pause = MeshTransportLimits.joinPause
        for _ in 0..<MeshTransportLimits.joinRetriesMax {
            do { return try await dial() } catch .silentlyRefused {
                // Not all at the same moment again.
                let share = Double.random(in: 0.5..<1)
                do { try await Task.sleep(for: pause * share) } catch { throw .cancelled }
                pause *= 2
            }
        }
        return try await dial()
    }

    private static func ask(
        _ connection: NIOLoopBound<LinkConnection>, on loop: any EventLoop, identity: Identity,
        name: String, genesis: Genesis, at now: WallTime
    ) async throws(LinkError) -> JoinResponse {
        let opened: Result<(LinkStream, [UInt8]), LinkError> = await loop.run {
            Result { () throws(LinkError) in
                let stream = try connection.value.openStream(.control, first: [])
                return (stream, connection.value.established?.handshakeHash ?? [])
            }
        }
        let (stream, hash) = try opened.get()
        defer { loop.execute { connection.value.close(.done) } }
        let request: JoinRequest
        do {
            request = try JoinRequest(
                identity: identity, name: name, handshakeHash: hash, mesh: genesis.id)
        } catch { throw .peerRefused("\(error)") }
        try await stream.send(request.encoded)
        stream.finish()
        let bytes = try await stream.readAll(limit: LinkLimits.joinResponseBytesMax)
        do {
            let response = try JoinResponse(decoding: bytes)
            if case .admitted(let admission) = response {
                var trust = TrustState()
                try trust.merge(admission.trust, genesis: genesis)
                let member = try admission.chain.verify(genesis: genesis, at: now, trust: trust)
                guard member.nodeID == identity.nodeID else { throw TrustError.wrongKind }
            }
            return response
        } catch let error as TrustError where error.isAboutTime {
            throw .clocksDiffer("\(error)")
        } catch { throw .peerRefused("\(error)") }
    }

    /// The inviter's side of one exchange.
    static func answer(
        _ stream: LinkStream, on link: EstablishedLink, genesis: Genesis,
        by handler: LinkHub.JoinHandler
    ) async {
        do {
            let bytes = try await stream.readAll(limit: LinkLimits.joinRequestBytesMax)
            let response = await decide(bytes, on: link, genesis: genesis, by: handler)
            try await stream.send(response.encoded)
            stream.finish()
        } catch {
            // The joiner went away; there is nobody to tell.
        }
    }

    private static func decide(
        _ bytes: [UInt8], on link: EstablishedLink, genesis: Genesis,
        by handler: LinkHub.JoinHandler
    ) async -> JoinResponse {
        do {
            let request = try JoinRequest(decoding: bytes)
            try request.verify(handshakeHash: link.handshakeHash, mesh: genesis.id)
            // Who asks must be who made the handshake.
            guard request.node == link.peer.nodeID else { throw TrustError.linkKeyMismatch }
            return await handler(JoinAttempt(keyID: link.preamble.keyID, request: request))
        } catch {
            return .refused(.badRequest, message: "the request was refused: \(error)")
        }
    }
}

/// Judges an inviter as any member is judged, and tells apart what another clock explains.
private struct JoinVerifier: LinkVerifier {
    private let genesis: Genesis
    private let now: @Sendable () -> WallTime
    private let base: MemberVerifier

    init(genesis: Genesis, now: @escaping @Sendable () -> WallTime) {
        self.genesis = genesis
        self.now = now
        base = MemberVerifier(genesis: genesis, trust: TrustState(), now: now)
    }

    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        do throws(LinkError) {
            return try base.verify(payload: payload, staticKey: staticKey, standing: standing)
        } catch .peerRefused(let reason) {
            guard let proof = try? LinkProof(decoding: payload) else { throw .peerRefused(reason) }
            do throws(TrustError) {
                _ = try proof.verify(
                    staticKey: staticKey, genesis: genesis, at: now(), trust: TrustState())
            } catch  where error.isAboutTime {
                throw .clocksDiffer("\(error)")
            } catch {}
            throw .peerRefused(reason)
        }
    }
}

extension TrustError {
    /// Whether a clock that goes wrong, here or there, explains it.
    fileprivate var isAboutTime: Bool {
        switch self {
        case .expired, .notYetValid: true
        case .lifetimeTooLong(let what): what == "link key"
        default: false
        }
    }
}
