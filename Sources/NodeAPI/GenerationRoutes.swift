import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import OpenAIAPI

/// The two routes that generate: from the body of a request to its answer.
struct GenerationRoutes: Sendable {
    let service: any NodeService
    let slots: GenerationSlots
    let connections: Connections

    /// Answers a request, streamed or whole. Nothing is written before the node has said where
    /// the request runs, so every error until then has a status of its own.
    func respond(
        to request: Request, in context: NodeRequestContext, as kind: AnswerKind
    ) async throws -> Response {
        let id = try Self.requestID(request.headers)
        let body = try await Self.body(of: request)
        do throws(APIFailure) {
            let (generation, includesUsage) = try Self.read(body, as: kind, id: id)
            let session = try await open(generation, in: context)
            let heading = AnswerHeading(
                kind: kind, request: id, created: Int64(Date().timeIntervalSince1970),
                choices: generation.choices)
            if generation.streams {
                return Self.stream(
                    session,
                    as: StreamedAnswer(
                        heading: heading, route: session.route, includesUsage: includesUsage))
            }
            return try await Self.whole(session, heading: heading)
        } catch {
            context.logger.debug(
                "request refused",
                metadata: ["request": "\(id)", "reason": "\(error.body.error.message)"])
            var failure = error
            failure.headers[.shoalRequest] = id
            throw failure
        }
    }

    /// The id that the client gave, in lower case, or a new one.
    static func requestID(_ headers: HTTPFields) throws(APIFailure) -> String {
        var ids: Set<String> = []
        for name in [HTTPField.Name.shoalRequest, .idempotencyKey] {
            guard let value = headers[name] else { continue }
            guard value.utf8.count == 32, value.utf8.allSatisfy({ isHexDigit($0) }) else {
                throw APIFailure(
                    .badRequest, code: "invalid_request_id",
                    parameter: name.canonicalName,
                    message: "the header \(name.canonicalName) must be 32 hexadecimal digits")
            }
            ids.insert(value.lowercased())
        }
        guard ids.count < 2 else {
            throw APIFailure(
                .badRequest, code: "invalid_request_id",
                message: "the headers x-shoal-request and idempotency-key differ; send one")
        }
        return ids.first ?? newRequestID()
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        Character(Unicode.Scalar(byte)).isHexDigit
    }

    private static func newRequestID() -> String {
        (0..<16).map { _ in
            let byte = String(UInt8.random(in: 0...255), radix: 16)
            return byte.count == 1 ? "0" + byte : byte
        }.joined()
    }

