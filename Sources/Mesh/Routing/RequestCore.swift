public import Gossip
import Wire

/// One request at its entry node, as a pure state machine: the journal of what was delivered, and
/// what to do when an executor refuses, fails or vanishes.
///
/// The shell performs each ``Effect`` and reports what happens as an ``Input`` with the number of
/// the attempt it belongs to; inputs of an attempt that is over are ignored, so that a late frame
/// can never double a token. Tokens are delivered exactly once, in order of index per choice.
///
/// Policy: an attempt that fails before any token was delivered is repeated at the next target.
/// After the first token the request fails with ``Failure/interrupted(by:message:)``: the journal
/// holds what a continuation elsewhere needs (``InferenceRequest/generated``).
public struct RequestCore: Sendable {
    /// What happened.
    public enum Input: Sendable {
        /// The executor sent a message.
        case message(InferenceMessage)
        /// The executor's link or stream ended, or could not be opened.
        case lost(reason: String)
        /// The client went away.
        case cancelled
    }

    /// What the shell does next.
    public enum Effect: Sendable, Equatable {
        /// Send `request` to `target`. The attempt is the current one from now on.
        case attempt(number: Int, target: RoutePlan.Target, request: InferenceRequest)
        /// The request runs at `target`: its prompt has this many tokens. Sent once per executor.
        case running(target: RoutePlan.Target, attempts: Int, promptTokens: Int)
        /// Hand tokens to the client.
        case deliver([TokenFrame])
        /// A choice is complete.
        case finished(choice: UInt32, reason: FinishReason)
        /// All is delivered. Nothing follows.
        case completed(InferenceUsage)
        /// Stop the attempt that runs, if any, and free its compute.
        case abandon(number: Int)
        /// The request failed. Nothing follows.
        case failed(Failure)
    }

    /// Why a request ended without its answer.
    public enum Failure: Error, Sendable, Equatable {
        /// The executor says that the request itself is wrong.
        case refused(InferenceRefusal)
        /// Every target failed before the first token; the reasons, in order.
        case exhausted([Attempt])
        /// The executor vanished in mid-answer.
        case interrupted(by: String, message: String)
        /// The executor broke the protocol.
        case protocolViolation(by: String, message: String)
    }

    /// A target that failed, and how.
    public struct Attempt: Sendable, Equatable {
        /// The node's name.
        public var node: String
        /// What it said, or how it was lost.
        public var reason: String
        /// Its refusal, when it gave one.
        public var refusal: InferenceRefusal?

        /// An attempt as given.
        public init(node: String, reason: String, refusal: InferenceRefusal?) {
            self.node = node
            self.reason = reason
            self.refusal = refusal
        }
    }

    private enum Phase: Equatable {
        case waiting
        case running
        case over
    }

    private var request: InferenceRequest
    private let plan: RoutePlan
    private var attempt = 0
    private var phase = Phase.waiting
    private var finished: Set<UInt32> = []
    private var failures: [Attempt] = []
    private var deliveredAny = false

    /// A request that has not started. `request.generated` holds what the client already has
    /// (a resumed answer), or an empty list per choice.
    public init(request: InferenceRequest, plan: RoutePlan) {
        self.request = request
        self.plan = plan
    }

    /// The model that the request was resolved to.
    public var model: ModelOffer { plan.model }

    /// What was delivered so far, per choice; what a continuation starts from.
    public var journal: [[Int32]] { request.generated }

    /// Sends the request to the first target.
    public mutating func start() -> [Effect] {
        [.attempt(number: 0, target: plan.targets[0], request: request)]
    }

    /// Takes in what happened to attempt `number`.
    public mutating func handle(_ input: Input, attempt number: Int) -> [Effect] {
        guard phase != .over else { return [] }
        if case .cancelled = input {
            phase = .over
            return [.abandon(number: attempt)]
        }
        guard number == attempt else { return [] }
        switch input {
        case .cancelled: return []  // handled above, for any attempt
        case .lost(let reason): return lost(reason, refusal: nil)
        case .message(let message): return receive(message)
        }
    }

    private var target: RoutePlan.Target { plan.targets[attempt] }

    private mutating func receive(_ message: InferenceMessage) -> [Effect] {
        switch message {
        case .accepted(let promptTokens):
            guard phase == .waiting else { return violation("accepted the request twice") }
            phase = .running
            // From here on the request is its ids: a second executor must not tokenise again.
            request.prompt = .tokens(promptTokens)
            return [
                .running(
                    target: target, attempts: attempt + 1, promptTokens: promptTokens.count)
            ]
        case .tokens(let frames):
            guard phase == .running else { return violation("sent tokens before accepting") }
            return receive(frames)
        case .finished(let id, let choice, let reason):
            guard phase == .running, id == request.id, choice < request.choices,
                finished.insert(choice).inserted
            else { return violation("ended a choice that it was not running") }
            return [.finished(choice: choice, reason: reason)]
        case .completed(let id, let usage):
            guard phase == .running, id == request.id, finished.count == request.choices else {
                return violation("completed a request that is not complete")
            }
            phase = .over
            return [.completed(usage)]
        case .refused(let refusal):
            guard refusal.code.isWorthRetryingElsewhere else {
                phase = .over
                return [.failed(.refused(refusal))]
            }
            return lost(refusal.message, refusal: refusal)
        case .request, .embed: return violation("sent a request on a request's own stream")
        case .embedding: return violation("sent a vector where text was asked for")
        }
    }

    private mutating func receive(_ frames: [TokenFrame]) -> [Effect] {
        var fresh: [TokenFrame] = []
        for frame in frames {
            guard frame.request == request.id, frame.choice < request.choices,
                !finished.contains(frame.choice)
            else { return violation("sent a token of another request or choice") }
            let next = UInt32(request.generated[Int(frame.choice)].count)
            // A token that was delivered already: an executor repeats what it was told.
            if frame.index < next { continue }
            guard frame.index == next else { return violation("skipped a token") }
            guard request.generated[Int(frame.choice)].count < MeshLimits.tokensMax else {
                return violation("sent more tokens than a request may have")
            }
            request.generated[Int(frame.choice)].append(frame.token)
            fresh.append(frame)
        }
        if fresh.isEmpty { return [] }
        deliveredAny = true
        return [.deliver(fresh)]
    }

    private mutating func lost(_ reason: String, refusal: InferenceRefusal?) -> [Effect] {
        guard !deliveredAny, finished.isEmpty else {
            phase = .over
            return [.failed(.interrupted(by: target.name, message: reason))]
        }
        failures.append(Attempt(node: target.name, reason: reason, refusal: refusal))
        guard attempt + 1 < plan.targets.count else {
            phase = .over
            return [.failed(.exhausted(failures))]
        }
        attempt += 1
        phase = .waiting
        return [.attempt(number: attempt, target: target, request: request)]
    }

    private mutating func violation(_ message: String) -> [Effect] {
        let number = attempt
        phase = .over
        return [
            .abandon(number: number),
            .failed(.protocolViolation(by: target.name, message: message)),
        ]
    }
}
