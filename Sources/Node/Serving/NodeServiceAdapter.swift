import Gossip
import Mesh
import NodeAPI
import Sampling
import Wire

/// The entry service behind the HTTP interface: its requests and errors in the interface's words.
extension EntryService {
    func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream {
        let inference = try InferenceRequest(request)
        let core: RequestCore
        let text: AnswerText
        do {
            text = try AnswerText(choices: request.choices, stop: request.stop)
        } catch {
            throw ServiceError(.badRequest, "\(error)")
        }
        do {
            core = try await start(inference, model: request.model)
        } catch {
            throw ServiceError(error)
        }
        let (events, continuation) = AsyncThrowingStream.makeStream(of: GenerationEvent.self)
        let task = Task {
            let answer = AnswerEvents(
                model: core.model.name, text: text, name: name(of:), continuation: continuation)
            do {
                try await run(core) { event in await answer.handle(event) }
                continuation.finish()
            } catch let failure as RequestCore.Failure {
                continuation.finish(throwing: ServiceError(failure))
            } catch {
                continuation.finish(throwing: error)
            }
        }
        return GenerationStream(events) { task.cancel() }
    }
}

/// Turns what the request core delivers into the interface's events.
private actor AnswerEvents {
    private let model: String
    private let name: @Sendable (NodeID) -> String
    private var text: AnswerText
    private var completionTokens = 0
    private var promptTokens = 0
    private var nextIndex: [UInt32: Int] = [:]
    private let continuation: AsyncThrowingStream<GenerationEvent, any Error>.Continuation

    init(
        model: String, text: AnswerText, name: @escaping @Sendable (NodeID) -> String,
        continuation: AsyncThrowingStream<GenerationEvent, any Error>.Continuation
    ) {
        self.model = model
        self.text = text
        self.name = name
        self.continuation = continuation
    }

    func handle(_ event: AnswerEvent) {
        switch event {
        case .running(let target, let through, let attempts, let promptTokens):
            self.promptTokens = promptTokens
            continuation.yield(
                .route(
                    RouteInfo(
                        node: target.name, nodeID: target.node.hex, model: model,
                        reason: target.reason, attempts: attempts,
                        roundTripMilliseconds: target.roundTrip?.milliseconds,
                        through: through.map(name))))
        case .tokens(let frames):
            for frame in frames {
                completionTokens += 1
                nextIndex[frame.choice] = Int(frame.index) + 1
                continuation.yield(
                    .text(
                        choice: Int(frame.choice), index: Int(frame.index),
                        text: text.append(frame), tokens: [frame.token],
                        logprobs: frame.logprobs.map { [.init($0, of: frame)] } ?? []))
            }
        case .finished(let choice, let reason):
            let rest = text.finish(choice)
            if !rest.isEmpty {
                continuation.yield(
                    .text(
                        choice: Int(choice), index: nextIndex[choice] ?? 0, text: rest,
                        tokens: []))
            }
            continuation.yield(
                .finished(choice: Int(choice), reason: reason == .length ? .length : .stop))
        case .completed:
            continuation.yield(
                .usage(
                    GenerationUsage(
                        promptTokens: promptTokens, completionTokens: completionTokens)))
        }
    }
}

extension InferenceRequest {
    /// KV cache entries of requests from clients: F16, half the memory of F32.
    private static let kvType: UInt8 = 1

    init(_ request: GenerationRequest) throws(ServiceError) {
        guard let id = RequestID(hex: request.id) else {
            throw ServiceError(.badRequest, "a request id has 32 hexadecimal digits")
        }
        guard (1...MeshLimits.choicesMax).contains(request.choices) else {
            throw ServiceError(.badRequest, "n is from 1 to \(MeshLimits.choicesMax)")
        }
        guard request.stop.count <= MeshLimits.stopStringsMax,
            request.stop.allSatisfy({ $0.utf8.count <= MeshLimits.stopStringBytesMax })
        else {
            throw ServiceError(
                .badRequest,
                "at most \(MeshLimits.stopStringsMax) stop strings of "
                    + "\(MeshLimits.stopStringBytesMax) bytes each")
        }
        let prompt: Prompt
        switch request.prompt {
        case .text(let text):
            try Self.check(text.utf8.count)
            prompt = .text(text)
        case .tokens(let tokens):
            guard tokens.count <= MeshLimits.tokensMax else {
                throw ServiceError(
                    .promptTooLong, "a prompt has at most \(MeshLimits.tokensMax) tokens")
            }
            prompt = .tokens(tokens)
        case .chat(let messages):
            try Self.check(messages.reduce(0) { $0 + $1.content.utf8.count })
            guard messages.count <= MeshLimits.chatMessagesMax else {
                throw ServiceError(
                    .badRequest,
                    "a conversation has at most \(MeshLimits.chatMessagesMax) messages")
            }
            prompt = .chat(
                messages.map { ChatTurn(role: $0.role.rawValue, content: $0.content) })
        }
        self.init(
            id: id, model: ModelDigest(number: 0), numerics: "", prompt: prompt,
            generated: Array(repeating: [], count: request.choices),
            sampling: try Sampling(request.sampling),
            maxTokens: request.maxTokens.map { UInt32(clamping: $0) }, stop: request.stop,
            kvType: Self.kvType, hops: 0)
        constraint = try Constraint(request.constraint)
        priority = Int8(clamping: request.priority)
        deadlineMilliseconds = request.deadline.map { seconds in
            UInt32(min(max(seconds * 1000, 1), Double(UInt32.max)))
        }
    }