    /// The body, up to the limit. A body that says it is larger is not read at all.
    static func body(of request: Request) async throws -> Data {
        let limit = NodeAPILimits.bodyBytesMax
        let tooLarge = APIFailure(
            .contentTooLarge, code: "body_too_large",
            message: "the body is over the limit of \(limit) bytes")
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limit {
            throw tooLarge
        }
        do {
            return Data(try await request.body.collect(upTo: limit).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    /// A request that is in order, and whether its stream is to say what it cost.
    private static func read(
        _ body: Data, as kind: AnswerKind, id: String
    ) throws(APIFailure) -> (GenerationRequest, includesUsage: Bool) {
        let prompt: GenerationPrompt
        let options: GenerationOptions
        do throws(OpenAIRequestError) {
            switch kind {
            case .chat:
                let request = try OpenAIJSON.decode(ChatCompletionRequest.self, from: body)
                try request.validate()
                prompt = .chat(request.messages.map { GenerationMessage($0) })
                options = request.options
            case .completion:
                let request = try OpenAIJSON.decode(CompletionRequest.self, from: body)
                try request.validate()
                switch request.prompt {
                case .text(let text): prompt = .text(text)
                case .tokens(let tokens): prompt = .tokens(tokens)
                }
                options = request.options
            }
        } catch {
            throw APIFailure(error)
        }
        var request = GenerationRequest(
            id: id, model: options.model, prompt: prompt, choices: options.n ?? 1,
            sampling: GenerationSampling(options), maxTokens: options.maxTokens,
            stop: options.stop, streams: options.stream)
        request.constraint = GenerationConstraint(options)
        request.priority = options.priority ?? 0
        request.deadline = options.deadline
        return (request, options.streamOptions?.includeUsage ?? false)
    }

    private func open(
        _ request: GenerationRequest, in context: NodeRequestContext
    ) async throws(APIFailure) -> GenerationSession {
        guard let slot = slots.take() else {
            throw APIFailure(
                ServiceError(
                    .overloaded(retryAfterSeconds: NodeAPILimits.retryAfterSeconds),
                    "this node is answering as many requests as it takes at once; try again"))
        }
        do throws(ServiceError) {
            return try await GenerationSession.open(
                request, with: service, slot: slot,
                watch: connections.watch(of: context.channel))
        } catch {
            slot.release()
            guard error.code == .modelNotFound else { throw APIFailure(error) }
            throw APIFailure.modelNotFound(error.message, among: await service.models())
        }
    }

    private static func headers(_ session: GenerationSession, _ id: String) -> HTTPFields {
        [.shoalRequest: id, .shoalNode: session.route.node]
    }

    private static func whole(
        _ session: GenerationSession, heading: AnswerHeading
    ) async throws(APIFailure) -> Response {
        defer { session.finish() }
        var answer = WholeAnswer(heading: heading, route: session.route)
        do throws(ServiceError) {
            while let event = try await session.next() { try answer.handle(event) }
            let text = try answer.end()
            var headers = headers(session, heading.request)
            headers[.contentType] = "application/json"
            headers[.shoalNode] = answer.route.node  // After a failover, the one that finished.
            return Response(
                status: .ok, headers: headers,
                body: .init(byteBuffer: ByteBuffer(string: text)))
        } catch {
            throw APIFailure(error)
        }
    }

    /// A stream always says how it ended: complete with `[DONE]`, or with an error. Only a
    /// client that has gone learns nothing.
    private static func stream(_ session: GenerationSession, as answer: StreamedAnswer) -> Response
    {
        var headers = headers(session, answer.request)
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-cache"
        headers[.accelBuffering] = "no"
        return Response(
            status: .ok, headers: headers,
            body: .init { writer in
                defer { session.finish() }
                var answer = answer
                do {
                    try await write(answer.begin(), to: &writer)
                    while let event = try await session.next() {
                        try await write(answer.handle(event), to: &writer)
                    }
                    let last = try answer.end()
                    // Before the end is visible, so that whoever reads it finds the slot free.
                    session.finish()
                    try await write(last, to: &writer)
                } catch let error as ServiceError {
                    session.finish()
                    try await write(answer.failure(error), to: &writer)
                }
                try await writer.finish(nil)
            })
    }

    private static func write(
        _ text: String, to writer: inout any ResponseBodyWriter
    ) async throws {
        guard !text.isEmpty else { return }
        try await writer.write(ByteBuffer(string: text))
    }
}

extension GenerationMessage {
    init(_ message: ChatMessage) {
        let role: Role =
            switch message.role {
            case .system, .developer: .system  // OpenAI: the one replaces the other.
            case .user: .user
            case .assistant: .assistant
            }
        self.init(role: role, content: message.content)
    }
}

extension GenerationConstraint {
    /// What a request asks for; it has been validated.
    init(_ options: GenerationOptions) {
        if let grammar = options.grammar {
            self = .grammar(grammar)
            return
        }
        switch options.responseFormat {
        case .jsonObject: self = .jsonObject
        case .jsonSchema(_, let schema): self = .jsonSchema(schema)
        case .text, nil: self = .none
        }
    }
}

extension GenerationSampling {
    /// What a request asks for; it has been validated.
    init(_ options: GenerationOptions) {
        self.init(
            temperature: Float(options.temperature ?? 1), topK: options.topK ?? 0,
            // A mass of 0 means the fewest tokens there can be, one; so does any small mass.
            topP: max(Float(options.topP ?? 1), .leastNormalMagnitude),
            minP: Float(options.minP ?? 0), seed: options.seed)
        typicalP = max(Float(options.typicalP ?? 1), .leastNormalMagnitude)
        repetitionPenalty = Float(options.repetitionPenalty ?? 1)
        presencePenalty = Float(options.presencePenalty ?? 0)
        frequencyPenalty = Float(options.frequencyPenalty ?? 0)
        logitBias = options.logitBias.mapValues { Float($0) }
        logprobs = options.logprobs
    }
}
