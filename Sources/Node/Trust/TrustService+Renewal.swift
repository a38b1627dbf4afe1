import Logging
import Mesh
import MeshTransport
import Trust
import Wire

// The node's own certificate, in time, and those of others where this node is an issuer.
extension TrustService {
    /// Renews the node's certificate from half of its life on, until the task is cancelled.
    func renewInTime() async {
        var wait = TrustServiceLimits.retryFirst
        while await pause(wait) {
            guard isRenewalDue else {
                wait = TrustServiceLimits.retryFirst
                continue
            }
            if await renewOwn() {
                wait = TrustServiceLimits.retryFirst
            } else {
                wait = min(wait * 2, TrustServiceLimits.retryMax)
            }
        }
    }

    private var isRenewalDue: Bool { now() >= keeper.chain.renewalTime }

    /// Gets the next certificate: from itself where this node is an issuer, else from one that is
    /// reached, in the end by the catch-up lane. Returns whether there is one.
    func renewOwn() async -> Bool {
        do throws(StateError) {
            // Reading the directory's certificate renews it, at an issuer.
            if try keeper.reload() {
                await changed(by: nil)
                if !isRenewalDue { return true }
            }
        } catch {
            logger.error(
                "the node's certificate cannot be renewed here", metadata: ["why": "\(error)"])
        }
        let trust = keeper.trust
        let known = await members()
        if keeper.exclusion == nil {
            for member in known where trust.issuer(member.node) != nil && member.isLive {
                let link = try? await transport.connect(
                    to: member.addresses, expecting: member.node, relays: member.relays)
                if let link, await askRenewal(over: link) { return true }
            }
            return false
        }
        guard case .expired? = keeper.exclusion else { return false }
        return await catchUp(known, trust)
    }

    /// Comes back after a long time away, by the catch-up lane: to issuers first.
    private func catchUp(_ known: [TrustMember], _ trust: TrustState) async -> Bool {
        var places: [(addresses: [NetworkAddress], node: NodeID?)] = known.map {
            ($0.addresses, $0.node)
        }
        let remembered = keeper.directory.peerMemory().entries
        for entry in remembered where !known.contains(where: { $0.node == entry.node }) {
            places.append((entry.addresses, entry.node))
        }
        let issuers = places.filter { trust.issuer($0.node ?? nodeID) != nil }
        let others = places.filter { trust.issuer($0.node ?? nodeID) == nil }
        places = issuers + others + seeds().map { ([$0], nil) }
        for place in places.filter({ !$0.addresses.isEmpty })
            .prefix(TrustServiceLimits.catchUpDialsMax)
        {
            if Task.isCancelled { break }
            do {
                let link = try await transport.catchUp(to: place.addresses, expecting: place.node)
                _ = await catchUp(over: link)
                guard keeper.exclusion == nil else { continue }
                // Whose certificate counts again may have the gate key too: a new link says so.
                let again = try? await transport.catchUp(
                    to: place.addresses, expecting: place.node)
                if let again { _ = await catchUp(over: again) }
                return true
            } catch {
                logger.debug(
                    "no way back by this member",
                    metadata: [
                        "peer": "\(place.node?.short ?? "any")", "why": "\(error)",
                    ])
            }
        }
        return false
    }

    /// Asks the issuer at the other end for the next certificate, and uses it.
    func askRenewal(over link: Link) async -> Bool {
        do {
            let response = try await withDeadline(TrustServiceLimits.exchangeDeadline) {
                let stream = try await link.open(service: .trust)
                try await stream.send(TrustQuery.renewal(RenewalRequest()).encoded)
                stream.finish()
                return try RenewalResponse(
                    decoding: await stream.readAll(limit: TrustLimits.linkProofBytesMax * 2))
            }
            switch response {
            case .refused(_, let message):
                logger.warning(
                    "the certificate is not renewed",
                    metadata: ["issuer": "\(link.peer.name)", "why": "\(message)"])
                return false
            case .renewed(let chain):
                try keeper.install(chain)
                logger.info(
                    "the certificate is renewed", metadata: ["issuer": "\(link.peer.name)"])
                await changed(by: link.peer.nodeID)
                return true
            }
        } catch {
            logger.debug(
                "an issuer was asked in vain",
                metadata: ["issuer": "\(link.peer.name)", "why": "\(error)"])
            return false
        }
    }

    /// Rolls the gate key, at an issuer, when the certificate of who rolled it last is about to end or
    /// was revoked: nobody who comes back after that would take it as new from anybody.
    func rollIfStale() async {
        let (directory, current) = (keeper.directory, keeper.gateKeys.current)
        let (trust, now) = (keeper.trust, now())
        func isTaken(at time: WallTime) -> Bool {
            (try? current.verify(genesis: directory.genesis, at: time, trust: trust)) != nil
        }
        let soon = now + TrustServiceLimits.gateKeyAhead
        guard !isTaken(at: soon),
            let own = (try? directory.issuerCertificate(trust, now: now)) ?? nil,
            now < own.body.notAfter, soon < own.body.notAfter || !isTaken(at: now)
        else { return }
        do throws(StateError) {
            try directory.rollGateKey(keys: .none, now: now)
            if try keeper.reload() { await changed(by: nil) }
        } catch {
            logger.error("the gate key cannot be rolled", metadata: ["why": "\(error)"])
        }
    }

    /// The answer to a member that asks for its next certificate.
    func renew(_ peer: VerifiedMember) async -> RenewalResponse {
        let trust = keeper.trust
        if trust.isRevoked(peer.nodeID) {
            return .refused(.revoked, message: "this node was revoked")
        }
        guard keeper.isIssuer else {
            return .refused(.notAnIssuer, message: "the node asked is no issuer")
        }
        // What its certificate said, and no more; whether it is an issuer says the authority.
        var roles = peer.roles.intersection(.ordinary)
        if trust.issuer(peer.nodeID) != nil { roles.insert(.issuer) }
        do {
            let chain = try keeper.directory.issue(
                to: peer.nodeID, name: peer.name, labels: peer.labels, roles: roles, now: now())
            logger.info("a certificate is renewed", metadata: ["name": "\(peer.name)"])
            return .renewed(chain)
        } catch {
            logger.error(
                "a certificate could not be renewed",
                metadata: ["name": "\(peer.name)", "why": "\(error)"])
            return .refused(.cannotIssue, message: "the issuer cannot issue certificates")
        }
    }
}

extension TrustKeeper {
    /// Uses a certificate that an issuer gave, after checking it: it is this node's, newer, and good.
    func install(_ next: CertificateChain) throws(StateError) {
        do throws(TrustError) {
            let member = try next.verify(
                genesis: directory.genesis, at: now(), trust: trust)
            guard member.nodeID == directory.identity.nodeID else { throw .wrongKind }
        } catch {
            throw .trust(error)
        }
        guard next.member.body.notAfter > chain.member.body.notAfter else {
            throw .invalid("the certificate is no newer than the one there is")
        }
        try directory.install(next)
        _ = try reload()
    }
}