    private static func check(_ bytes: Int) throws(ServiceError) {
        guard bytes <= MeshLimits.promptTextBytesMax else {
            throw ServiceError(
                .promptTooLong,
                "the prompt has \(bytes) bytes; at most \(MeshLimits.promptTextBytesMax) are taken")
        }
    }
}

extension InferenceRequest.Sampling {
    /// What a client asks for; a seed is drawn where it gives none.
    init(_ sampling: GenerationSampling) throws(ServiceError) {
        guard sampling.logitBias.count <= MeshLimits.logitBiasMax else {
            throw ServiceError(
                .badRequest, "at most \(MeshLimits.logitBiasMax) tokens may have a bias")
        }
        self.init(
            temperature: sampling.temperature, topK: UInt32(clamping: sampling.topK),
            topP: sampling.topP, minP: sampling.minP,
            seed: sampling.seed ?? .random(in: 0 ... .max))
        typicalP = sampling.typicalP
        repetitionPenalty = sampling.repetitionPenalty
        presencePenalty = sampling.presencePenalty
        frequencyPenalty = sampling.frequencyPenalty
        logitBias = sampling.logitBias.sorted { $0.key < $1.key }.map {
            InferenceRequest.LogitBias(token: $0.key, bias: $0.value)
        }
        logprobs = sampling.logprobs.map {
            UInt8(clamping: min($0, MeshLimits.topLogprobsMax))
        }
    }
}

extension InferenceRequest.Constraint {
    init(_ constraint: GenerationConstraint) throws(ServiceError) {
        switch constraint {
        case .none: self = .none
        case .jsonObject: self = .jsonObject
        case .jsonSchema(let text): self = .jsonSchema(text)
        case .grammar(let text): self = .grammar(text)
        }
        switch constraint {
        case .none, .jsonObject: break
        case .jsonSchema(let text), .grammar(let text): try Self.check(text)
        }
    }

    private static func check(_ text: String) throws(ServiceError) {
        guard text.utf8.count <= MeshLimits.constraintBytesMax else {
            throw ServiceError(
                .badRequest,
                "a grammar or schema has at most \(MeshLimits.constraintBytesMax) bytes")
        }
    }
}

extension GenerationLogprobs {
    init(_ logprobs: TokenLogprobs, of frame: TokenFrame) {
        self.init(
            token: Token(bytes: frame.bytes, logprob: logprobs.logprob),
            top: logprobs.top.map { Token(bytes: $0.bytes, logprob: $0.logprob) })
    }
}

extension ServiceError {
    /// Seconds after which a mesh that could not serve may have recovered.
    private static let retrySeconds = 2

    init(_ failure: RouteFailure) {
        switch failure {
        case .unknownModel(let name, _):
            // The interface adds the names there are.
            self.init(.modelNotFound, "no node of the mesh offers the model '\(name)'")
        case .noModels: self.init(.modelNotFound, "\(failure)")
        case .wrongTask: self.init(.badRequest, "\(failure)")
        case .noLiveHolder:
            self.init(.unavailable(retryAfterSeconds: Self.retrySeconds), "\(failure)")
        }
    }

    init(_ failure: RequestCore.Failure) {
        switch failure {
        case .refused(let refusal):
            let code: Code =
                switch refusal.code {
                case .promptTooLong: .promptTooLong
                case .deadlineExceeded: .deadlineExceeded
                default: .badRequest
                }
            self.init(code, refusal.message)
        case .exhausted(let attempts):
            let tried = attempts.map { "\($0.node): \($0.reason)" }.joined(separator: "; ")
            if attempts.allSatisfy({ $0.refusal?.code == .overloaded }) {
                self.init(
                    .overloaded(retryAfterSeconds: 1),
                    "every node with this model is full: \(tried)")
            } else {
                self.init(
                    .unavailable(retryAfterSeconds: Self.retrySeconds),
                    "no node could answer: \(tried)")
            }
        case .interrupted(let node, let message):
            self.init(
                .interrupted,
                "\(node) was lost in the middle of the answer (\(message)); ask again")
        case .protocolViolation(let node, let message):
            self.init(.internal, "\(node) \(message)")
        }
    }
}
