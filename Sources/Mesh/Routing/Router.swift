public import Gossip
public import Wire

/// A model that a member offers, as its metadata says.
public typealias ModelOffer = OfferedModel

/// What the router knows of a member, this node included.
public struct RoutingMember: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// Its name, for messages.
    public var name: String
    /// Whether it can be asked now: alive or only suspected, and reachable by a link that exists
    /// or can be dialled.
    public var isRoutable: Bool
    /// What it offers.
    public var models: [ModelOffer]
    /// The rules its arithmetic follows; see `numerics.md`.
    public var numerics: String
    /// The lowest round trip measured to it lately; nil when none was.
    public var roundTrip: Duration?

    /// A member as given.
    public init(
        node: NodeID, name: String, isRoutable: Bool, models: [ModelOffer], numerics: String,
        roundTrip: Duration?
    ) {
        self.node = node
        self.name = name
        self.isRoutable = isRoutable
        self.models = models
        self.numerics = numerics
        self.roundTrip = roundTrip
    }
}

/// Where a request goes: first to ``targets``' first, then down the list.
public struct RoutePlan: Sendable, Equatable {
    /// A node to try.
    public struct Target: Sendable, Equatable {
        /// The node.
        public var node: NodeID
        /// Its name.
        public var name: String
        /// Whether it is this node itself.
        public var isLocal: Bool
        /// The round trip the choice was made on.
        public var roundTrip: Duration?
        /// The rules its arithmetic follows.
        public var numerics: String
        /// Why it has this place, for the person who asked.
        public var reason: String
    }

    /// The model, resolved from the name asked for.
    public var model: ModelOffer
    /// At least one and at most ``MeshLimits/attemptsMax`` nodes, best first.
    public var targets: [Target]
}

/// Why a request goes nowhere.
public enum RouteFailure: Error, Sendable, Equatable {
    /// No member ever offered the model: `available` are the names that some member offers.
    case unknownModel(name: String, available: [String])
    /// Members offer it, but none of them can be asked now.
    case noLiveHolder(name: String, holders: [String])
    /// The request names no model and the mesh has none.
    case noModels
    /// The model is for something else.
    case wrongTask(name: String, task: ModelTask)
}

/// The routing policy, pure: served here when the model is here, else by the live peer with the
/// lowest measured round trip.
///
/// Later policies (predicted time to first token, prefix affinity, ladders, constraints) replace
/// the order of ``RoutePlan/targets``; the plan's shape stays.
public enum Router {
    /// Decides where a request goes.
    ///
    /// - Parameters:
    ///   - model: A model's name, or at least 8 hexadecimal digits of its digest; nil for this
    ///     node's first model, or else the first by name in the mesh.
    ///   - task: What the model must be for.
    ///   - local: This node.
    ///   - peers: All others, in any order: the result does not depend on it.
    public static func plan(
        model: String?, task: ModelTask = .generation, local: RoutingMember,
        peers: [RoutingMember]
    ) throws(RouteFailure) -> RoutePlan {
        let offer = try resolve(model, task: task, local: local, peers: peers)
        guard offer.task == task else { throw .wrongTask(name: offer.name, task: offer.task) }
        func offers(_ member: RoutingMember) -> Bool {
            member.models.contains { $0.digest == offer.digest }
        }
        var targets: [RoutePlan.Target] = []
        if offers(local) {
            targets.append(
                RoutePlan.Target(
                    node: local.node, name: local.name, isLocal: true, roundTrip: nil,
                    numerics: local.numerics, reason: "the model is on this node"))
        }
        let holders = peers.filter(offers)
        let live = holders.filter(\.isRoutable).sorted(by: isNearer)
        for peer in live.prefix(MeshLimits.attemptsMax - targets.count) {
            let reason =
                peer.roundTrip == nil
                ? "it holds the model; its round trip is not measured yet"
                : "it holds the model and has the lowest measured round trip"
            targets.append(
                RoutePlan.Target(
                    node: peer.node, name: peer.name, isLocal: false, roundTrip: peer.roundTrip,
                    numerics: peer.numerics, reason: reason))
        }
        guard !targets.isEmpty else {
            throw .noLiveHolder(name: offer.name, holders: holders.map(\.name).sorted())
        }
        return RoutePlan(model: offer, targets: targets)
    }

    /// Measured before unmeasured, then the lower round trip, then the lower node id.
    private static func isNearer(_ left: RoutingMember, _ right: RoutingMember) -> Bool {
        switch (left.roundTrip, right.roundTrip) {
        case (let a?, let b?) where a != b: a < b
        case (.some, nil): true
        case (nil, .some): false
        default: left.node < right.node
        }
    }

    /// The file that a name stands for. When several files share the name: the one on this node,
    /// else the one that the most live peers hold, else the lowest digest.
    private static func resolve(
        _ model: String?, task: ModelTask, local: RoutingMember, peers: [RoutingMember]
    ) throws(RouteFailure) -> ModelOffer {
        let everyone = [local] + peers
        let offers = everyone.flatMap(\.models).filter { $0.task == task }
        let names = Set(offers.map(\.name)).sorted()
        guard let model else {
            if let first = local.models.first(where: { $0.task == task }) { return first }
            guard let name = names.first else { throw .noModels }
            return try resolve(name, task: task, local: local, peers: peers)
        }
        func matches(_ offer: ModelOffer) -> Bool {
            offer.name == model || (model.utf8.count >= 8 && offer.digest.hex.hasPrefix(model))
        }
        if let here = local.models.first(where: matches) { return here }
        // By digest alone: what else is offered with a model may differ from node to node.
        var held: [ModelDigest: (offer: ModelOffer, live: Int)] = [:]
        for peer in peers {
            for offer in peer.models where matches(offer) {
                var entry = held[offer.digest] ?? (offer, 0)
                if offer.name < entry.offer.name { entry.offer = offer }
                entry.live += peer.isRoutable ? 1 : 0
                held[offer.digest] = entry
            }
        }
        let best = held.values.min { left, right in
            (right.live, left.offer.digest) < (left.live, right.offer.digest)
        }
        guard let best else { throw .unknownModel(name: model, available: names) }
        return best.offer
    }
}

extension RouteFailure: CustomStringConvertible {
    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .unknownModel(let name, let available):
            available.isEmpty
                ? "no node of the mesh offers the model '\(name)', or any other"
                : "no node of the mesh offers the model '\(name)'; there are: "
                    + available.joined(separator: ", ")
        case .noLiveHolder(let name, let holders):
            "the model '\(name)' is held by \(holders.joined(separator: ", ")), "
                + "and none of them can be reached now"
        case .wrongTask(let name, .embedding):
            "the model '\(name)' turns text into vectors and continues none; "
                + "ask it by /v1/embeddings"
        case .wrongTask(let name, .generation):
            "the model '\(name)' continues text and gives no vectors"
        case .noModels:
            "no node of the mesh offers a model; start one with `shoal node run --model FILE`"
        }
    }
}
