import Engine
import Kernels
import Mesh
import MeshTransport
import Model
import Sampling
import Synchronization
import Tokenizer
import Wire

/// Runs requests on this node's engines, for its own clients and for other members.
struct Executor: Sendable {
    let models: ModelStore
    /// How long tokens for a peer are gathered; see ``TokenBatches``.
    let batchWindow: Duration
    private let remoteRequests = Counter()

    init(models: ModelStore, batchWindow: Duration) {
        self.models = models
        self.batchWindow = batchWindow
    }

    /// A count that many tasks change.
    final class Counter: Sendable {
        private let value = Atomic<Int>(0)
        /// Adds one unless that would pass `limit`.
        func enter(limit: Int) -> Bool {
            if value.add(1, ordering: .relaxed).newValue <= limit { return true }
            leave()
            return false
        }
        func leave() { value.subtract(1, ordering: .relaxed) }
    }

    /// Starts a request here. A refusal is a message like those of a peer.
    ///
    /// - Parameter caller: on whose behalf; callers get equal shares, and share no cached prefix.
    func start(_ request: InferenceRequest, caller: String) -> any InferenceChannel {
        defer { models.work.ring() }
        do throws(InferenceRefusal) {
            let (name, engineRequest) = try prepare(request, caller: caller)
            return EngineChannel(request.id, engineRequest, model: name, host: models.host)
        } catch {
            return RefusedChannel(error)
        }
    }

    /// The caller of requests that came in by this node's own interface.
    static let ownCaller = "self"

    /// The request in the engine's terms, and the name of its model.
    private func prepare(
        _ request: InferenceRequest, caller: String
    ) throws(InferenceRefusal) -> (model: String, EngineRequest) {
        guard let entry = models.entry(request.model) else {
            throw InferenceRefusal(
                code: .modelNotHere, message: "the model \(request.model) is not on this node")
        }
        // A continuation under other rules would be another answer.
        if request.generated.contains(where: { !$0.isEmpty }),
            request.numerics != NumericsID.current
        {
            throw InferenceRefusal(
                code: .modelNotHere,
                message: "this node computes by \(NumericsID.current), not \(request.numerics)")
        }
        guard let kv = KVType(rawValue: request.kvType) else {
            throw InferenceRefusal(code: .badRequest, message: "unknown KV cache type")
        }
        let isOwn = caller == Self.ownCaller
        return (
            entry.name,
            EngineRequest(
                id: request.id.hex, prompt: try prompt(of: request), choices: request.choices,
                sampling: SamplingParameters(request.sampling),
                maxTokens: request.maxTokens.map(Int.init), stop: request.stop, kv: kv,
                generated: request.generated, caller: caller,
                // Another member must not hold up this node's own requests.
                priority: isOwn ? request.priority : min(request.priority, 0),
                deadline: request.deadlineMilliseconds.map { Double($0) / 1000 },
                constraint: EngineConstraint(request.constraint),
                logprobs: request.sampling.logprobs.map(Int.init))
        )
    }

    private func prompt(of request: InferenceRequest) throws(InferenceRefusal) -> EnginePrompt {
        switch request.prompt {
        case .tokens(let tokens): return .tokens(tokens)
        case .text(let text): return .text(text)
        case .chat(let turns):
            var messages: [ChatMessage] = []
            for turn in turns {
                guard let role = ChatRole(rawValue: turn.role) else {
                    throw InferenceRefusal(
                        code: .badRequest,
                        message: "unknown role '\(turn.role)'; there are: "
                            + ChatRole.allCases.map(\.rawValue).joined(separator: ", "))
                }
                messages.append(ChatMessage(role: role, content: turn.content))
            }
            return .chat(messages)
        }
    }

    /// Starts a request for vectors here.
    func start(_ request: EmbeddingRequest) -> any InferenceChannel {
        guard let entry = models.entry(request.model) else {
            return RefusedChannel(
                InferenceRefusal(
                    code: .modelNotHere,
                    message: "the model \(request.model) is not on this node"))
        }
        defer { models.work.ring() }
        return EmbeddingChannel(request, model: entry.name, host: models.host)
    }

