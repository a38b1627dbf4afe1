import Engine
import Gossip
import Mesh
import NodeAPI
import Wire

/// Vectors that an engine here computes, as messages.
actor EmbeddingChannel: InferenceChannel {
    private let task: Task<[InferenceMessage], Never>
    private var messages: [InferenceMessage]?

    init(_ request: EmbeddingRequest, model: String, host: ModelHost) {
        task = Task {
            do throws(EngineError) {
                let engine = try await host.engine(model)
                var inputs: [[Int32]] = []
                for input in request.inputs {
                    switch input {
                    case .text(let text): inputs.append(try engine.tokenize(text))
                    case .tokens(let tokens): inputs.append(tokens)
                    }
                }
                return Self.messages(
                    for: request, vectors: try await engine.embed(inputs),
                    tokens: inputs.map(\.count))
            } catch {
                return [.refused(InferenceRefusal(error))]
            }
        }
    }

    private static func messages(
        for request: EmbeddingRequest, vectors: [[Float]], tokens: [Int]
    ) -> [InferenceMessage] {
        let embeddings = zip(vectors, tokens).enumerated().map { index, pair in
            InferenceMessage.embedding(
                Embedding(
                    index: UInt32(index), tokens: UInt32(clamping: pair.1), vector: pair.0))
        }
        let usage = InferenceUsage(
            promptTokens: UInt32(clamping: tokens.reduce(0, +)), generatedTokens: 0,
            prefillMicroseconds: 0, decodeMicroseconds: 0)
        return embeddings + [.completed(request: request.id, usage: usage)]
    }

    func next() async throws -> InferenceMessage? {
        if messages == nil { messages = await task.value.reversed() }
        return messages?.popLast()
    }

    nonisolated func cancel() async { task.cancel() }
}

extension EntryService {
    /// Turns texts into vectors, at the first holder of the model that does: the request has no
    /// effect, so trying again elsewhere is always safe.
    func embed(
        _ request: EmbeddingServiceRequest
    ) async throws(ServiceError) -> EmbeddingAnswer {
        let (local, peers) = await routingMembers()
        let plan: RoutePlan
        do {
            plan = try Router.plan(
                model: request.model, task: .embedding, local: local, peers: peers)
        } catch { throw ServiceError(error) }
        var inference = try EmbeddingRequest(request, model: plan.model.digest)
        var failures: [RequestCore.Attempt] = []
        for target in plan.targets {
            inference.hops = target.isLocal ? 0 : 1
            do {
                let channel =
                    target.isLocal
                    ? executor.start(inference) : try await send(.embed(inference), to: target)
                let (vectors, tokens) = try await Self.collect(
                    from: channel, count: inference.inputs.count)
                return EmbeddingAnswer(
                    route: RouteInfo(
                        node: target.name, nodeID: target.node.hex, model: plan.model.name,
                        reason: target.reason, attempts: failures.count + 1,
                        roundTripMilliseconds: target.roundTrip?.milliseconds,
                        through: channel.through.map(name(of:))),
                    vectors: vectors, promptTokens: tokens)
            } catch let refusal as InferenceRefusal {
                guard refusal.code.isWorthRetryingElsewhere else {
                    throw ServiceError(RequestCore.Failure.refused(refusal))
                }
                failures.append(
                    .init(node: target.name, reason: refusal.message, refusal: refusal))
            } catch {
                failures.append(.init(node: target.name, reason: "\(error)", refusal: nil))
            }
        }
        throw ServiceError(RequestCore.Failure.exhausted(failures))
    }

    /// The vectors in order of index, and the tokens of all texts.
    private static func collect(
        from channel: any InferenceChannel, count: Int
    ) async throws -> ([[Float]], Int) {
        try await withTaskCancellationHandler {
            var vectors: [[Float]] = []
            while let message = try await channel.next() {
                switch message {
                case .embedding(let embedding)
                where Int(embedding.index) == vectors.count && vectors.count < count:
                    vectors.append(embedding.vector)
                case .completed(_, let usage) where vectors.count == count:
                    await channel.cancel()
                    return (vectors, Int(usage.promptTokens))
                case .refused(let refusal): throw refusal
                default:
                    await channel.cancel()
                    throw InferenceRefusal(
                        code: .failed, message: "it broke the protocol of embeddings")
                }
            }
            throw InferenceRefusal(code: .failed, message: "the answer ended too soon")
        } onCancel: {
            Task { await channel.cancel() }
        }
    }
}

extension EmbeddingRequest {
    init(
        _ request: EmbeddingServiceRequest, model: ModelDigest
    ) throws(ServiceError) {
        guard let id = RequestID(hex: request.id) else {
            throw ServiceError(.badRequest, "a request id has 32 hexadecimal digits")
        }
        guard 1...MeshLimits.embeddingInputsMax ~= request.inputs.count else {
            throw ServiceError(
                .badRequest, "1 to \(MeshLimits.embeddingInputsMax) texts in a request")
        }
        var (bytes, tokens) = (0, 0)
        let inputs = request.inputs.map { input -> Input in
            switch input {
            case .text(let text):
                bytes += text.utf8.count
                return .text(text)
            case .tokens(let ids):
                tokens = max(tokens, ids.count)
                return .tokens(ids)
            }
        }
        guard bytes <= MeshLimits.promptTextBytesMax, tokens <= MeshLimits.tokensMax else {
            throw ServiceError(
                .promptTooLong,
                "the texts have \(bytes) bytes; at most \(MeshLimits.promptTextBytesMax), and "
                    + "\(MeshLimits.tokensMax) token ids in one, are taken")
        }
        self.init(id: id, model: model, inputs: inputs, hops: 0)
    }
}
