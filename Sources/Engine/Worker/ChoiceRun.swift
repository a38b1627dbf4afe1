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
    private var matcher: StopMatcher
    private var decoder = StreamingDecoder()
    private let answerTokensMax: Int
    private let wantsLogprobs: Bool
    /// Tokens of the answer so far.
    private var index: Int

    /// The choice at its beginning, or after the tokens it is continued from.
    init(
        _ choice: UInt32, of request: EngineRequest, prompt: [Int32], answerTokensMax: Int,
        model: RequestModel
    ) throws(EngineError) {
        self.choice = choice
        self.answerTokensMax = answerTokensMax
        generated = request.generated.isEmpty ? [] : request.generated[Int(choice)]
        wantsLogprobs = request.logprobs != nil
        index = generated.count
        do {
            sampler = try Sampler(parameters: request.sampling, choice: choice)
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
            let token: Int32
            do {
                token = try sampler.sample(
                    logits: Array(rows[first..<first + size]), index: UInt32(index))
            } catch {
                result.failure = EngineError(error)
                return (result, events)
            }
            guard !model.tokenizer.isEndOfGeneration(token) else {
                reason = .stop
                break
            }
            let bytes = model.tokenizer.bytes(of: token)
            events.append(.token(choice: choice, index: UInt32(index), id: token, bytes: bytes))
            result.tokens.append(token)
            index += 1
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
