import Gossip
import Logging
import Mesh
import MeshTransport
import Trust
import Wire

/// Exchanges trust with members: on each new link, when something changed, and now and then, so that
/// what one knows all know soon.
struct TrustService: Sendable {
    let keeper: TrustKeeper
    let transport: LinkTransport
    /// The members that this node knows now.
    let members: @Sendable () async -> [TrustMember]
    /// Addresses of members whose ids are not known: seeds, and those of the ticket.
    let seeds: @Sendable () -> [NetworkAddress]
    /// More places to look for members at.
    let addSeeds: @Sendable ([SeedAddress]) -> Void
    /// Uses the credentials that changed.
    let apply: @Sendable (LinkCredentials) async -> Void
    let logger: Logger
    let now: @Sendable () -> WallTime
    /// Rings when others are to be told.
    let news = NewsBell()
    /// Who says that this node was revoked, or that its clock is wrong.
    let hearsay = Hearsay()

    var nodeID: NodeID { keeper.directory.identity.nodeID }

    // MARK: While the node runs

    /// Runs until the task is cancelled.
    func run() async {
        await transport.setCatchUpHandler { link in await catchUp(over: link) }
        await transport.setTurnedAwayHandler { turnedAway($0) }
        await withDiscardingTaskGroup { group in
            group.addTask { await followLinks() }
            group.addTask { await tellNews() }
            group.addTask { await lookAtFiles() }
            group.addTask { await exchangeNowAndThen() }
            group.addTask { await getBriefed() }
            group.addTask { await renewInTime() }
            group.addTask {
                repeat { await rollIfStale() } while await pause(TrustServiceLimits.gateKeyLook)
            }
        }
    }

    /// Whoever dialled asks on each new link.
    private func followLinks() async {
        await withDiscardingTaskGroup { group in
            for await event in await transport.events() {
                guard case .up(let member) = event else { continue }
                group.addTask {
                    guard let link = await transport.link(to: member.nodeID), link.isInitiator
                    else { return }
                    await exchange(over: link)
                }
            }
        }
    }

    private func tellNews() async {
        for await _ in news.listening {
            let teller = news.take()
            let all = await members().filter { $0.isLive && $0.node != teller }
            // Who changed something tells all; who heard it tells some, in case the first could not.
            let told =
                teller == nil
                ? all : Array(all.shuffled().prefix(TrustServiceLimits.forwardsMax))
            await withDiscardingTaskGroup { group in
                let queue = SharedQueue(told)
                for _ in 0..<min(told.count, TrustServiceLimits.pushesAtOnce) {
                    group.addTask {
                        while let member = queue.next() { await exchange(with: member) }
                    }
                }
            }
        }
    }

    private func lookAtFiles() async {
        var complaint = ""
        while await pause(TrustServiceLimits.lookInterval) {
            if keeper.isStale {
                do throws(StateError) {
                    if try keeper.reload() { await changed(by: nil) }
                    complaint = ""
                } catch {
                    // Once for each reason: it is looked again each second.
                    if complaint != "\(error)" {
                        complaint = "\(error)"
                        logger.error(
                            "the directory's trust cannot be read", metadata: ["why": "\(error)"])
                    }
                }
            }
            say(keeper.store())
        }
    }

    /// Logs that what is known cannot be written down, once, and that it is again.
    private func say(_ storing: TrustKeeper.Storing) {
        switch storing {
        case .same: break
        case .failed(let error):
            logger.critical(
                """
                what is known of revocations and gate keys cannot be stored: this node acts by it, \
                and tries again each second
                """,
                metadata: ["why": "\(error)"])
        case .mended: logger.notice("revocations and gate keys are stored again")
        }
    }

    private func exchangeNowAndThen() async {
        while await pause(TrustServiceLimits.exchangeInterval) {
            let live = await members().filter(\.isLive)
            if let member = live.randomElement() { await exchange(with: member) }
        }
    }

    /// Exchanges with one after the other, issuers first, until this node may serve its peers.
    private func getBriefed() async {
        var wait = TrustServiceLimits.briefingFirst
        while !keeper.isBriefed, await pause(wait) {
            let trust = keeper.trust
            let live = await members().filter(\.isLive)
            let issuers = live.filter { trust.issuer($0.node) != nil }
            for member in issuers + live.filter({ trust.issuer($0.node) == nil }) {
                guard !keeper.isBriefed, !Task.isCancelled else { return }
                await exchange(with: member)
            }
            wait = min(wait * 2, TrustServiceLimits.retryMax)
        }
    }

    /// False when the task was cancelled.
    func pause(_ duration: Duration) async -> Bool {
        do {
            try await Task.sleep(for: duration)
            return !Task.isCancelled
        } catch { return false }
    }

    /// What this node knows is other than before: it acts by it, and tells others.
    ///
    /// - Parameter teller: Who told it; nil for this machine's own user.
    func changed(by teller: NodeID?) async {
        await apply(keeper.credentials)
        let (trust, keys) = (keeper.trust, keeper.gateKeys)
        logger.info(
            "trust changed",
            metadata: [
                "revocations": "\(trust.revocations.count)",
                "gate_key": "\(keys.current.key.epoch.counter)",
                "by": "\(teller.map(\.short) ?? "this machine")",
            ])
        if case .revoked(let target, let reason)? = keeper.exclusion {
            logger.critical(
                "this node is out of the mesh: \(target) was revoked",
                metadata: ["reason": "\(reason)"])
        }
        news.ring(teller)
    }

