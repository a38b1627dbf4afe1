import Sampling
import Tokenizer

/// One request with its prompt encoded and everything checked.
struct PreparedRequest: Sendable {
    let request: EngineRequest
    let promptTokens: [Int32]
    /// The most tokens of each answer: what was asked for, or what the context leaves.
    let answerTokensMax: Int

    /// Checks `request` against a model's sizes.
    init(
        _ request: EngineRequest, tokenizer: any TokenizerProtocol, contextLength: Int,
        vocabularySize: Int
    ) throws(EngineError) {
        guard request.id.utf8.count <= EngineLimits.requestIDBytesMax else {
            throw .invalidRequest(
                field: "id", reason: "longer than \(EngineLimits.requestIDBytesMax) bytes")
        }
        guard (1...EngineLimits.choicesMax).contains(request.choices) else {
            throw .invalidRequest(
                field: "n", reason: "\(request.choices) is not from 1 to \(EngineLimits.choicesMax)"
            )
        }
        guard request.maxTokens ?? 0 >= 0 else {
            throw .invalidRequest(field: "max_tokens", reason: "it is negative")
        }
        do {
            try request.sampling.validate()
            _ = try StopMatcher(request.stop)
        } catch { throw EngineError(error) }
        guard request.generated.isEmpty || request.generated.count == request.choices else {
            throw .invalidRequest(
                field: "generated",
                reason: "\(request.generated.count) continuations for \(request.choices) choices")
        }
        let tokens = try Self.encode(request.prompt, tokenizer)
        for token in [tokens] + request.generated {
            if let wrong = token.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
                throw .tokenOutOfRange(token: wrong, vocabularySize: vocabularySize)
            }
        }
        guard !tokens.isEmpty else { throw .emptyPrompt }
        guard tokens.count < contextLength else {
            throw .promptTooLong(tokens: tokens.count, limit: contextLength - 1)
        }
        let room = contextLength - tokens.count
        if let longest = request.generated.map(\.count).max(), longest > room {
            throw .invalidRequest(
                field: "generated", reason: "\(longest) tokens where the context leaves \(room)")
        }
        self.request = request
        promptTokens = tokens
        answerTokensMax = min(room, request.maxTokens ?? room)
    }

    private static func encode(
        _ prompt: EnginePrompt, _ tokenizer: any TokenizerProtocol
    ) throws(EngineError) -> [Int32] {
        do {
            switch prompt {
            case .tokens(let tokens): return tokens
            case .text(let text):
                return try tokenizer.encode(text, addSpecial: true, parseSpecial: false)
            case .chat(let messages):
                return try tokenizer.encode(
                    try ChatTemplate.plain.render(messages), addSpecial: true, parseSpecial: false)
            }
        } catch { throw .tokenizer(error) }
    }
}

/// Runs one prepared request on the calling thread.
struct Generation {
    let prepared: PreparedRequest
    let model: any SequenceModel
    let tokenizer: any TokenizerProtocol
    let chunkTokens: Int
    /// What the keys and values may take, in bytes.
    let availableBytes: Int

    private var request: EngineRequest { prepared.request }

    /// Emits tokens, the end of each choice, and `completed`. Throws what ended it early.
    func run(
        isCancelled: () -> Bool, emit: (EngineEvent) -> Void
    ) throws(EngineError) {
        let clock = ContinuousClock()
        let capacity = prepared.promptTokens.count + prepared.answerTokensMax
        let needed = model.sessionBytes(capacity: capacity, kv: request.kv)
        guard needed <= availableBytes else {
            throw .notEnoughMemory(
                what: "a context of \(capacity) tokens", neededBytes: needed,
                availableBytes: availableBytes)
        }
        var usage = EngineUsage(
            promptTokens: prepared.promptTokens.count, generatedTokens: 0, prefillSeconds: 0,
            decodeSeconds: 0)
        let session = try model.makeSession(capacity: capacity, kv: request.kv)
        let start = clock.now
        let promptLogits = try session.forward(
            chunked: prepared.promptTokens, chunkTokens: chunkTokens, isCancelled: isCancelled)
        usage.prefillSeconds = (clock.now - start).seconds
        for choice in 0..<UInt32(request.choices) {
            // Choices share the prompt's keys and values; the last one's own are forgotten.
            session.truncate(to: prepared.promptTokens.count)
            let reason = try answer(
                choice, session, promptLogits, &usage, isCancelled: isCancelled, emit: emit)
            emit(.finished(choice: choice, reason: reason))
        }
        emit(.completed(usage))
    }

    /// One choice from its first token, or from where it was left.
    private func answer(
        _ choice: UInt32, _ session: any SequenceSession, _ promptLogits: [Float],
        _ usage: inout EngineUsage, isCancelled: () -> Bool, emit: (EngineEvent) -> Void
    ) throws(EngineError) -> FinishReason {
        let clock = ContinuousClock()
        let sampler: Sampler
        var matcher: StopMatcher
        do {
            sampler = try Sampler(parameters: request.sampling, choice: choice)
            matcher = try StopMatcher(request.stop)
        } catch { throw EngineError(error) }
        var decoder = StreamingDecoder()
        let generated = request.generated.isEmpty ? [] : request.generated[Int(choice)]
        // A stop string may begin in what was delivered and end in what comes.
        for token in generated
        where matcher.append(decoder.append(tokenizer.bytes(of: token))).stopped {
            return .stopString
        }
        var index = generated.count
        guard index < prepared.answerTokensMax else { return .length }
        var logits = promptLogits
        if !generated.isEmpty {
            let start = clock.now
            logits = try session.forward(
                chunked: generated, chunkTokens: chunkTokens, isCancelled: isCancelled)
            usage.prefillSeconds += (clock.now - start).seconds
        }
        let start = clock.now
        defer { usage.decodeSeconds += (clock.now - start).seconds }
        while true {
            guard !isCancelled() else { throw .cancelled }
            let token: Int32
            do { token = try sampler.sample(logits: logits, index: UInt32(index)) } catch {
                throw EngineError(error)
            }
            guard !tokenizer.isEndOfGeneration(token) else { return .stop }
            let bytes = tokenizer.bytes(of: token)
            emit(.token(choice: choice, index: UInt32(index), id: token, bytes: bytes))
            index += 1
            usage.generatedTokens += 1
            if matcher.append(decoder.append(bytes)).stopped { return .stopString }
            guard index < prepared.answerTokensMax else { return .length }
            logits = try session.forward([token], everyRow: false, isCancelled: isCancelled)
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
