import NodeAPI
import Synchronization

/// A service that plays a script, and notes what is asked of it.
final class FakeService: NodeService {
    /// What `generate` does.
    enum Play: Sendable {
        /// These events, then the end or an error.
        case events([GenerationEvent], failing: ServiceError? = nil)
        /// These events, then nothing more until it is cancelled.
        case hanging([GenerationEvent])
        /// A refusal.
        case refusing(ServiceError)
        /// Nothing, until the task is cancelled.
        case neverBeginning
    }

    static let route = GenerationEvent.route(
        RouteInfo(
            node: "node-a", nodeID: "aa11", model: "stories", reason: "soonest", attempts: 1,
            roundTripMilliseconds: 2.5))
    static let usage = GenerationEvent.usage(
        GenerationUsage(promptTokens: 4, completionTokens: 3))
    /// A whole answer: `Once upon`.
    static let answer: [GenerationEvent] = [
        route, .text(choice: 0, index: 0, text: "Once", tokens: [5]),
        .text(choice: 0, index: 1, text: "", tokens: [6]),
        .text(choice: 0, index: 2, text: " upon", tokens: [7]),
        .finished(choice: 0, reason: .stop), usage,
    ]

    private let play: Play
    private let ready: Bool
    private let requests = Mutex<[GenerationRequest]>([])
    /// One element each time that a request is given up before it is over.
    let cancellations: AsyncStream<Void>
    private let cancelled: AsyncStream<Void>.Continuation
    /// One element each time that a request has been asked for.
    let beginnings: AsyncStream<Void>
    private let begun: AsyncStream<Void>.Continuation

    init(_ play: Play = .events(answer), ready: Bool = true) {
        self.play = play
        self.ready = ready
        (cancellations, cancelled) = AsyncStream.makeStream()
        (beginnings, begun) = AsyncStream.makeStream()
    }

    var lastRequest: GenerationRequest? { requests.withLock(\.last) }

    func waitForCancellation() async { for await _ in cancellations { return } }

    func waitForBeginning() async { for await _ in beginnings { return } }

    func embed(
        _ request: EmbeddingServiceRequest
    ) async throws(ServiceError) -> EmbeddingAnswer {
        if case .refusing(let error) = play { throw error }
        return EmbeddingAnswer(
            route: RouteInfo(node: "node-a", nodeID: "aa11", model: "mini", reason: "soonest"),
            vectors: request.inputs.indices.map { [Float($0), 0.5] },
            promptTokens: 3 * request.inputs.count)
    }

    func models() async -> [ServedModel] {
        [
            ServedModel(id: "stories", digest: "d1", contextLength: 512, nodes: ["node-a"]),
            ServedModel(
                id: "org/big model", digest: "d2", contextLength: 4_096,
                nodes: ["node-a", "node-b"]),
        ]
    }

    func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream {
        requests.withLock { $0.append(request) }
        begun.yield()
        let (events, continuation) = AsyncThrowingStream<GenerationEvent, any Error>.makeStream()
        let cancelled = cancelled
        continuation.onTermination = { termination in
            if case .finished(is CancellationError) = termination { cancelled.yield() }
            if case .cancelled = termination { cancelled.yield() }
        }
        switch play {
        case .events(let script, let failure):
            for event in script { continuation.yield(event) }
            continuation.finish(throwing: failure)
        case .hanging(let script):
            for event in script { continuation.yield(event) }
        case .refusing(let error):
            throw error
        case .neverBeginning:
            try? await Task.sleep(for: .seconds(86_400))
            cancelled.yield()
            throw ServiceError(.interrupted, "cancelled")
        }
        return GenerationStream(events) { continuation.finish(throwing: CancellationError()) }
    }

    static let status = NodeStatus(
        node: .init(
            name: "node-a", id: "aa11", meshName: "home", meshFingerprint: "1234 5678",
            version: "0.1", numerics: "shoal-numerics-2", http: "127.0.0.1:8800",
            peerAddresses: ["127.0.0.1:8900"], uptimeSeconds: 1.5,
            reachability: "direct", reachabilityReason: "it listens"),
        members: [
            .init(
                name: "node-a", id: "aa11", state: .alive, isSelf: true, addresses: [],
                reachability: "direct", models: ["stories"], roundTripMilliseconds: nil,
                load: .init(queued: 0, running: 1), stateSinceSeconds: 3, hasLink: false)
        ], models: [.init(id: "stories", digest: "d1", nodes: ["node-a"])],
        links: [
            .init(
                peer: "node-b", peerID: "bb22", initiated: true, roundTripMilliseconds: 0.5)
        ], counters: ["requests": 7])

    func status() async -> NodeStatus { Self.status }

    func health() async -> NodeHealth {
        NodeHealth(ready: ready, status: ready ? "ok" : "the model is loading")
    }
}
