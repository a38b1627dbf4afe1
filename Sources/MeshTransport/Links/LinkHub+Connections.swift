internal import Logging
internal import Mesh
internal import NIOCore
internal import Noise
internal import Secrets
internal import Trust
internal import Wire

// Which connections there are, and which of them is the link to a member.
extension LinkHub {
    // MARK: Handshakes

    /// The pre-shared keys that open the lanes here.
    var laneKeys: LaneKeys {
        let ticketKey = ticketKey
        let keys = gateKeys.map { [$0.current.key] + $0.superseded.map(\.key) } ?? []
        // No two keys of a ring have one name, or the mesh's random numbers are none.
        let all = Dictionary(
            keys.map { ($0.keyID, $0.preSharedSecret) }, uniquingKeysWith: { first, _ in first })
        return LaneKeys(
            member: keys.first.map { [$0.keyID: $0.preSharedSecret] } ?? [:], catchUp: all,
            ticket: { ticketKey?($0) })
    }

    /// The keys have changed.
    func keysChanged() {
        guard let door else { return }
        let (keys, trust) = (laneKeys, trust)
        door.update { $0.update(keys: keys, trust: trust) }
    }

    /// A connection that the door let in.
    func accept(_ admitted: AdmittedConnection) -> LinkConnection? {
        guard !isShutDown else { return nil }
        let handshake = LinkHandshake(
            admitted: admitted, local: local, verifier: askerVerifier, ephemeral: .generate())
        let connection = LinkConnection(hub: self, handshake: handshake) { connection, outcome in
            connection.hub.handshakeOver(connection, outcome) { _ in }
        }
        connection.admission = admitted.connection
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// A connection that a member's link carries here: there is no door, since who asks is known.
    func acceptRelayed(by relay: NodeID, expecting asker: NodeID) -> LinkConnection? {
        guard !isShutDown else { return nil }
        let keys = laneKeys
        let handshake = LinkHandshake(
            responding: { $0.lane == .member ? keys.key(for: $0) : nil }, local: local,
            verifier: askerVerifier, ephemeral: .generate(), at: now)
        let connection = LinkConnection(hub: self, handshake: handshake) { connection, outcome in
            connection.hub.handshakeOver(connection, outcome) { _ in }
        }
        connection.relay = relay
        connection.announced = asker
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// A connection that this side makes.
    ///
    /// - Parameter other: Judges who answers, instead of the hub's verifier.
    func dial(
        preamble: LinkPreamble, purpose: LinkPurpose = .primary, preSharedKey: SecretBytes,
        expecting: NodeID?, verifier other: (any LinkVerifier)? = nil,
        then completion: @escaping (Result<LinkConnection, LinkError>) -> Void
    ) throws(LinkError) -> LinkConnection {
        guard !isShutDown else { throw .closedHere(.shutdown) }
        let handshake = try LinkHandshake(
            initiating: preamble, purpose: purpose, preSharedKey: preSharedKey, local: local,
            expecting: expecting, verifier: other ?? verifier, ephemeral: .generate(), at: now)
        let connection = LinkConnection(hub: self, handshake: handshake) { connection, outcome in
            connection.hub.handshakeOver(connection, outcome, completion)
        }
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// A connection on the member lane.
    func dialMember(
        purpose: LinkPurpose = .primary, expecting: NodeID?, verifier: (any LinkVerifier)? = nil,
        then completion: @escaping (Result<LinkConnection, LinkError>) -> Void
    ) throws(LinkError) -> LinkConnection {
        guard let key = gateKeys?.current.key,
            let preamble = LinkPreamble(lane: .member, keyID: key.keyID)
        else { throw .unknownLane }
        return try dial(
            preamble: preamble, purpose: purpose, preSharedKey: key.preSharedSecret,
            expecting: expecting, verifier: verifier, then: completion)
    }

    private func handshakeOver(
        _ connection: LinkConnection, _ outcome: Result<EstablishedLink, LinkError>,
        _ completion: (Result<LinkConnection, LinkError>) -> Void
    ) {
        leaveDoor(connection)
        switch outcome {
        case .failure(let error):
            counted.handshakesFailed += 1
            logger.debug("handshake failed", metadata: ["reason": "\(error)"])
            completion(.failure(error))
        case .success(let link):
            if link.peer.member == nil, link.preamble.lane != .join {
                counted.handshakesFailed += 1
                return completion(.failure(.closedHere(turnAway(connection, link))))
            }
            counted.established += 1
            // The revocation came while the handshake was under way.
            if endIfRevoked(connection) { return completion(.failure(.closedHere(.revoked))) }
            if let announced = connection.announced, announced != link.peer.nodeID {
                connection.close(.violation, text: "the relay announced another node")
                return completion(
                    .failure(.wrongPeer(expected: announced, found: link.peer.nodeID)))
            }
            guard let member = link.peer.member, link.preamble.lane == .member else {
                // The join and catch-up lanes: a short exchange, not a link of the mesh.
                expireExchange(connection)
                return completion(.success(connection))
            }
            completion(.success(admit(connection, link, member)))
        }
    }

    /// The door no longer counts the connection among those that are half open.
    private func leaveDoor(_ connection: LinkConnection) {
        guard let number = connection.admission else { return }
        connection.admission = nil
        door?.released(number)
    }

    // MARK: The link to a member

    /// Gives an established connection its place; returns the one that serves its purpose.
    private func admit(
        _ connection: LinkConnection, _ link: EstablishedLink, _ member: VerifiedMember
    ) -> LinkConnection {
        let existing = links[member.nodeID]
        switch link.purpose {
        case .bulk:
            guard existing?.isOpen == true else {
                // Beside what link? The peer has not noticed yet that it is gone.
                connection.close(.superseded)
                return connection
            }
            if let old = bulks.updateValue(connection, forKey: member.nodeID) { old.retire() }
            return connection
        case .renewal(let hash):
            guard let existing, let old = existing.established,
                hash == Array(old.handshakeHash.prefix(LinkLimits.renewedHashBytes))
            else { break }
            replace(existing, by: connection, member)
            return connection
        case .primary: break
        }
        return makeLink(connection, to: member)
    }

    /// Makes the connection the link to its peer, unless the one there is stays; returns the one
    /// that is the link.
    private func makeLink(
        _ connection: LinkConnection, to member: VerifiedMember
    ) -> LinkConnection {
        if let existing = links[member.nodeID], let old = existing.established {
            let isSimultaneous =
                existing.establishedAt + LinkLimits.simultaneousDial > now
                && old.role != connection.established?.role
            // Of two links that cross, both ends keep the one from the lower id.
            let keepsOld = isSimultaneous && (old.role == .initiator) == (nodeID < member.nodeID)
            if keepsOld {
                connection.retire()
                return existing
            }
            // A way without a third node is better than one with it, and nothing was lost.
            if isSimultaneous || (existing.relay != nil && connection.relay == nil) {
                replace(existing, by: connection, member)
                return connection
            }
            // The peer has lost the older one, perhaps because it is another start of it.
            existing.close(.superseded)
        }
        links[member.nodeID] = connection
        logger.debug("link up", metadata: ["peer": "\(member.nodeID)"])
        emit(.up(member))
        return connection
    }

    /// For observers nothing changes: there was a link, and there is one. Streams of the old
    /// connection come to their ends on it.
    private func replace(
        _ old: LinkConnection, by connection: LinkConnection, _ member: VerifiedMember
    ) {
        links[member.nodeID] = connection
        old.retire()
    }

    private func expireExchange(_ connection: LinkConnection) {
        let bound = NIOLoopBound(connection, eventLoop: loop)
        loop.scheduleTask(in: .nanoseconds(LinkLimits.joinDeadline.nanoseconds)) {
            bound.value.close(.done)
        }
    }

    func ended(_ connection: LinkConnection, _ error: LinkError) {
        connections[ObjectIdentifier(connection)] = nil
        leaveDoor(connection)
        switch error {
        case .violation, .recordNotAuthentic: counted.violations += 1
        default: break
        }
        if case .closedByPeer(let code, let text) = error,
            let member = connection.established?.peer.member,
            let why = TurnedAway.Reason(code, text)
        {
            turnedAwayHandler?(TurnedAway(by: member, reason: why))
        }
        guard let peer = connection.established?.peer.nodeID else { return }
        if bulks[peer] === connection { bulks[peer] = nil }
        guard links[peer] === connection else { return }
        links[peer] = nil
        // What ended the link is what its other streams are told too.
        var code = LinkCloseCode.done
        if case .closedHere(let said) = error { code = said }
        bulks.removeValue(forKey: peer)?.close(code, because: error)
        logger.debug("link down", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        emit(.down(peer, error))
    }

    func measured(_ connection: LinkConnection, _ duration: Duration) {
        guard let peer = connection.established?.peer.nodeID, links[peer] === connection else {
            return
        }
        emit(.roundTrip(peer, duration))
    }

    // MARK: Time

    /// Renews what is old and closes what nobody needs.
    func tidy(_ connection: LinkConnection, at now: MonotonicInstant) {
        guard let link = connection.established, link.preamble.lane == .member else { return }
        let peer = link.peer.nodeID
        if connection.isRetiring {
            // Not at once: the peer may have opened a stream before it knew.
            if connection.isIdle(for: LinkLimits.retirement, at: now) {
                connection.close(.superseded)
            }
        } else if bulks[peer] === connection {
            if connection.isIdle(for: MeshTransportLimits.bulkIdle, at: now) {
                connection.close(.done)
            } else if now - connection.establishedAt >= LinkLimits.renewalAge {
                // What comes next makes another one.
                bulks[peer] = nil
                connection.retire()
            }
        } else if links[peer] === connection {
            renewIfDue(connection, link, at: now)
        }
    }
}
