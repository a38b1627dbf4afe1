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
    /// - Throws: ``LinkError/silentlyRefused`` when the inviter does not know the ticket.
    public static func join(
        with ticket: Ticket, identity: Identity, name: String,
        wallClock: @escaping @Sendable () -> WallTime,
        mayAsk: @Sendable () -> Bool = { true }
    ) async throws(LinkError) -> JoinResponse {
        let genesis = ticket.genesis
        let loop = MeshThreads.links.next()
        let linkKey = LinkKeyPair.generate(now: wallClock())
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
                                expecting: ticket.inviter, then: completion)
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
        if failures.count == 1 { throw failures[0].error }
        throw .unreachable(failures.map { "\($0.address): \($0.error)" })
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