    /// Serves a request that a peer sent over a stream of its link.
    ///
    /// - Parameter objection: Why this node does not serve that peer now.
    func serve(
        _ stream: LinkStream, from peer: String, objection: InferenceRefusal? = nil
    ) async {
        if let objection { return await refuse(stream, objection) }
        guard remoteRequests.enter(limit: NodeLimits.remoteRequestsMax) else {
            await refuse(
                stream, InferenceRefusal(code: .overloaded, message: "too many requests at once"))
            return
        }
        defer { remoteRequests.leave() }
        do {
            let channel: any InferenceChannel
            do {
                switch try await readRequest(from: stream) {
                case .request(let request): channel = start(request, caller: peer)
                case .embed(let request): channel = start(request)
                default: throw InferenceRefusal(code: .badRequest, message: "no request")
                }
            } catch let refusal as InferenceRefusal {
                await refuse(stream, refusal)
                return
            }
            try await withTaskCancellationHandler {
                try await relay(channel, to: stream)
            } onCancel: {
                Task { await channel.cancel() }
            }
        } catch {
            stream.reset(.internalError)
        }
    }

    /// The first message of a stream, which must be a request of either kind.
    private func readRequest(from stream: LinkStream) async throws -> InferenceMessage {
        var framer = MessageFramer()
        while let bytes = try await stream.read() {
            framer.append(bytes)
            do {
                guard let message = try framer.next() else { continue }
                let hops: UInt8
                switch message {
                case .request(let request): hops = request.hops
                case .embed(let request): hops = request.hops
                default:
                    throw InferenceRefusal(code: .badRequest, message: "a request was expected")
                }
                // One hop at most: a request goes to who runs it, never in circles.
                guard hops == 1 else {
                    throw InferenceRefusal(code: .badRequest, message: "forwarded more than once")
                }
                return message
            } catch let error as WireError {
                throw InferenceRefusal(code: .badRequest, message: "\(error)")
            }
        }
        throw InferenceRefusal(code: .badRequest, message: "the request ended too soon")
    }

    /// Sends what the engine says, and stops the engine as soon as the peer goes away, even while
    /// nothing is being sent.
    private func relay(_ channel: any InferenceChannel, to stream: LinkStream) async throws {
        // The peer sends nothing more, but the end of the stream shows in reading from it.
        let watcher = Task {
            do {
                while try await stream.read() != nil {}
            } catch {
                await channel.cancel()
            }
        }
        do {
            try await TokenBatches(window: batchWindow).relay(channel) { message in
                try await stream.send(MessageFramer.frame(message))
            }
        } catch {
            await channel.cancel()
            stream.reset(.internalError)
            throw error
        }
        await finish(stream, when: watcher)
    }

    private func refuse(_ stream: LinkStream, _ refusal: InferenceRefusal) async {
        do {
            try await stream.send(MessageFramer.frame(.refused(refusal)))
        } catch { return }
        await finish(stream, when: Task { while (try? await stream.read()) != nil {} })
    }

    /// Ends this side and waits until the peer has ended its own: a stream that is let go before
    /// is reset, and what the peer has not read yet would be lost.
    private func finish(_ stream: LinkStream, when peerEnded: Task<Void, Never>) async {
        stream.finish()
        let guardian = Task {
            try await Task.sleep(for: .seconds(NodeLimits.drainSeconds))
            stream.reset(.done)
        }
        await peerEnded.value
        guardian.cancel()
    }
}

extension InferenceRefusal {
    init(_ error: EngineError) {
        let code: Code =
            switch error {
            case .queueFull, .notEnoughMemory: .overloaded
            case .deadlineExceeded: .deadlineExceeded
            case .promptTooLong: .promptTooLong
            case .shutDown: .stopping
            case .emptyPrompt, .invalidRequest, .tokenOutOfRange, .tokenizer, .wrongKindOfModel:
                .badRequest
            case .contextTooLarge: .promptTooLong
            default: .failed
            }
        self.init(
            code: code, retryAfterMilliseconds: code == .overloaded ? 1000 : 0,
            message: "\(error)")
    }
}

