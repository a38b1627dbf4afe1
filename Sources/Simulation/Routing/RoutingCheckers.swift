public import Gossip
public import Mesh
public import Wire

/// A member as an entry node knew it when it was asked.
public struct KnownMember: Sendable, Equatable {
    /// Its number.
    public var node: Int
    /// Whether it is the entry node itself.
    public var isEntry: Bool
    /// Whether it could be asked.
    public var isRoutable: Bool
    /// The lowest round trip measured to it; nil when none was.
    public var roundTrip: Duration?
    /// What it offers.
    public var models: [ModelOffer]

    /// A member as given.
    public init(
        node: Int, isEntry: Bool, isRoutable: Bool, roundTrip: Duration?, models: [ModelOffer]
    ) {
        self.node = node
        self.isEntry = isEntry
        self.isRoutable = isRoutable
        self.roundTrip = roundTrip
        self.models = models
    }
}

/// How a request ended.
public enum RoutingOutcome: Sendable, Equatable {
    /// With the whole answer; the executor counted so many tokens.
    case completed(generatedTokens: Int)
    /// The router found nowhere to send it.
    case unroutable(RouteFailure)
    /// The request core gave up.
    case failed(RequestCore.Failure)
    /// The client went away.
    case cancelled
    /// The entry node crashed: the client sees its connection break.
    case entryLost

    /// A word for the report.
    public var kind: String {
        switch self {
        case .completed: "completed"
        case .unroutable(.unknownModel): "unknown model"
        case .unroutable(.noLiveHolder): "no live holder"
        case .unroutable(.noModels): "no models"
        case .unroutable(.wrongTask): "wrong task"
        case .failed(.refused(let refusal)): "refused: \(refusal.code)"
        case .failed(.exhausted): "exhausted"
        case .failed(.interrupted): "interrupted"
        case .failed(.protocolViolation): "protocol violation"
        case .cancelled: "cancelled"
        case .entryLost: "entry lost"
        }
    }
}

/// Something observed in a run, in order of time. Nodes and requests are numbered from 0.
public enum RoutingObservation: Sendable, Equatable {
    /// A node started.
    case started(Int)
    /// A node's process ended without a word.
    case crashed(Int)
    /// A client asked `entry` for a model by name, by digits of its digest, or for any; `known` is
    /// all that the entry node's membership held, itself included.
    case asked(
        Int, id: RequestID, choices: Int, entry: Int, model: String?, known: [KnownMember])
    /// The entry node sent the request to a node.
    case attempted(Int, node: Int)
    /// What an executor said to it; nil when it took it in.
    case answered(Int, node: Int, hops: UInt8, refusal: InferenceRefusal.Code?)
    /// The client got tokens.
    case delivered(Int, [TokenFrame])
    /// The client was told the end of a choice.
    case finished(Int, choice: UInt32, FinishReason)
    /// The client was told the end.
    case ended(Int, RoutingOutcome)
    /// A node holds so many requests, of so many at most.
    case queued(node: Int, count: Int, limit: Int)
}

/// Checks what every request is owed, after every observation.
public struct RoutingCheckers: Sendable {
    /// What the checks are measured against.
    public struct Bounds: Sendable, Equatable {
        /// A holder that has been up this long is known to whoever has been up as long; nil where
        /// the loss is beyond what is promised.
        public var convergence: Duration?
        /// At most this many tokens per choice were asked for.
        public var answerTokens = SimulationLimits.answerTokensMax

        /// Bounds as given.
        public init(convergence: Duration?) { self.convergence = convergence }
    }

    private struct Request: Sendable {
        var id: RequestID
        var entry: Int
        var model: String?
        var askedAt: MonotonicInstant
        /// The digest that the name stands for, by what the entry knew.
        var wanted: ModelDigest?
        /// Holders that could be asked, the entry included.
        var routable: [KnownMember] = []
        var holders = 0
        var attempts: [Int] = []
        var refusals: [Int: InferenceRefusal.Code] = [:]
        var tokens: [Int]
        var ended: [FinishReason?]
        var outcome: RoutingOutcome?

        /// Whether the client has part of the answer.
        var hasBegun: Bool { tokens.contains { $0 > 0 } || ended.contains { $0 != nil } }
    }

    private struct Node: Sendable {
        var isUp = false
        var changedAt = MonotonicInstant.origin
    }

    private let bounds: Bounds
    private let placement: [[ModelOffer]]
    private var nodes: [Node]
    private var requests: [Int: Request] = [:]
    private var order: [Int] = []

    /// What was found.
    public private(set) var violations: [Violation] = []
    /// How many there were, those not listed included.
    public private(set) var violationCount = 0

    /// Checkers for nodes that hold these models.
    public init(placement: [[ModelOffer]], bounds: Bounds) {
        self.placement = placement
        nodes = Array(repeating: Node(), count: placement.count)
        self.bounds = bounds
    }

