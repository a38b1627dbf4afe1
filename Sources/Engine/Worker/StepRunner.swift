import Sampling

/// Runs steps and samples from what they give: the part of the worker that touches the model.
/// Used by the worker thread alone.
final class StepRunner {
    /// What became of a step.
    struct Result {
        var outcomes: [EntryOutcome]
        var events: [(request: Int, event: EngineEvent)]
    }

    /// Where a request stands.
    private struct Progress {
        var choices: [UInt32: ChoiceRun]
        var usage: EngineUsage
        var firstPass: Double
        var firstToken: Double?
    }

    private let model: any BatchModel
    private let requestModel: RequestModel
    private var runner: (any BatchRunner)?
    private var pages: Step.Pages?
    private var progress: [Int: Progress] = [:]

    init(model: any BatchModel, requestModel: RequestModel) {
        self.model = model
        self.requestModel = requestModel
    }

    /// Makes known a request that a step runs for the first time.
    func begin(_ request: Int, _ prepared: PreparedRequest, cachedTokens: Int, now: Double) {
        guard progress[request] == nil else { return }
        progress[request] = Progress(
            choices: Dictionary(uniqueKeysWithValues: prepared.choices.map { ($0.choice, $0) }),
            usage: EngineUsage(
                promptTokens: prepared.promptTokens.count, generatedTokens: 0,
                cachedPromptTokens: cachedTokens, prefillSeconds: 0, decodeSeconds: 0),
            firstPass: now)
    }

    /// Forgets requests that are not here any more.
    func keep(where isHere: (Int) -> Bool) {
        progress = progress.filter { isHere($0.key) }
    }

    /// What a request took, up to `now`.
    func usage(of request: Int, now: Double) -> EngineUsage? {
        guard let progress = progress[request] else { return nil }
        var usage = progress.usage
        let first = progress.firstToken ?? now
        usage.prefillSeconds = first - progress.firstPass
        usage.decodeSeconds = now - first
        return usage
    }

    /// Runs a step; nil where it was given up.
    func run(_ step: Step, isCancelled: () -> Bool, now: () -> Double) -> Result? {
        let runner: any BatchRunner
        do { runner = try self.runner(for: step.pages) } catch {
            return Result(outcomes: step.entries.map { _ in .failed(error) }, events: [])
        }
        for copy in step.copies { runner.copy(page: copy.from, to: copy.to) }
        guard let logits = forward(step.entries, runner, isCancelled) else { return nil }
        return sample(step, logits, runner, now: now())
    }

    private func runner(for pages: Step.Pages) throws(EngineError) -> any BatchRunner {
        if let runner, pages == self.pages { return runner }
        // The old pages go before new ones are taken.
        runner = nil
        let new = try model.makeRunner(pageCount: pages.count, kv: pages.kv)
        (runner, self.pages) = (new, pages)
        return new
    }

    private typealias Logits = Swift.Result<[Float], EngineError>

    /// The logits of each entry; nil where the step was given up. When something is wrong with one
    /// entry only that one fails: each then runs alone.
    private func forward(
        _ entries: [Step.Entry], _ runner: any BatchRunner, _ isCancelled: () -> Bool
    ) -> [Logits]? {
        do throws(EngineError) {
            return try runner.forward(entries, isCancelled: isCancelled).map { .success($0) }
        } catch {
            if error == .cancelled { return nil }
            if entries.count == 1 { return [.failure(error)] }
        }
        var result: [Logits] = []
        for entry in entries {
            guard let alone = forward([entry], runner, isCancelled) else { return nil }
            result += alone
        }
        return result
    }

    /// One sequence to be sampled.
    private struct Draw {
        var entry: Int
        var sequence: SequenceID
        var run: ChoiceRun
        var tokens = SampledTokens(tokens: [])
        var events: [EngineEvent] = []
    }

    private func sample(
        _ step: Step, _ logits: [Logits], _ runner: any BatchRunner, now: Double
    ) -> Result {
        var draws: [Draw] = []
        for (index, entry) in step.entries.enumerated() {
            guard case .success = logits[index] else { continue }
            for sequence in entry.sampled {
                // Every sequence of a step was made known before it.
                guard let run = progress[sequence.request]?.choices[sequence.choice] else {
                    continue
                }
                draws.append(Draw(entry: index, sequence: sequence, run: run))
            }
        }
        let model = requestModel
        draws.withUnsafeMutableBufferPointer { draws in
            // Each range is one thread's own.
            nonisolated(unsafe) let draws = draws
            runner.split(draws.count) { range in
                for index in range {
                    let entry = step.entries[draws[index].entry]
                    guard case .success(let rows) = logits[draws[index].entry] else { continue }
                    let (tokens, events) = draws[index].run.sample(
                        rows: rows, guesses: entry.tokens.suffix(entry.draftCount),
                        model: model)
                    draws[index].tokens = tokens
                    draws[index].events = events
                }
            }
        }
        var samples: [Int: [SampledTokens]] = [:]
        var result = Result(outcomes: [], events: [])
        for draw in draws {
            let request = draw.sequence.request
            progress[request]?.choices[draw.sequence.choice] = draw.run
            progress[request]?.usage.generatedTokens += draw.tokens.tokens.count
            if progress[request]?.firstToken == nil { progress[request]?.firstToken = now }
            samples[draw.entry, default: []].append(draw.tokens)
            result.events += draw.events.map { (request, $0) }
        }
        result.outcomes = logits.enumerated().map { index, logits in
            switch logits {
            case .success: .ran(samples[index] ?? [])
            case .failure(let error): .failed(error)
            }
        }
        return result
    }
}
