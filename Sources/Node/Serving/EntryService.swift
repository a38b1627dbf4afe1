import Gossip
import Kernels
import Mesh
import MeshTransport
import Tokenizer
import Trust
import Wire

/// The node that takes a request: finds out where it runs, sends it there, and hands on the answer.
struct EntryService: Sendable {
    let nodeID: NodeID
    let name: String
    let executor: Executor
    let transport: LinkTransport
    let gossip: GossipRunner

    /// This node and all others, as the router sees them.
    func routingMembers() -> (local: RoutingMember, peers: [RoutingMember]) {
        let local = RoutingMember(
            node: nodeID, name: name, isRoutable: true, models: executor.models.offers,
            numerics: NumericsID.current, roundTrip: nil)
        let members = gossip.snapshot()
        let relays = members.count(where: \.canRelay)
        return (
            local,
            members.map { RoutingMember($0, hasRelay: relays > ($0.canRelay ? 1 : 0)) }
        )
    }

    /// A member's name, or the beginning of its id.
    @Sendable func name(of node: NodeID) -> String {
        gossip.snapshot().first { $0.view.id == node }?.certificate?.name ?? node.short
    }

    /// Starts a request. Its prompt is tokenised here when the model is here, so that every executor
    /// that may be tried gets the same ids.
    func start(
        _ request: InferenceRequest, model: String?
    ) async throws(RouteFailure) -> RequestCore {
        let (local, peers) = routingMembers()
        let plan = try Router.plan(model: model, local: local, peers: peers)
        var request = request
        request.model = plan.model.digest
        request.numerics = NumericsID.current
        return RequestCore(request: request, plan: plan)
    }

    /// Runs a request to its end.
    func run(
        _ core: RequestCore, deliver: @Sendable (AnswerEvent) async -> Void
    ) async throws {
        try await RequestRunner(dialler: self).run(core, deliver: deliver)
    }
}

extension EntryService: InferenceDialler {
    func open(
        _ request: InferenceRequest, at target: RoutePlan.Target
    ) async throws -> any InferenceChannel {
        if target.isLocal { return executor.start(request, caller: Executor.ownCaller) }
        var forwarded = request
        forwarded.hops += 1
        return try await send(.request(forwarded), to: target)
    }

    /// Sends the first message of a request to a peer.
    func send(
        _ message: InferenceMessage, to target: RoutePlan.Target
    ) async throws -> any InferenceChannel {
        let members = gossip.snapshot()
        let view = members.first { $0.view.id == target.node }?.view
        let relays = members.relays(to: target.node)
        if let view, !view.hasLink, !view.alive.reachability.acceptsLinks {
            await link(toRelays: relays, among: members)
        }
        let link = try await transport.connect(
            to: view?.alive.addresses ?? [], expecting: target.node, relays: relays)
        return try await PeerChannel.open(message, over: link)
    }
}

extension EntryService {
    /// Makes the links over which a relay would carry another: it is asked over one that stands.
    private func link(toRelays relays: [NodeID], among members: [KnownMember]) async {
        for relay in members where relays.contains(relay.view.id) && !relay.view.hasLink {
            _ = try? await transport.connect(
                to: relay.view.alive.addresses, expecting: relay.view.id)
        }
    }
}

extension KnownMember {
    /// Whether it may carry others' links: it lives, and is or can be linked.
    var canRelay: Bool {
        view.state == .alive && (view.hasLink || view.alive.reachability.acceptsLinks)
    }
}

extension [KnownMember] {
    /// Through whom a member may be reached to which no direct link can be made: others that live and
    /// take links, those with a link here first, then the nearest. What passes them is sealed
    /// between the two ends.
    func relays(to target: NodeID) -> [NodeID] {
        filter { $0.view.id != target && $0.canRelay }.sorted {
            ($0.view.hasLink ? 0 : 1, $0.view.roundTrip ?? .seconds(3600), $0.view.id)
                < ($1.view.hasLink ? 0 : 1, $1.view.roundTrip ?? .seconds(3600), $1.view.id)
        }.prefix(NodeLimits.relaysTriedMax).map(\.view.id)
    }
}

extension RoutingMember {
    /// - Parameter hasRelay: Whether some other member could carry a link to it.
    init(_ member: KnownMember, hasRelay: Bool) {
        let view = member.view
        let isUp = view.state == .alive || view.state == .suspect
        let isReachable = view.hasLink || view.alive.reachability.acceptsLinks || hasRelay
        let serves = member.certificate?.roles.contains(.server) ?? false
        self.init(
            node: view.id, name: member.certificate?.name ?? view.id.short,
            isRoutable: isUp && isReachable && serves,
            models: view.metadata?.models ?? [], numerics: view.metadata?.numerics ?? "",
            roundTrip: view.roundTrip)
    }
}
