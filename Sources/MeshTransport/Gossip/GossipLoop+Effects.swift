internal import Gossip
internal import Logging
internal import Mesh
internal import NIOPosix
internal import Trust
internal import Wire

// What the endpoint asks for. Whatever may wait (a dial, an exchange over a link, the resolver, the
// checking of a certificate) is done elsewhere, and its outcome comes back as a job of the thread.
extension GossipLoop {
    func perform(_ effects: [EndpointEffect]) {
        for effect in effects {
            switch effect {
            case .datagram(let bytes, let address): port.send(bytes, to: address, at: now)
            case .linkPacket(let packet, let node): sendOverLink(packet, to: node)
            case .connect(let node, let addresses): dial(node, addresses)
            case .pushPull(let node, let request): pushPull(request, with: node)
            case .fetchCertificate(let node, let tag, let source):
                fetch(tag, of: node, from: source)
            case .changed(let node, let event): changed(node, event)
            }
        }
    }

    private func sendOverLink(_ packet: [UInt8], to node: NodeID) {
        let lane =
            lanes[node]
            ?? {
                let lane = GossipLane(to: node, over: transport)
                lanes[node] = lane
                return lane
            }()
        if !lane.send(packet) { linkPacketsDropped += 1 }
    }

    private func dial(_ node: NodeID, _ addresses: [NetworkAddress]) {
        guard !dialling.contains(node) else { return }
        guard dialling.count < MeshTransportLimits.dialsMax else {
            requestsDropped += 1
            return
        }
        dialling.insert(node)
        let began = now
        let (transport, thread, logger) = (transport, thread, logger)
        Task {
            // A link that opens is told by the transport's events.
            var failed = false
            do { _ = try await transport.connect(to: addresses, expecting: node) } catch {
                failed = true
                logger.debug("no link", metadata: ["peer": "\(node)", "reason": "\(error)"])
            }
            let hasFailed = failed
            thread.execute { loop in
                loop.dialling.remove(node)
                // What took longer was refused by nobody: there was no answer.
                let isPrompt = loop.now - began < MeshTransportLimits.refusalMax
                if hasFailed, isPrompt, !addresses.isEmpty { loop.handle(.linkRefused(node)) }
            }
        }
    }

    /// Runs one exchange over a link, if not too many are under way.
    ///
    /// - Parameter after: What it gave, nil when it failed; on the thread.
    private func exchange<Outcome: Sendable>(
        _ body: @escaping @Sendable () async throws -> Outcome?,
        after: @escaping @Sendable (GossipLoop, Outcome?) -> Void
    ) {
        guard exchanging < 2 * MeshTransportLimits.exchangesMax else {
            requestsDropped += 1
            return after(self, nil)
        }
        exchanging += 1
        let (thread, logger) = (thread, logger)
        Task {
            var outcome: Outcome?
            do {
                outcome = try await withDeadline(
                    MeshTransportLimits.exchangeDeadline, body)
            } catch { logger.debug("exchange failed", metadata: ["reason": "\(error)"]) }
            let result = outcome
            thread.execute { loop in
                loop.exchanging -= 1
                after(loop, result)
            }
        }
    }

    private func pushPull(_ request: [UInt8], with node: NodeID) {
        let transport = transport
        exchange({ () -> [UInt8]? in
            guard let link = await transport.link(to: node) else { return nil }
            return try await GossipStreams.pushPull(request, over: link)
        }) { loop, answer in
            if let answer { loop.handle(.exchanged(answer, from: node)) }
        }
    }

    private func fetch(_ tag: CertificateTag, of node: NodeID, from source: NodeID) {
        if let member = shelf.member(tag), member.nodeID == node {
            // Known already, perhaps from an earlier start of the same node.
            return thread.execute { $0.handle(.certified(node, tag)) }
        }
        guard fetching.count < MeshTransportLimits.exchangesMax,
            fetching.insert(tag).inserted
        else { return }
        let (transport, genesis, wallClock) = (transport, credentials.genesis, wallClock)
        let trust = credentials.trust
        let addresses = endpoint.core.view(of: source)?.alive.addresses ?? []
        exchange({ () -> (chain: CertificateChain, member: VerifiedMember)? in
            let link = try await transport.connect(to: addresses, expecting: source)
            guard let chain = try await GossipStreams.fetchCertificate(tag, over: link) else {
                return nil
            }
            let member = try chain.verify(genesis: genesis, at: wallClock(), trust: trust)
            return member.nodeID == node && member.digest.tag == tag ? (chain, member) : nil
        }) { loop, found in
            loop.fetching.remove(tag)
            // It may have been revoked meanwhile.
            guard let found, (try? loop.credentials.trust.check(found.chain)) != nil else {
                return
            }
            loop.shelf.put(found.chain, found.member)
            loop.handle(.certified(node, tag))
        }
    }

    /// Asks the resolver on a thread for work that waits.
    func lookUp(_ name: String, for address: NetworkAddress) {
        let thread = thread
        NIOThreadPool.singleton.submit { _ in
            let found = DatagramSocket.resolve(name, port: address.port)
            thread.execute { $0.port.found(found, for: address) }
        }
    }
}