    /// Takes in what happened at `now`.
    public mutating func observe(_ observation: RoutingObservation, at now: MonotonicInstant) {
        switch observation {
        case .started(let node):
            nodes[node].isUp = true
            nodes[node].changedAt = now
        case .crashed(let node):
            nodes[node] = Node(isUp: false, changedAt: now)
        case .asked(let number, let id, let choices, let entry, let model, let known):
            var request = Request(
                id: id, entry: entry, model: model, askedAt: now,
                tokens: Array(repeating: 0, count: choices),
                ended: Array(repeating: nil, count: choices))
            request.wanted = Self.resolve(model, known: known)
            let holders = known.filter { member in
                member.models.contains { $0.digest == request.wanted }
            }
            request.holders = holders.count
            request.routable = holders.filter { $0.isRoutable || $0.isEntry }
            requests[number] = request
            order.append(number)
        case .attempted(let number, let node): attempted(number, node, at: now)
        case .answered(let number, let node, let hops, let refusal):
            guard let request = requests[number] else { return }
            if hops != (node == request.entry ? 0 : 1) {
                report("hops", now, "request \(number) came to node \(node) after \(hops) hops")
            }
            requests[number]?.refusals[node] = refusal
        case .delivered(let number, let frames): delivered(number, frames, at: now)
        case .finished(let number, let choice, let reason):
            finished(number, Int(choice), reason, at: now)
        case .ended(let number, let outcome): ended(number, outcome, at: now)
        case .queued(let node, let count, let limit):
            if count > limit {
                report("bounds", now, "node \(node) holds \(count) requests, over \(limit)")
            }
        }
    }

    /// To be called when the run ends: every request must have ended.
    public mutating func finish(at now: MonotonicInstant) {
        for number in order where requests[number]?.outcome == nil {
            report("one end", now, "request \(number) never ended")
        }
    }

    // MARK: The order of targets

    private mutating func attempted(_ number: Int, _ node: Int, at now: MonotonicInstant) {
        guard let request = requests[number] else { return }
        guard request.outcome == nil else {
            report("one end", now, "request \(number) was sent to node \(node) after its end")
            return
        }
        requests[number]?.attempts.append(node)
        if request.attempts.contains(node) {
            report("nearest", now, "request \(number) was sent to node \(node) twice")
        }
        if request.attempts.count >= MeshLimits.attemptsMax {
            report("bounds", now, "request \(number) was sent to more nodes than one may be")
        }
        let left = request.routable.filter { !request.attempts.contains($0.node) }
        guard let chosen = left.first(where: { $0.node == node }) else {
            report("nearest", now, "request \(number) was sent to node \(node), no known holder")
            return
        }
        if let here = left.first(where: \.isEntry), node != here.node {
            report("local first", now, "request \(number) left node \(here.node), which holds it")
            return
        }
        // With none measured to, any will do.
        guard !chosen.isEntry, let best = left.compactMap(\.roundTrip).min() else { return }
        if chosen.roundTrip.map({ $0 > best }) ?? true {
            let took = chosen.roundTrip.map { "\($0)" } ?? "not measured"
            report(
                "nearest", now,
                "request \(number) was sent to node \(node), \(took) away, not \(best)")
        }
    }

    // MARK: The answer

    private mutating func delivered(
        _ number: Int, _ frames: [TokenFrame], at now: MonotonicInstant
    ) {
        guard var request = requests[number] else { return }
        guard request.outcome == nil else {
            report("one end", now, "request \(number) got tokens after its end")
            return
        }
        for frame in frames {
            let choice = Int(frame.choice)
            let what = "request \(number), choice \(choice), token \(frame.index)"
            guard frame.request == request.id, request.tokens.indices.contains(choice) else {
                report("answer", now, "\(what): of another request or choice")
                continue
            }
            if request.ended[choice] != nil { report("answer", now, "\(what): after its end") }
            if Int(frame.index) != request.tokens[choice] {
                let isDouble = frame.index < request.tokens[choice]
                report("answer", now, "\(what): \(isDouble ? "doubled" : "one is missing before")")
            }
            let right = SimulatedAnswer.token(
                request.id, choice: frame.choice, index: frame.index)
            if frame.token != right { report("answer", now, "\(what): wrong token") }
            request.tokens[choice] += 1
        }
        requests[number] = request
    }

    private mutating func finished(
        _ number: Int, _ choice: Int, _ reason: FinishReason, at now: MonotonicInstant
    ) {
        guard let request = requests[number] else { return }
        let what = "request \(number), choice \(choice)"
        guard request.outcome == nil else {
            report("one end", now, "\(what) ended after the request's end")
            return
        }
        guard request.ended.indices.contains(choice), request.ended[choice] == nil else {
            report("answer", now, "\(what) ended twice, or was not asked for")
            return
        }
        requests[number]?.ended[choice] = reason
        let right = SimulatedAnswer.end(
            request.id, choice: UInt32(choice), limit: bounds.answerTokens)
        if request.tokens[choice] != right.tokens || reason != right.reason {
            report(
                "answer", now,
                "\(what) ended after \(request.tokens[choice]) tokens (\(reason)), "
                    + "not \(right.tokens) (\(right.reason))")
        }
    }

    // MARK: The end

