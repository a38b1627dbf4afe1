/// What becomes of a step.
extension Scheduler {
    /// The step under way ran.
    ///
    /// - Parameters:
    ///   - outcomes: One for each entry of the step.
    ///   - seconds: What it took.
    mutating func complete(_ outcomes: [EntryOutcome], seconds: Double) -> [SchedulerEffect] {
        guard let step = underway else { return [] }
        underway = nil
        measure(step, outcomes, seconds: seconds)
        var effects: [SchedulerEffect] = []
        for (entry, outcome) in zip(step.entries, outcomes) {
            // One that ended meanwhile is not here any more.
            guard requests[entry.sequence.request] != nil else { continue }
            switch outcome {
            case .failed(let error):
                remove(entry.sequence.request)
                effects.append(.ended(request: entry.sequence.request, error))
            case .ran(let samples):
                advance(entry, samples)
                effects += take(samples, for: entry)
            }
        }
        return effects
    }

    /// The step under way was given up; what it would have done is planned again.
    mutating func abort() { underway = nil }

    /// The keys and values of an entry's tokens are now in its pages.
    private mutating func advance(_ entry: Step.Entry, _ samples: [SampledTokens]) {
        let id = entry.sequence
        guard var sequence = sequences[id], let request = requests[id.request] else { return }
        // Of the guesses, those that held: their keys and values are those of the tokens.
        let held = entry.draftCount > 0 ? max((samples.first?.tokens.count ?? 1) - 1, 0) : 0
        sequence.computed =
            entry.start + entry.tokens.count - entry.draftCount + min(held, entry.draftCount)
        if entry.draftCount > 0 {
            speculation.record(
                &sequence.speculation, drafted: entry.draftCount,
                held: min(held, entry.draftCount))
        }
        let fresh = sequence.computed - max(sequence.charged, entry.start)
        if fresh > 0, entry.rows != .all {
            let isPrompt = entry.start < request.promptCount || entry.tokens.count > 1
            if isPrompt { fair.charge(request.caller, promptTokens: fresh, madeTokens: 0) }
        }
        sequence.charged = max(sequence.charged, sequence.computed)
        sequences[id] = sequence
        if !request.isForked, request.leader == id.choice,
            sequence.computed >= request.promptCount
        {
            fork(id)
        }
        if entry.draftCount == 0 { register(id) }
    }

    /// Every choice gets its share of the prompt's pages.
    private mutating func fork(_ leader: SequenceID) {
        guard let source = sequences[leader], var request = requests[leader.request] else { return }
        request.isForked = true
        requests[leader.request] = request
        let shared = source.pages.prefix(pool.pages(for: request.promptCount))
        for id in followers(of: leader) {
            guard var sequence = sequences[id] else { continue }
            if active.count < configuration.sequencesMax {
                for page in shared { pool.share(page) }
                sequence.pages = Array(shared)
                sequence.computed = request.promptCount
                sequence.state = .active
            } else {
                sequence.state = .parked
            }
            sequence.charged = request.promptCount
            sequences[id] = sequence
        }
    }

    /// Registers the pages that are full and certain.
    private mutating func register(_ id: SequenceID) {
        guard var sequence = sequences[id], sequence.state == .active else { return }
        let size = configuration.pagePositions
        while (sequence.registered + 1) * size <= sequence.computed {
            let first = sequence.registered * size
            sequence.link = pool.register(
                sequence.pages[sequence.registered], after: sequence.link,
                tokens: sequence.tokens[first..<first + size])
            sequence.registered += 1
        }
        sequences[id] = sequence
    }

    /// The tokens sampled from an entry's logits go to their sequences.
    private mutating func take(
        _ samples: [SampledTokens], for entry: Step.Entry
    ) -> [SchedulerEffect] {
        let id = entry.sequence.request
        for (sequence, sample) in zip(entry.sampled, samples) {
            if let failure = sample.failure {
                remove(id)
                return [.ended(request: id, failure)]
            }
            guard let caller = requests[id]?.caller else { return [] }
            sequences[sequence]?.tokens += sample.tokens
            fair.charge(caller, promptTokens: 0, madeTokens: sample.tokens.count)
            if entry.draftCount > 0 { register(sequence) }
            if sample.hasEnded {
                removeSequence(sequence)
                requests[id]?.open.removeAll { $0 == sequence.choice }
            }
        }
        guard requests[id]?.open.isEmpty ?? false else { return [] }
        remove(id)
        return [.completed(request: id)]
    }

    private mutating func measure(
        _ step: Step, _ outcomes: [EntryOutcome], seconds: Double
    ) {
        var made = 0
        for case .ran(let samples) in outcomes {
            made += samples.reduce(0) { $0 + $1.tokens.count }
        }
        let decoding = step.entries.count { $0.tokens.count - $0.draftCount == 1 }
        let rows = step.rowCount
        if decoding == step.entries.count {
            speculation.measured(rows: rows, seconds: seconds)
            rates.decoded(tokens: made, seconds: seconds)
        } else {
            budget.measured(rows: rows, seconds: seconds)
            rates.ranPrompts(
                tokens: rows - decoding - step.draftRows, of: rows, seconds: seconds)
        }
    }
}

/// How fast steps were lately, for those who choose between machines.
struct StepRates: Sendable, Hashable {
    /// Tokens of prompts a second, beside what was decoded with them; nil before the first.
    private(set) var promptTokensPerSecond: Double?
    /// Tokens made a second by steps that only decode, all sequences together; nil before the
    /// first.
    private(set) var madeTokensPerSecond: Double?
    /// Seconds of a step that only decodes: the time from one token of a sequence to the next.
    private(set) var decodeStepSeconds: Double?

    mutating func decoded(tokens: Int, seconds: Double) {
        guard tokens > 0, seconds > 0 else { return }
        Self.approach(&madeTokensPerSecond, Double(tokens) / seconds)
        Self.approach(&decodeStepSeconds, seconds)
    }

    mutating func ranPrompts(tokens: Int, of rows: Int, seconds: Double) {
        guard tokens > 0, rows > 0, seconds > 0 else { return }
        // The time is shared out by rows.
        Self.approach(&promptTokensPerSecond, Double(rows) / seconds)
    }

    private static func approach(_ value: inout Double?, _ news: Double) {
        value = value.map { $0 + (news - $0) / 8 } ?? news
    }
}
