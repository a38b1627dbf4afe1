internal import Logging
internal import Mesh
internal import NIOCore
internal import Noise
internal import Wire

// Second connections to a member that there is a link to: those that take over from it, and those
// for bulk.
extension LinkHub {
    /// Makes a new connection for a link that is old, and moves to it; the old one goes on while it
    /// has streams. Only the side that dialled does: the other may have no way to.
    func renewIfDue(
        _ connection: LinkConnection, _ link: EstablishedLink, at now: MonotonicInstant
    ) {
        guard link.role == .initiator, now >= connection.renewalDue(link),
            renewing < MeshTransportLimits.renewalsMax
        else { return }
        connection.renewalTriedAt = now
        renewing += 1
        let (peer, purpose) = (link.peer.nodeID, LinkPurpose.renewal(ofHash: link.handshakeHash))
        let bound = NIOLoopBound(self, eventLoop: loop)
        dialAgain(connection, peer, purpose) { outcome in
            bound.value.renewing -= 1
            if case .failure(let error) = outcome {
                bound.value.logger.debug(
                    "link not renewed", metadata: ["peer": "\(peer)", "reason": "\(error)"])
            }
        }
    }

    /// The connection for bulk beside a link, made now if there is none; the link's own where none
    /// can be made. Calls back once.
    func bulkConnection(
        beside connection: LinkConnection, _ body: @escaping (LinkConnection) -> Void
    ) {
        guard let link = connection.established, link.preamble.lane == .member else {
            return body(connection)
        }
        let peer = link.peer.nodeID
        if let bulk = bulks[peer], bulk.isOpen { return body(bulk) }
        let found = { [self] in body(bulks[peer] ?? links[peer] ?? connection) }
        guard diallingBulk[peer] == nil else {
            diallingBulk[peer]?.append(found)
            return
        }
        guard connection.canDialAgain else { return body(connection) }
        diallingBulk[peer] = [found]
        let bound = NIOLoopBound(self, eventLoop: loop)
        dialAgain(connection, peer, .bulk) { outcome in
            if case .failure(let error) = outcome {
                bound.value.logger.debug(
                    "no connection for bulk", metadata: ["peer": "\(peer)", "reason": "\(error)"])
            }
            for waiting in bound.value.diallingBulk.removeValue(forKey: peer) ?? [] { waiting() }
        }
    }

    /// Dials where a connection led to, for another purpose. Calls back once, on the loop.
    private func dialAgain(
        _ connection: LinkConnection, _ peer: NodeID, _ purpose: LinkPurpose,
        _ completion: @escaping @Sendable (Result<Void, LinkError>) -> Void
    ) {
        if let relay = connection.relay {
            return dial(peer, via: relay, purpose: purpose) { completion($0.map { _ in () }) }
        }
        guard let address = connection.dialled else {
            return completion(.failure(.notConnected(peer)))
        }
        let (loop, hub) = (loop, NIOLoopBound(self, eventLoop: loop))
        Task {
            let outcome: Result<Void, LinkError>
            do throws(LinkError) {
                _ = try await dialOnce(address, on: loop) { completion in
                    Result { () throws(LinkError) in
                        let connection = try hub.value.dialMember(
                            purpose: purpose, expecting: peer, then: completion)
                        connection.dialled = address
                        return connection
                    }
                }
                outcome = .success(())
            } catch { outcome = .failure(error) }
            loop.execute { completion(outcome) }
        }
    }
}

extension LinkConnection {
    /// When its renewal is to be tried. A little before the age at which it is due, and not at the
    /// same moment as all others that were made together.
    fileprivate func renewalDue(_ link: EstablishedLink) -> MonotonicInstant {
        let part = Int(link.handshakeHash.first ?? 0)
        let early = LinkLimits.renewalAge / (8 * 256) * part
        let due = establishedAt + (LinkLimits.renewalAge - early)
        guard let tried = renewalTriedAt else { return due }
        return max(due, tried + MeshTransportLimits.renewalRetry)
    }

    /// Whether this side knows a way to make another connection to the same peer.
    fileprivate var canDialAgain: Bool { dialled != nil }
}