/// An engine's events as messages.
private actor EngineChannel: InferenceChannel {
    private let request: RequestID
    /// The engine may have to be loaded first.
    private let opening: Task<EngineStream, any Error>
    private var iterator: EngineStream.AsyncIterator?
    private var isOpen = false

    init(_ id: RequestID, _ request: EngineRequest, model: String, host: ModelHost) {
        self.request = id
        opening = Task { try await host.submit(request, to: model) }
    }

    func next() async throws -> InferenceMessage? {
        do {
            if !isOpen {
                isOpen = true
                iterator = try await opening.value.makeAsyncIterator()
            }
            guard var iterator else { return nil }
            self.iterator = nil  // one reader: an actor may be entered again while it waits
            defer { self.iterator = iterator }
            guard let event = try await iterator.next(isolation: self) else { return nil }
            return InferenceMessage(event, of: request)
        } catch let error as EngineError {
            return .refused(InferenceRefusal(error))
        }
    }

    /// Also for a request whose engine is still being loaded.
    nonisolated func cancel() async {
        let opening = opening
        opening.cancel()
        Task { try? await opening.value.cancel() }
    }
}

extension InferenceMessage {
    /// What an engine says, for others.
    init(_ event: EngineEvent, of request: RequestID) {
        switch event {
        case .accepted(let tokens): self = .accepted(promptTokens: tokens)
        case .token(let choice, let index, let id, let bytes, let logprobs):
            self = .tokens([
                TokenFrame(
                    request: request, choice: choice, index: index, token: id, bytes: bytes,
                    logprobs: logprobs.map { TokenLogprobs($0) })
            ])
        case .finished(let choice, let reason):
            self = .finished(
                request: request, choice: choice,
                reason: reason == .stop
                    ? .endOfText : reason == .length ? .length : .stopString)
        case .completed(let usage):
            self = .completed(
                request: request,
                usage: InferenceUsage(
                    promptTokens: UInt32(clamping: usage.promptTokens),
                    generatedTokens: UInt32(clamping: usage.generatedTokens),
                    prefillMicroseconds: UInt64(max(0, usage.prefillSeconds * 1e6)),
                    decodeMicroseconds: UInt64(max(0, usage.decodeSeconds * 1e6))))
        }
    }
}

extension TokenLogprobs {
    init(_ logprobs: EngineLogprobs) {
        self.init(
            logprob: logprobs.logprob,
            top: logprobs.top.map {
                Alternative(token: $0.id, logprob: $0.logprob, bytes: $0.bytes)
            })
    }
}

extension SamplingParameters {
    init(_ sampling: InferenceRequest.Sampling) {
        self.init(
            temperature: sampling.temperature, topK: Int(sampling.topK), topP: sampling.topP,
            minP: sampling.minP, typicalP: sampling.typicalP,
            repetitionPenalty: sampling.repetitionPenalty,
            presencePenalty: sampling.presencePenalty,
            frequencyPenalty: sampling.frequencyPenalty,
            // The ids ascend, so no two are equal.
            logitBias: Dictionary(
                uniqueKeysWithValues: sampling.logitBias.map { ($0.token, $0.bias) }),
            seed: sampling.seed)
    }
}

extension EngineConstraint {
    init(_ constraint: InferenceRequest.Constraint) {
        switch constraint {
        case .none: self = .none
        case .jsonObject: self = .jsonObject
        case .jsonSchema(let text): self = .jsonSchema(text)
        case .grammar(let text): self = .gbnf(text)
        }
    }
}

/// A request that was not started.
private actor RefusedChannel: InferenceChannel {
    private var refusal: InferenceRefusal?

    init(_ refusal: InferenceRefusal) { self.refusal = refusal }

    func next() async throws -> InferenceMessage? {
        defer { refusal = nil }
        return refusal.map { .refused($0) }
    }

    func cancel() async {}
}

/// A request that runs at a peer.
actor PeerChannel: InferenceChannel {
    private let stream: LinkStream
    private var framer = MessageFramer()
    nonisolated let through: NodeID?

    /// Sends the first message of a request over a new stream of `link`.
    static func open(_ message: InferenceMessage, over link: Link) async throws -> PeerChannel {
        let stream = try await link.open(service: .inference)
        do {
            try await stream.send(MessageFramer.frame(message))
        } catch {
            stream.reset(.cancelled)
            throw error
        }
        return PeerChannel(stream, through: link.relay)
    }

    private init(_ stream: LinkStream, through: NodeID?) {
        self.stream = stream
        self.through = through
    }

    func next() async throws -> InferenceMessage? {
        while true {
            if let message = try framer.next() { return message }
            guard let bytes = try await stream.read() else { return nil }
            framer.append(bytes)
        }
    }

    nonisolated func cancel() async { stream.reset(.cancelled) }
}
