import Sampling
import Tokenizer

/// One answer on its way: from logits to tokens, until it ends. A value, so that a pass that is
/// repeated can begin from where it was.
struct ChoiceRun: Sendable {
    let choice: UInt32
    /// The tokens it was continued from.
    let generated: [Int32]
    /// Why it ended; nil while it goes on.
    private(set) var reason: FinishReason?
    private let sampler: Sampler
    private var workspace = SamplerWorkspace()
    private var constraint: ConstraintRun?
    private var matcher: StopMatcher
    private var decoder = StreamingDecoder()
    private let answerTokensMax: Int
    /// The prompt's tokens and then the answer's.
    private var history: [Int32]
    private let promptCount: Int
    /// Tokens of the answer so far.
    private var index: Int { history.count - promptCount }

    /// The choice at its beginning, or after the tokens it is continued from.
    init(
        _ choice: UInt32, of request: EngineRequest, prompt: [Int32], answerTokensMax: Int,
        constraint: AnswerConstraint?, model: RequestModel
    ) throws(EngineError) {
        self.choice = choice
        self.answerTokensMax = answerTokensMax
        generated = request.generated.isEmpty ? [] : request.generated[Int(choice)]
        self.constraint = constraint?.begin()
        history = prompt
        promptCount = prompt.count
        do {
            sampler = try Sampler(parameters: request.effectiveSampling, choice: choice)
            matcher = try StopMatcher(request.stop)
        } catch { throw EngineError(error) }
        // A stop string may begin in what was delivered and end in what comes.
        for token in generated where reason == nil {
            guard take(token, model.tokenizer.bytes(of: token)) else {
                throw .invalidRequest(
                    field: "generated", reason: "it does not follow the constraint")
            }
        }
        if reason == nil, index >= answerTokensMax { reason = .length }
    }

    /// Adds a token to the answer; false if the constraint does not allow it.
    private mutating func take(_ token: Int32, _ bytes: [UInt8]) -> Bool {
        guard constraint?.advance(bytes) ?? true else { return false }
        history.append(token)
        if matcher.append(decoder.append(bytes)).stopped {
            reason = .stopString
        } else if index >= answerTokensMax {
            reason = .length
        }
        return true
    }

    /// Samples from rows of logits, one after the other, as long as each token is the one guessed.
    /// Gives the tokens to be run next and their events.
    mutating func sample(
        rows: [Float], guesses: ArraySlice<Int32>, model: RequestModel
    ) -> (tokens: SampledTokens, events: [EngineEvent]) {
        var result = SampledTokens(tokens: [])
        var events: [EngineEvent] = []
        let size = model.vocabularySize
        for row in 0...guesses.count {
            let sampled: SampledToken?
            do throws(SamplingError) {
                sampled = try sample(rows, from: row * size, count: size)
            } catch {
                result.failure = EngineError(error)
                return (result, events)
            }
            guard let sampled, !model.tokenizer.isEndOfGeneration(sampled.id) else {
                reason = .stop
                break
            }
            let bytes = model.tokenizer.bytes(of: sampled.id)
            events.append(
                .token(
                    choice: choice, index: UInt32(index), id: sampled.id, bytes: bytes,
                    logprobs: EngineLogprobs(sampled, model.tokenizer)))
            guard take(sampled.id, bytes) else {
                // It was among those allowed.
                result.failure = .model(reason: "a token left the constraint that allowed it")
                return (result, events)
            }
            result.tokens.append(sampled.id)
            guard reason == nil, row < guesses.count,
                guesses[guesses.startIndex + row] == sampled.id
            else { break }
        }
        if let reason {
            result.hasEnded = true
            events.append(.finished(choice: choice, reason: reason))
        }
        return (result, events)
    }

    /// The next token; nil where the constraint allows none, since its text is complete and the
    /// vocabulary has no token that ends an answer.
    private mutating func sample(
        _ rows: [Float], from first: Int, count: Int
    ) throws(SamplingError) -> SampledToken? {
        let allowed = constraint?.allowed()
        if let allowed, allowed.isEmpty, constraint?.mayEnd ?? false { return nil }
        var workspace = workspace
        self.workspace = SamplerWorkspace()
        defer { self.workspace = workspace }
        let result = rows.withUnsafeBufferPointer { rows in
            Result { () throws(SamplingError) in
                try sampler.sample(
                    logits: UnsafeBufferPointer(rebasing: rows[first..<first + count]),
                    index: UInt32(index), history: history, allowed: allowed,
                    workspace: &workspace)
            }
        }
        return try result.get()
    }
}

extension EngineLogprobs {
    /// What came with a token; nil if it was not asked for.
    fileprivate init?(_ token: SampledToken, _ tokenizer: any TokenizerProtocol) {
        guard let logprob = token.logprob else { return nil }
        self.init(
            logprob: logprob,
            top: token.top.map {
                Alternative(id: $0.id, bytes: tokenizer.bytes(of: $0.id), logprob: $0.logprob)
            })
    }
}

extension EngineRequest {
    /// The parameters, with the request's own wish for log probabilities.
    var effectiveSampling: SamplingParameters {
        var parameters = sampling
        if let logprobs { parameters.logprobs = logprobs }
        return parameters
    }
}
