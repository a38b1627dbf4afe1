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
        return (local, gossip.snapshot().map(RoutingMember.init))
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
        let addresses = gossip.snapshot().first { $0.view.id == target.node }?.view.alive
            .addresses
        let link = try await transport.connect(to: addresses ?? [], expecting: target.node)
        return try await PeerChannel.open(message, over: link)
    }
}

extension RoutingMember {
    init(_ member: KnownMember) {
        let view = member.view
        let isUp = view.state == .alive || view.state == .suspect
        let isReachable = view.hasLink || view.alive.reachability.acceptsLinks
        let serves = member.certificate?.roles.contains(.server) ?? false
        self.init(
            node: view.id, name: member.certificate?.name ?? view.id.short,
            isRoutable: isUp && isReachable && serves,
            models: view.metadata?.models ?? [], numerics: view.metadata?.numerics ?? "",
            roundTrip: view.roundTrip)
    }
}
