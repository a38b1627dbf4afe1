import Gossip
import Kernels
import Mesh
import MeshTransport
import NIOCore
import NodeAPI
import Platform
import Trust
import Wire

// The mesh as this node sees it, for people and programs.
extension LocalNode {
    func status() async -> NodeStatus {
        let members = await entry.gossip.members()
        let own = await entry.gossip.own()
        let heard = await entry.gossip.addressesHeard()
        let now = MonotonicInstant(
            nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
        var counters = await entry.gossip.counters()
        let linkCounters = await entry.transport.counters
        counters["links_accepted"] = linkCounters.accepted
        counters["links_established"] = linkCounters.established
        counters["links_handshakes_failed"] = linkCounters.handshakesFailed
        counters["links_refused_at_door"] = linkCounters.refusedAtDoor
        counters["links_violations"] = linkCounters.violations
        let trustState = trust.keeper.trust
        let names = Dictionary(
            members.map { ($0.view.id, Self.name($0)) }, uniquingKeysWith: { first, _ in first })
        let everyone =
            [ownMember(own.claim)]
            + members.map { known in
                var member = Self.member(known, names: names, now: now)
                if known.certificate != nil {
                    member.isIssuer = trustState.issuer(known.view.id) != nil
                }
                member.datagramAddresses = heard[known.view.id]?.map(\.description) ?? []
                return member
            }
        var node = NodeStatus.Node(
            name: entry.name, id: entry.nodeID.hex, meshName: directory.genesis.name,
            meshFingerprint: directory.genesis.fingerprint, version: ShoalVersion.current,
            numerics: NumericsID.current, http: httpAddress.value ?? "",
            peerAddresses: addresses.map(\.description), uptimeSeconds: uptimeSeconds,
            reachability: own.claim.reachability.text,
            reachabilityReason: own.reachabilityReason,
            observedAddresses: own.observed.map(\.description),
            faults: faults.map(\.description))
        node.openFilesMax = OpenFiles.limit
        describeTrust(&node, names: names)
        let turnedAway = Dictionary(
            trust.hearsay.words.map { ($0.by, $0.text) }, uniquingKeysWith: { first, _ in first })
        return NodeStatus(
            node: node,
            members: everyone.sorted { ($0.name, $0.id) < ($1.name, $1.id) },
            models: await statusModels(),
            links: await links(names),
            counters: counters,
            discovery: discovery.status(
                members: members, names: names, turnedAway: turnedAway))
    }

    private func describeTrust(_ node: inout NodeStatus.Node, names: [NodeID: String]) {
        let keeper = trust.keeper
        let body = keeper.chain.member.body
        node.roles = body.roles.names
        node.certificateEnds = body.notAfter.seconds
        node.exclusion = keeper.exclusion.map { "\($0)" }
        node.gateKeyEpoch = keeper.gateKeys.current.key.epoch.counter
        node.revoked = keeper.trust.revokedMembers.map(\.hex)
        if let need = keeper.briefingNeed(names: names) {
            node.waitingReason = need.reason
            node.waitingFor = need.awaited
            node.waitingAdvice = need.advice
        }
        let now = keeper.now().seconds
        for word in trust.hearsay.words {
            let secondsAgo = Double(now - min(now, word.at.seconds))
            switch word.fault {
            case .revoked(let text):
                node.saidRevoked =
                    (node.saidRevoked ?? []) + [
                        NodeStatus.SaidRevoked(
                            by: word.name, id: word.by.hex, text: text, secondsAgo: secondsAgo)
                    ]
            case .clock(let ahead):
                node.clocks =
                    (node.clocks ?? []) + [
                        NodeStatus.ClockBeside(
                            member: word.name, id: word.by.hex, aheadSeconds: Double(ahead),
                            text: word.text, secondsAgo: secondsAgo)
                    ]
            }
        }
        node.storageFault = keeper.storageFault.map { "\($0)" }
    }

    private var uptimeSeconds: Double { (ContinuousClock.now - started).seconds }

    /// The models of the mesh, with all that any node says of each.
    private func statusModels() async -> [NodeStatus.Model] {
        let (local, peers) = entry.routingMembers()
        let offers = ([local] + peers).flatMap(\.models)
        return await models().map { model in
            let same = offers.filter { $0.name == model.id && $0.digest.hex == model.digest }
            let rungs = Set(
                same.flatMap(\.rungs).map {
                    NodeStatus.Rung(alias: $0.alias, rung: Int($0.rung))
                })
            return NodeStatus.Model(
                id: model.id, digest: model.digest, nodes: model.nodes,
                format: same.map(\.format).first { !$0.isEmpty } ?? "",
                rungs: rungs.sorted { ($0.alias, $0.rung) < ($1.alias, $1.rung) })
        }
    }

    private func ownMember(_ claim: AliveClaim) -> NodeStatus.Member {
        let activity = activity.activity
        let offers = entry.executor.models.offers
        var member = NodeStatus.Member(
            name: entry.name, id: entry.nodeID.hex, state: .alive, isSelf: true,
            addresses: claim.addresses.map(\.description),
            reachability: claim.reachability.text, models: offers.map(\.name),
            roundTripMilliseconds: nil, load: NodeStatus.Load(activity.load),
            stateSinceSeconds: uptimeSeconds, hasLink: false)
        member.isIssuer = trust.keeper.isIssuer
        member.roles = trust.keeper.chain.member.body.roles.names
        member.software = entry.executor.models.metadata.software
        member.generation = claim.generation
        member.incarnation = claim.incarnation
        member.describe(activity, of: offers)
        return member
    }

    private static func name(_ member: KnownMember) -> String {
        member.certificate?.name ?? member.view.id.short
    }

    private static func member(
        _ known: KnownMember, names: [NodeID: String], now: MonotonicInstant
    ) -> NodeStatus.Member {
        let view = known.view
        let state: NodeStatus.MemberState =
            switch view.state {
            case .alive: .alive
            case .suspect: .suspect
            case .dead: .dead
            case .left: .left
            }
        var load = NodeStatus.Load(view.load)
        // Acks tell of it more often than gossip, which also reaches those who don't probe it.
        if view.roundTrip == nil, let told = view.activity?.load { load = NodeStatus.Load(told) }
        let offers = view.metadata?.models ?? []
        var member = NodeStatus.Member(
            name: name(known), id: view.id.hex, state: state, isSelf: false,
            addresses: view.alive.addresses.map(\.description),
            reachability: view.alive.reachability.text, models: offers.map(\.name),
            roundTripMilliseconds: view.roundTrip?.milliseconds, load: load,
            stateSinceSeconds: (now - view.stateSince).seconds, hasLink: view.hasLink)
        member.path =
            switch known.path {
            case .datagram: "datagram"
            case .link: "link"
            case .relay(let relay): "relay via \(names[relay] ?? relay.short)"
            case nil: nil
            }
        member.roles = known.certificate?.roles.names ?? []
        member.software = view.metadata.map(\.software).flatMap { $0.isEmpty ? nil : $0 }
        member.generation = view.alive.generation
        member.incarnation = view.alive.incarnation
        member.patience = Int(view.patience)
        member.estimatedRoundTripMilliseconds = view.estimatedRoundTrip?.milliseconds
        if let activity = view.activity { member.describe(activity, of: offers) }
        return member
    }

    private func links(_ names: [NodeID: String]) async -> [NodeStatus.Link] {
        var links: [NodeStatus.Link] = []
        for peer in await entry.transport.peers {
            guard let link = await entry.transport.link(to: peer) else { continue }
            var shown = NodeStatus.Link(
                peer: link.peer.name, peerID: link.peer.nodeID.hex, initiated: link.isInitiator,
                roundTripMilliseconds: await link.roundTrip?.milliseconds)
            shown.through = link.relay.map { names[$0] ?? $0.short }
            links.append(shown)
        }
        return links.sorted { ($0.peer, $0.peerID) < ($1.peer, $1.peerID) }
    }
}

extension NodeStatus.Load {
    init(_ load: MemberLoad) {
        self.init(
            queued: Int(load.queued), running: Int(load.running),
            freeKVTokens: Int(load.freeKVTokens))
    }
}

extension NodeStatus.Member {
    fileprivate mutating func describe(_ activity: MemberActivity, of offers: [ModelOffer]) {
        func perSecond(_ nanoseconds: UInt32) -> Double { 1e9 / Double(max(nanoseconds, 1)) }
        speeds = activity.speeds.compactMap { speed in
            // A member may tell of its speeds before, or after, others learn of its models.
            guard offers.indices.contains(Int(speed.model)) else { return nil }
            return NodeStatus.Speed(
                model: offers[Int(speed.model)].name,
                prefillTokensPerSecond: perSecond(speed.prefillNanosecondsPerToken),
                decodeTokensPerSecond: perSecond(speed.decodeNanosecondsPerToken))
        }
        cachedPrefixes = activity.prefixes.count
    }
}

extension Reachability {
    /// In words.
    var text: String {
        switch self {
        case .direct: "direct"
        case .streamsOnly: "streams only"
        case .outboundOnly: "outbound only"
        }
    }
}
