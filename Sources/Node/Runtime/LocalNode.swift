import Gossip
import Kernels
import Mesh
import MeshTransport
import NIOCore
import NodeAPI
import Trust
import Wire

/// This node behind its HTTP interface.
struct LocalNode: NodeService {
    let entry: EntryService
    let activity: ActivityReporter
    let directory: StateDirectory
    let addresses: [NetworkAddress]
    let discovery: DiscoveryService
    let faults: [TransportFault]
    let httpAddress: LateBound<String>
    let started: ContinuousClock.Instant

    func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream {
        try await entry.generate(request)
    }

    func embed(
        _ request: EmbeddingServiceRequest
    ) async throws(ServiceError) -> EmbeddingAnswer {
        try await entry.embed(request)
    }

    func models() async -> [ServedModel] {
        let (local, peers) = await entry.routingMembers()
        // By name and digest: what else is said of a model may differ from node to node.
        struct Key: Hashable {
            var name: String
            var digest: ModelDigest
        }
        var found: [Key: (contextLength: UInt32, nodes: [String])] = [:]
        for member in [local] + peers where member.isRoutable {
            for model in member.models {
                let key = Key(name: model.name, digest: model.digest)
                var entry = found[key] ?? (model.contextLength, [])
                entry.contextLength = min(entry.contextLength, model.contextLength)
                entry.nodes.append(member.name)
                found[key] = entry
            }
        }
        return found.map { key, entry in
            ServedModel(
                id: key.name, digest: key.digest.hex,
                contextLength: Int(entry.contextLength), nodes: entry.nodes.sorted())
        }.sorted { ($0.id, $0.digest) < ($1.id, $1.digest) }
    }

    func health() async -> NodeHealth { NodeHealth(ready: true, status: "ok") }

    func status() async -> NodeStatus {
        let members = await entry.gossip.members()
        let now = MonotonicInstant(
            nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
        let models = await models()
        var counters = await entry.gossip.counters()
        let linkCounters = await entry.transport.counters
        counters["links_accepted"] = linkCounters.accepted
        counters["links_established"] = linkCounters.established
        counters["links_handshakes_failed"] = linkCounters.handshakesFailed
        counters["links_half_open_refused"] = linkCounters.halfOpenRefused
        counters["links_violations"] = linkCounters.violations
        let everyone = [ownMember] + members.map { Self.member($0, now: now) }
        return NodeStatus(
            node: NodeStatus.Node(
                name: entry.name, id: entry.nodeID.hex, meshName: directory.genesis.name,
                meshFingerprint: directory.genesis.fingerprint, version: ShoalVersion.current,
                numerics: NumericsID.current, http: httpAddress.value ?? "",
                peerAddresses: addresses.map(\.description), uptimeSeconds: uptimeSeconds,
                faults: faults.map(\.description)),
            members: everyone.sorted { ($0.name, $0.id) < ($1.name, $1.id) },
            models: models.map {
                NodeStatus.Model(id: $0.id, digest: $0.digest, nodes: $0.nodes)
            },
            links: await links(),
            counters: counters,
            discovery: discoveryStatus(names: members))
    }

    /// The addresses at which members are looked for: all that somebody gave, and the first of the
    /// remembered ones.
    private func discoveryStatus(names members: [KnownMember]) -> NodeStatus.Discovery {
        let (isAlone, places) = discovery.report
        let now = MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
        return NodeStatus.Discovery(
            alone: isAlone,
            places: places.prefix(NodeLimits.statusPlacesMax).map { place in
                var shown = NodeStatus.Place(
                    address: place.address.description, origin: place.origin.rawValue,
                    resolved: place.resolved.map(\.description), outcome: "untried", reason: nil,
                    triedSecondsAgo: place.triedAt.map { (now - $0).seconds })
                switch place.outcome {
                case .untried: break
                case .itself: shown.outcome = "self"
                case .member(let node):
                    shown.outcome = "member"
                    shown.reason =
                        members.first { $0.view.id == node }?.certificate?.name ?? node.short
                case .failed(let reason): (shown.outcome, shown.reason) = ("failed", reason)
                }
                return shown
            })
    }

    private var uptimeSeconds: Double { (ContinuousClock.now - started).seconds }

    private var ownMember: NodeStatus.Member {
        let load = activity.activity.load
        return NodeStatus.Member(
            name: entry.name, id: entry.nodeID.hex, state: .alive, isSelf: true,
            addresses: addresses.map(\.description),
            reachability: addresses.isEmpty ? "outbound only" : "direct",
            models: entry.executor.models.offers.map(\.name), roundTripMilliseconds: nil,
            load: NodeStatus.Load(queued: Int(load.queued), running: Int(load.running)),
            stateSinceSeconds: uptimeSeconds, hasLink: false, isIssuer: directory.isIssuer)
    }

    private static func member(_ member: KnownMember, now: MonotonicInstant) -> NodeStatus.Member {
        let view = member.view
        let state: NodeStatus.MemberState =
            switch view.state {
            case .alive: .alive
            case .suspect: .suspect
            case .dead: .dead
            case .left: .left
            }
        return NodeStatus.Member(
            name: member.certificate?.name ?? view.id.short, id: view.id.hex, state: state,
            isSelf: false, addresses: view.alive.addresses.map(\.description),
            reachability: view.alive.reachability == .direct ? "direct" : "outbound only",
            models: (view.metadata?.models ?? []).map(\.name),
            roundTripMilliseconds: view.roundTrip?.milliseconds,
            load: NodeStatus.Load(
                queued: Int(view.load.queued), running: Int(view.load.running)),
            stateSinceSeconds: (now - view.stateSince).seconds, hasLink: view.hasLink,
            isIssuer: member.certificate?.roles.contains(.issuer))
    }

    private func links() async -> [NodeStatus.Link] {
        var links: [NodeStatus.Link] = []
        for peer in await entry.transport.peers {
            guard let link = await entry.transport.link(to: peer) else { continue }
            links.append(
                NodeStatus.Link(
                    peer: link.peer.name, peerID: link.peer.nodeID.hex,
                    initiated: link.isInitiator,
                    roundTripMilliseconds: await link.roundTrip?.milliseconds))
        }
        return links.sorted { ($0.peer, $0.peerID) < ($1.peer, $1.peerID) }
    }
}
