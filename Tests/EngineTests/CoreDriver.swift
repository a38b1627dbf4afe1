import Model

@testable import Engine

/// A generator of test data: SplitMix64 (Steele et al. 2014).
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Drives a ``Scheduler`` by hand: pages are arrays of tokens, the model is a function of all
/// tokens before, the clock is a number. What a step reads back from its pages is compared with
/// what the sequence is known to be.
struct CoreDriver {
    var scheduler: Scheduler
    var clock = 0.0
    /// Seconds a step takes for each of its rows.
    var secondsPerRow = 0.001
    private(set) var submissions: [Int: Submission] = [:]
    /// What sequences were given, those they were continued from included.
    private(set) var answers: [SequenceID: [Int32]] = [:]
    private(set) var ends: [Int: EngineError?] = [:]
    /// In the order they ended.
    private(set) var endOrder: [Int] = []
    private(set) var faults: [String] = []
    private(set) var steps: [Step] = []
    private var store: [[Int32]] = []
    private var generation = 0
    private let size: Int

    init(
        pages: Int, positions: Int = 4, sequences: Int = 8, queue: Int = 8, prompt: Int = 16,
        speculation: SpeculationMode = .off
    ) {
        size = positions
        scheduler = Scheduler(
            Scheduler.Configuration(
                queuedRequestsMax: queue, sequencesMax: sequences, promptTokensMax: prompt,
                pageCounts: [.f32: max(1, pages / 2), .f16: pages], pagePositions: positions,
                speculation: speculation))
    }

    /// The token after `tokens`: -1 for the end. Answers repeat themselves now and then.
    static func next(_ tokens: [Int32], choice: UInt32) -> Int32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(choice)
        for token in tokens { hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01B3 }
        hash ^= hash >> 29
        if tokens.count > 6, hash % 3 > 0 { return tokens[tokens.count - 5] }
        return hash % 41 == 0 ? -1 : Int32(hash % 97)
    }

    /// What a sequence gets when it is alone.
    static func alone(_ submission: Submission, _ index: Int) -> [Int32] {
        let (choice, generated) = submission.choices[index]
        var answer = generated
        while answer.count < submission.answerTokensMax {
            let token = next(submission.prompt + answer, choice: choice)
            if token < 0 { break }
            answer.append(token)
        }
        return answer
    }

    @discardableResult
    mutating func submit(_ submission: Submission) throws(EngineError) -> Int {
        let (request, effects) = try scheduler.submit(submission, now: clock)
        submissions[request] = submission
        for (choice, generated) in submission.choices {
            answers[SequenceID(request: request, choice: choice)] = generated
        }
        note(effects)
        return request
    }

    mutating func cancel(_ request: Int) {
        if scheduler.cancel(request) { end(request, .cancelled) }
    }

    private mutating func end(_ request: Int, _ error: EngineError?) {
        if ends.keys.contains(request) { faults.append("request \(request) ended twice") }
        ends[request] = .some(error)
        endOrder.append(request)
    }

    private mutating func note(_ effects: [SchedulerEffect]) {
        for effect in effects {
            switch effect {
            case .completed(let request): end(request, nil)
            case .ended(let request, let error): end(request, error)
            }
        }
    }

    /// Plans a step; `meanwhile` happens while it runs. False where there was nothing to run.
    @discardableResult
    mutating func step(
        abort: Bool = false, meanwhile: (inout CoreDriver) -> Void = { _ in }
    ) -> Bool {
        let (effects, step) = scheduler.plan(now: clock)
        note(effects)
        guard let step else { return false }
        steps.append(step)
        prepare(step)
        let logits = abort ? [] : step.entries.map { run($0) }
        meanwhile(&self)
        clock += secondsPerRow * Double(step.rowCount)
        if abort {
            scheduler.abort()
            return true
        }
        var outcomes: [EntryOutcome] = []
        for (entry, tokens) in zip(step.entries, logits) {
            outcomes.append(.ran(entry.sampled.map { sample($0, entry, tokens) }))
        }
        note(
            scheduler.complete(outcomes, seconds: secondsPerRow * Double(step.rowCount)))
        return true
    }

    private mutating func prepare(_ step: Step) {
        if step.pages.generation != generation {
            generation = step.pages.generation
            store = Array(repeating: Array(repeating: -1, count: size), count: step.pages.count)
        }
        for copy in step.copies { store[Int(copy.to)] = store[Int(copy.from)] }
        var holders: [Int32: Int] = [:]
        for sequence in scheduler.sequences.values {
            for page in sequence.pages { holders[page, default: 0] += 1 }
        }
        for entry in step.entries {
            let end = entry.start + entry.tokens.count
            if entry.pages.count * size < end { faults.append("pages do not cover the tokens") }
            for place in entry.start / size...(end - 1) / size
            where holders[entry.pages[place]] != 1 {
                faults.append("a shared page is written")
            }
        }
    }

    /// Writes an entry's tokens and gives what its pages then hold.
    private mutating func run(_ entry: Step.Entry) -> [Int32] {
        for (offset, token) in entry.tokens.enumerated() {
            let position = entry.start + offset
            store[Int(entry.pages[position / size])][position % size] = token
        }
        let end = entry.start + entry.tokens.count
        let held = (0..<end).map { store[Int(entry.pages[$0 / size])][$0 % size] }
        let prompt = submissions[entry.sequence.request]?.prompt ?? []
        let known = (prompt + (answers[entry.sequence] ?? [])).prefix(end - entry.draftCount)
        if !held.prefix(end - entry.draftCount).elementsEqual(known) {
            faults.append("\(entry.sequence) reads tokens that are not its own")
        }
        return held
    }

    private mutating func sample(
        _ id: SequenceID, _ entry: Step.Entry, _ held: [Int32]
    ) -> SampledTokens {
        var result = SampledTokens(tokens: [])
        guard let submission = submissions[id.request] else { return result }
        for row in 0...entry.draftCount {
            let read = Array(held.prefix(held.count - entry.draftCount + row))
            let token = Self.next(read, choice: id.choice)
            if token < 0 {
                result.hasEnded = true
                return result
            }
            result.tokens.append(token)
            // One that ended meanwhile has no reader any more.
            if ends[id.request] == nil { answers[id]?.append(token) }
            let made = read.count + 1 - submission.prompt.count
            if made >= submission.answerTokensMax { result.hasEnded = true }
            if result.hasEnded || row == entry.draftCount || token != held[read.count] { break }
        }
        return result
    }

    /// What is wrong now: faults so far, or books that don't agree.
    var fault: String? {
        if let first = faults.first { return first }
        if scheduler.queuedCount > scheduler.configuration.queuedRequestsMax {
            return "the queue is over its bound"
        }
        for (id, sequence) in scheduler.sequences where scheduler.requests[id.request] == nil {
            return "\(id) of no request, \(sequence.state)"
        }
        if scheduler.active.count > scheduler.configuration.sequencesMax {
            return "too many sequences run"
        }
        return scheduler.pool.inconsistency(
            held: scheduler.sequences.values.map(\.pages))
    }

    /// Compares all answers with those alone: equal where complete, a beginning where not.
    var wrongAnswer: String? {
        for (request, submission) in submissions {
            for (index, choice) in submission.choices.enumerated() {
                let alone = Self.alone(submission, index)
                let given = answers[SequenceID(request: request, choice: choice.choice)] ?? []
                let isComplete = ends[request].map { $0 == nil } ?? false
                guard isComplete ? given == alone : alone.starts(with: given) else {
                    return "request \(request) choice \(choice.choice): \(given) not \(alone)"
                }
            }
        }
        return nil
    }
}