    private mutating func ended(
        _ number: Int, _ outcome: RoutingOutcome, at now: MonotonicInstant
    ) {
        guard let request = requests[number] else { return }
        guard request.outcome == nil else {
            report("one end", now, "request \(number) ended twice: \(outcome.kind)")
            return
        }
        requests[number]?.outcome = outcome
        switch outcome {
        case .completed(let generatedTokens):
            if request.ended.contains(where: { $0 == nil }) {
                report("answer", now, "request \(number) completed with choices open")
            }
            let got = request.tokens.reduce(0, +)
            if got != generatedTokens {
                report("answer", now, "request \(number) has \(got) tokens of \(generatedTokens)")
            }
        case .unroutable(let failure): checkUnroutable(number, request, failure, at: now)
        case .failed(let failure): checkFailure(number, request, failure, at: now)
        case .cancelled: break
        case .entryLost:
            if wasUp(request.entry, since: request.askedAt) {
                report("failover", now, "request \(number) lost its entry node, which is up")
            }
        }
    }

    private mutating func checkUnroutable(
        _ number: Int, _ request: Request, _ failure: RouteFailure, at now: MonotonicInstant
    ) {
        let isRight =
            switch failure {
            case .unknownModel: request.wanted == nil || request.holders == 0
            case .noLiveHolder: request.holders > 0 && request.routable.isEmpty
            case .noModels: request.wanted == nil
            case .wrongTask: false  // all simulated models continue text
            }
        let kind = RoutingOutcome.unroutable(failure).kind
        if !isRight || !request.attempts.isEmpty {
            report(
                "model", now,
                "request \(number) failed with \(kind), but node \(request.entry) knew "
                    + "\(request.holders) holders, \(request.routable.count) of them routable")
        }
        // What it knew must have been what is so.
        guard let convergence = bounds.convergence,
            isSettled(request.entry, for: convergence, at: now),
            let wanted = request.wanted ?? Self.resolve(request.model, known: truth)
        else { return }
        let settled = placement.indices.filter { node in
            placement[node].contains { $0.digest == wanted }
                && isSettled(node, for: convergence, at: now)
        }
        if !settled.isEmpty {
            report(
                "model", now,
                "request \(number) failed with \(kind), but nodes \(settled) hold it")
        }
    }

    private mutating func checkFailure(
        _ number: Int, _ request: Request, _ failure: RequestCore.Failure,
        at now: MonotonicInstant
    ) {
        let last = request.attempts.last ?? request.entry
        switch failure {
        case .refused(let refusal):
            if request.refusals[last] != refusal.code
                || refusal.code.isWorthRetryingElsewhere
            {
                report("failover", now, "request \(number): node \(last) refused nothing such")
            }
        case .protocolViolation(let node, let message):
            report("answer", now, "request \(number): \(node) \(message)")
        case .interrupted:
            if !request.hasBegun {
                report("failover", now, "request \(number) gave up before its first token")
            }
            if isSpared(last, request) {
                report("failover", now, "request \(number) lost node \(last), which is up")
            }
        case .exhausted:
            if request.hasBegun {
                report("failover", now, "request \(number) was tried again after its first token")
            }
            // A holder that stood all the time and refused nothing would have answered.
            let spared = request.routable.map(\.node).filter { isSpared($0, request) }
            let isCut = request.attempts.count >= MeshLimits.attemptsMax
            let missed = spared.filter { !isCut || request.attempts.contains($0) }
            if !missed.isEmpty {
                report("failover", now, "request \(number) failed, but nodes \(missed) were there")
            }
        }
    }

    // MARK: Support

    /// Whether nothing went wrong at a node since the request came.
    private func isSpared(_ node: Int, _ request: Request) -> Bool {
        request.refusals[node] == nil && wasUp(node, since: request.askedAt)
    }

    private func wasUp(_ node: Int, since start: MonotonicInstant) -> Bool {
        nodes[node].isUp && nodes[node].changedAt <= start
    }

    private func isSettled(
        _ node: Int, for length: Duration, at now: MonotonicInstant
    ) -> Bool {
        nodes[node].isUp && now - nodes[node].changedAt >= length
    }

    /// All nodes as they are.
    private var truth: [KnownMember] {
        placement.indices.map {
            KnownMember(
                node: $0, isEntry: false, isRoutable: nodes[$0].isUp, roundTrip: nil,
                models: placement[$0])
        }
    }

    /// The digest that a client's word stands for. Names are unique in a simulation.
    private static func resolve(_ model: String?, known: [KnownMember]) -> ModelDigest? {
        let entryFirst = known.filter(\.isEntry) + known.filter { !$0.isEntry }
        guard let model else {
            if let first = entryFirst.first?.models.first { return first.digest }
            return known.flatMap(\.models).min { $0.name < $1.name }?.digest
        }
        return entryFirst.flatMap(\.models).first {
            $0.name == model || model.utf8.count >= 8 && $0.digest.hex.hasPrefix(model)
        }?.digest
    }

    private mutating func report(_ checker: String, _ now: MonotonicInstant, _ message: String) {
        violationCount += 1
        guard violations.count < SimulationLimits.violationsMax else { return }
        violations.append(
            Violation(
                checker: checker, seconds: (now - MonotonicInstant.origin).seconds,
                message: message))
    }
}
