import Gossip
public import Mesh
public import Wire

/// The one right answer to a request: a pure function of the request and the place in it, as a real
/// executor's answer is of the request, the model and the numerics.
public enum SimulatedAnswer {
    /// The token at `index` of `choice`.
    public static func token(_ request: RequestID, choice: UInt32, index: UInt32) -> Int32 {
        Int32(mixed(key(request, choice) &+ UInt64(index) &* 0x9e37_79b9) % 32_000)
    }

    /// How many tokens `choice` has, at most `limit`, and why it ends.
    public static func end(
        _ request: RequestID, choice: UInt32, limit: Int
    ) -> (tokens: Int, reason: FinishReason) {
        let wanted = Int(mixed(key(request, choice) ^ 0xe0d) % UInt64(limit + limit / 2 + 1))
        return wanted < limit ? (wanted, .endOfText) : (limit, .length)
    }

    /// The ids of a prompt: its bytes.
    public static func tokens(of prompt: InferenceRequest.Prompt) -> [Int32] {
        switch prompt {
        case .tokens(let tokens): tokens
        case .text(let text): text.utf8.map(Int32.init)
        case .chat(let turns): turns.flatMap { $0.content.utf8.map(Int32.init) }
        }
    }

    private static func key(_ request: RequestID, _ choice: UInt32) -> UInt64 {
        mixed(request.high ^ mixed(request.low ^ UInt64(choice) << 32))
    }
}

/// A node's executor: a bounded queue, one request at a time, seeded service times. The answer's
/// messages are laid out when a request is taken in; time only decides when each is sent.
struct SimulatedExecutor: Sendable {
    /// A request that waits or runs.
    struct Job: Sendable {
        let serial: Int
        let stream: Int
        var messages: [InferenceMessage]
        var position = 0
    }

    let models: [ModelOffer]
    let queueLimit: Int
    let failures: Double
    private(set) var jobs: [Job] = []
    private var serials = 0
    private var random: SeededRandom

    init(models: [ModelOffer], queueLimit: Int, failures: Double, random: SeededRandom) {
        self.models = models
        self.queueLimit = queueLimit
        self.failures = failures
        self.random = random
    }

    /// Takes a request in, or refuses it; the answer to send at once.
    mutating func take(_ request: InferenceRequest, stream: Int) -> InferenceMessage {
        let prompt = SimulatedAnswer.tokens(of: request.prompt)
        if let refusal = refusal(of: request, promptTokens: prompt.count) {
            return .refused(refusal)
        }
        serials += 1
        jobs.append(
            Job(
                serial: serials, stream: stream,
                messages: answer(to: request, promptTokens: prompt.count)))
        return .accepted(promptTokens: prompt)
    }

    private func refusal(
        of request: InferenceRequest, promptTokens: Int
    ) -> InferenceRefusal? {
        guard request.hops <= 1 else {
            return InferenceRefusal(code: .badRequest, message: "forwarded more than once")
        }
        guard let model = models.first(where: { $0.digest == request.model }) else {
            return InferenceRefusal(code: .modelNotHere, message: "the model is not here")
        }
        guard promptTokens < Int(model.contextLength) else {
            return InferenceRefusal(code: .promptTooLong, message: "the prompt is too long")
        }
        guard jobs.count < queueLimit else {
            return InferenceRefusal(
                code: .overloaded, retryAfterMilliseconds: 1000, message: "the queue is full")
        }
        return nil
    }

    /// How long until the head's next message: a prefill before the first.
    mutating func nextDelay() -> Duration? {
        guard let head = jobs.first else { return nil }
        return head.position == 0
            ? random.duration(in: .milliseconds(20) ... .milliseconds(400))
            : random.duration(in: .milliseconds(5) ... .milliseconds(40))
    }

    /// The head's next message. The job leaves with its last one.
    mutating func step() -> (stream: Int, message: InferenceMessage)? {
        guard let head = jobs.first else { return nil }
        jobs[0].position += 1
        if jobs[0].position == head.messages.count { jobs.removeFirst() }
        return (head.stream, head.messages[head.position])
    }

    /// Forgets a request whose client is gone. Whether it was the one that ran.
    mutating func cancel(stream: Int) -> Bool {
        let wasHead = jobs.first?.stream == stream
        jobs.removeAll { $0.stream == stream }
        return wasHead
    }

    /// All messages after the acceptance: the choices interleaved by chance, in frames of one to
    /// four, each choice ended, and the usage last; or cut off by a failure.
    private mutating func answer(
        to request: InferenceRequest, promptTokens: Int
    ) -> [InferenceMessage] {
        let limit = Int(request.maxTokens ?? UInt32(SimulationLimits.answerTokensMax))
        var next = request.generated.map { $0.count }
        let ends = (0..<request.choices).map {
            SimulatedAnswer.end(request.id, choice: UInt32($0), limit: limit)
        }
        var open = Array(0..<request.choices)
        var messages: [InferenceMessage] = []
        var generated: UInt32 = 0
        while !open.isEmpty {
            let place = Int.random(in: open.indices, using: &random)
            let choice = open[place]
            let left = max(0, ends[choice].tokens - next[choice])
            let most = min(left, SimulationLimits.answerFramesMax)
            if most > 0 {
                let count = Int.random(in: 1...most, using: &random)
                // Now and then a frame is told again: it must not reach the client twice.
                let first = random.happens(0.05) ? max(0, next[choice] - 1) : next[choice]
                let frames = (first..<next[choice] + count).map { index in
                    let token = SimulatedAnswer.token(
                        request.id, choice: UInt32(choice), index: UInt32(index))
                    return TokenFrame(
                        request: request.id, choice: UInt32(choice), index: UInt32(index),
                        token: token, bytes: [UInt8(truncatingIfNeeded: token)])
                }
                messages.append(.tokens(frames))
                next[choice] += count
                generated += UInt32(count)
            }
            if next[choice] >= ends[choice].tokens {
                messages.append(
                    .finished(
                        request: request.id, choice: UInt32(choice), reason: ends[choice].reason))
                open.remove(at: place)
            }
        }
        messages.append(
            .completed(
                request: request.id,
                usage: InferenceUsage(
                    promptTokens: UInt32(promptTokens), generatedTokens: generated,
                    prefillMicroseconds: 0, decodeMicroseconds: 0)))
        if random.happens(failures) {
            let cut = Int.random(in: messages.indices, using: &random)
            messages.replaceSubrange(
                cut...,
                with: [.refused(InferenceRefusal(code: .failed, message: "the pass failed"))])
        }
        return messages
    }
}