    // MARK: Asking

    /// Exchanges with a member, over the link there is or one made for that.
    func exchange(with member: TrustMember) async {
        do {
            let link = try await transport.connect(
                to: member.addresses, expecting: member.node, relays: member.relays)
            await exchange(over: link)
        } catch {
            // It is out of reach: it asks when it is back, or is asked another time.
            logger.debug(
                "no exchange of trust",
                metadata: ["peer": "\(member.node.short)", "why": "\(error)"])
        }
    }

    /// Tells what this node knows, and takes in what the other does.
    ///
    /// - Returns: Whether the exchange came to its end.
    @discardableResult
    func exchange(over link: Link) async -> Bool {
        let peer = link.peer
        do {
            let changed = try await withDeadline(TrustServiceLimits.exchangeDeadline) {
                let stream = try await link.open(service: .trust)
                try await stream.send(TrustQuery.exchange(digest: keeper.digest).encoded)
                let bytes = try await stream.readAll(limit: TrustLimits.bulletinBytesMax + 1)
                switch try TrustAnswer(decoding: bytes) {
                case .same:
                    stream.finish()
                    return false
                case .bulletin(let bulletin):
                    // As it was when asked: both merge the same two.
                    try await stream.send(await ownBulletin(for: peer).encoded)
                    stream.finish()
                    return try await take(bulletin, from: peer.nodeID)
                }
            }
            await heard(from: peer.nodeID, changed: changed)
            return true
        } catch {
            logger.debug(
                "an exchange of trust failed",
                metadata: ["peer": "\(peer.nodeID.short)", "why": "\(error)"])
            return false
        }
    }

    private func take(_ bulletin: TrustBulletin, from peer: NodeID) async throws -> Bool {
        addSeeds(bulletin.seeds.filter { $0.node != nodeID })
        let taken = try keeper.take(bulletin)
        say(taken.storing)
        if let refusal = taken.keyRefusal {
            // Of one who tells a wrong key no other word briefs; what was proven counts.
            if taken.isNews { await changed(by: peer) }
            throw refusal
        }
        return taken.isNews
    }

    private func heard(from peer: NodeID, changed hasNews: Bool) async {
        hearsay.forget(peer)
        if hasNews { await changed(by: peer) }
        // What a revoked member says briefs nobody.
        guard !keeper.trust.isRevoked(peer) else { return }
        if keeper.exchanged(with: peer) {
            logger.info("briefed: this node serves its peers", metadata: ["by": "\(peer.short)"])
        }
    }

    /// To a peer whose certificate is over goes no gate key.
    private func ownBulletin(for peer: VerifiedMember) async -> TrustBulletin {
        let trust = keeper.trust
        let issuers = await members().filter { trust.issuer($0.node) != nil && $0.isLive }
        return keeper.bulletin(
            withKey: !peer.isExpired,
            seeds: issuers.compactMap { member in
                member.addresses.isEmpty
                    ? nil : SeedAddress(node: member.node, addresses: member.addresses)
            })
    }

    /// What a link on the catch-up lane is for: the exchange, and where this node's certificate is
    /// over, the next one. Returns whether dialling again makes sense.
    func catchUp(over link: Link) async -> Bool {
        defer { link.close(.done) }
        guard await exchange(over: link) else { return false }
        if case .expired? = keeper.exclusion, keeper.trust.issuer(link.peer.nodeID) != nil {
            _ = await askRenewal(over: link)
        }
        return true
    }

    // MARK: Answering

    /// Answers a stream of the trust service.
    func serve(_ stream: LinkStream, from peer: VerifiedMember) async {
        do {
            let changed = try await withDeadline(TrustServiceLimits.exchangeDeadline) {
                () -> Bool? in
                let (query, rest) = try await readQuery(from: stream)
                switch query {
                case .renewal:
                    try await stream.send(await renew(peer).encoded)
                    return nil
                case .exchange(let digest) where digest == keeper.digest:
                    try await stream.send(TrustAnswer.same.encoded)
                    stream.finish()
                    return false
                case .exchange:
                    try await stream.send(
                        TrustAnswer.bulletin(await ownBulletin(for: peer)).encoded)
                    stream.finish()
                    let told = try await rest + stream.readAll(limit: TrustLimits.bulletinBytesMax)
                    return try await take(TrustBulletin(decoding: told), from: peer.nodeID)
                }
            }
            stream.finish()
            if let changed { await heard(from: peer.nodeID, changed: changed) }
        } catch {
            logger.debug(
                "an exchange of trust failed",
                metadata: ["peer": "\(peer.nodeID.short)", "why": "\(error)"])
            stream.reset(.badMessage)
        }
    }

    /// The first message of a stream: its length follows from its first byte.
    private func readQuery(
        from stream: LinkStream
    ) async throws -> (query: TrustQuery, rest: [UInt8]) {
        var bytes: [UInt8] = []
        while true {
            if let first = bytes.first {
                let length = first == 0 ? 33 : 2
                if bytes.count >= length {
                    return (
                        try TrustQuery(decoding: Array(bytes[..<length])),
                        Array(bytes[length...])
                    )
                }
            }
            guard let more = try await stream.read() else {
                throw LinkError.peerRefused("the query ended too soon")
            }
            bytes += more
        }
    }
}
