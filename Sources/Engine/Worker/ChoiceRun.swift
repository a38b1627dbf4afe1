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
    private var sampler: Sampler
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
        model: RequestModel
    ) throws(EngineError) {
        self.choice = choice
        self.answerTokensMax = answerTokensMax
        generated = request.generated.isEmpty ? [] : request.generated[Int(choice)]
        history = prompt + generated
        promptCount = prompt.count
        do {
            sampler = try Sampler(
                parameters: request.effectiveSampling, choice: choice)
            matcher = try StopMatcher(request.stop)
        } catch { throw EngineError(error) }
        // A stop string may begin in what was delivered and end in what comes.
        for token in generated {
            if matcher.append(decoder.append(model.tokenizer.bytes(of: token))).stopped {
                reason = .stopString
                return
            }
        }
        if index >= answerTokensMax { reason = .length }
    }

    /// Samples from rows of logits, one after the other, as long as each token is the one guessed.
    /// Gives the tokens to be run next and their events.
    mutating func sample(
        rows: ArraySlice<Float>, guesses: ArraySlice<Int32>, model: RequestModel
    ) -> (tokens: SampledTokens, events: [EngineEvent]) {
        var result = SampledTokens(tokens: [])
        var events: [EngineEvent] = []
        let size = model.vocabularySize
        for row in 0...guesses.count {
            let first = rows.startIndex + row * size
            let sampled: SampledToken
            do {
                sampled = try sampler.sample(
                    logits: rows.count == size ? Array(rows) : Array(rows[first..<first + size]),
                    index: UInt32(index), history: history)
            } catch {
                result.failure = EngineError(error)
                return (result, events)
            }
            let token = sampled.id
            guard !model.tokenizer.isEndOfGeneration(token) else {
                reason = .stop
                break
            }
            let bytes = model.tokenizer.bytes(of: token)
            events.append(
                .token(
                    choice: choice, index: UInt32(index), id: token, bytes: bytes,
                    logprobs: EngineLogprobs(sampled, model.tokenizer)))
            result.tokens.append(token)
            history.append(token)
            if matcher.append(decoder.append(bytes)).stopped {
                reason = .stopString
            } else if index >= answerTokensMax {
                reason = .length
            }
            guard reason == nil, row < guesses.count,
                guesses[guesses.startIndex + row] == token
            else { break }
        }
        if let reason {
            result.hasEnded = true
            events.append(.finished(choice: choice, reason: reason))
        }
        return (result, events)
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
