import Model
import Platform
import Synchronization
import Tokenizer

/// The worker thread and what it works on: the shell around ``Scheduler``. The thread holds this,
/// not the `Engine`, so that letting go of the engine ends the thread.
final class EngineCore: Sendable {
    struct State: Sendable {
        var scheduler: Scheduler
        /// Requests of the scheduler, by its numbers.
        var jobs: [Int: (job: EngineJob, prepared: PreparedRequest)] = [:]
        /// Requests whose prompts are being encoded.
        var preparing: [ObjectIdentifier: EngineJob] = [:]
        var embeddings: [EmbeddingJob] = []
        /// Rows of the pass under way, by request; what is cancelled meanwhile is counted.
        var passRows: [Int: Int] = [:]
        var cancelledRows = 0
        var isShutDown = false
        var hasStopped = false
    }

    let model: any BatchModel
    let requestModel: RequestModel
    let configuration: EngineConfiguration
    let preparation: SerialThread
    let monitor: Monitor<State>
    /// The pass under way is of no use any more.
    private let interrupt = Atomic<Bool>(false)
    private let start = ContinuousClock().now

    init(
        model: any BatchModel, tokenizer: any TokenizerProtocol, template: ChatTemplate,
        pages: EnginePages, configuration: EngineConfiguration
    ) {
        self.model = model
        self.configuration = configuration
        requestModel = RequestModel(
            tokenizer: tokenizer, vocabularySize: model.vocabularySize,
            contextLength: pages.contextLength, template: template)
        preparation = SerialThread(niceness: configuration.niceness)
        monitor = Monitor(
            State(
                scheduler: Scheduler(
                    Scheduler.Configuration(
                        queuedRequestsMax: configuration.queuedRequestsMax,
                        sequencesMax: configuration.sequencesMax,
                        promptTokensMax: configuration.chunkTokens, pageCounts: pages.counts,
                        speculation: configuration.speculation))))
    }

    /// Seconds since the engine began: the scheduler's clock.
    var now: Double { (ContinuousClock().now - start).seconds }

    /// Starts the thread. Throws where the system gives none.
    func begin() throws(EngineError) {
        guard Threads.start(niceness: configuration.niceness, { self.work() }) else {
            throw .model(reason: "the system refused a thread for the engine")
        }
    }

    // MARK: The worker's thread

    /// What the worker does next.
    private struct Turn: Sendable {
        var ended: [(job: EngineJob, error: EngineError)] = []
        var embedding: EmbeddingJob?
        var step: Step?
        var jobs: [Int: (job: EngineJob, prepared: PreparedRequest)] = [:]
        var cachedTokens: [Int: Int] = [:]
        var isHere: Set<Int> = []
    }

    private func work() {
        let runner = StepRunner(model: model, requestModel: requestModel)
        var embedder: (any TextEmbedder)?
        // nil twice over: nothing to do yet; `.some(nil)`: shut down.
        while let turn = monitor.wait({ self.nextTurn(&$0) }) {
            for (job, error) in turn.ended { job.continuation.finish(throwing: error) }
            runner.keep { turn.isHere.contains($0) }
            if let embedding = turn.embedding { embed(embedding, with: &embedder) }
            if let step = turn.step { run(step, turn, runner) }
        }
        monitor.withLock { $0.hasStopped = true }
    }

    private func nextTurn(_ state: inout State) -> Turn?? {
        if state.isShutDown { return .some(nil) }
        var turn = Turn()
        let (effects, step) = state.scheduler.plan(now: now)
        for effect in effects {
            // A plan completes nothing.
            guard case .ended(let request, let error) = effect,
                let entry = state.jobs.removeValue(forKey: request)
            else { continue }
            turn.ended.append((entry.job, error))
        }
        state.embeddings.removeAll { $0.isOver }
        turn.embedding = state.embeddings.first
        turn.step = step
        guard step != nil || turn.embedding != nil || !turn.ended.isEmpty else { return nil }
        turn.isHere = Set(state.jobs.keys)
        state.passRows = [:]
        state.cancelledRows = 0
        interrupt.store(false, ordering: .relaxed)
        for entry in step?.entries ?? [] {
            let request = entry.sequence.request
            state.passRows[request, default: 0] += entry.tokens.count
            turn.jobs[request] = state.jobs[request]
            turn.cachedTokens[request] =
                state.scheduler.requests[request]?.cachedPromptTokens
        }
        return turn
    }

    private func run(_ step: Step, _ turn: Turn, _ runner: StepRunner) {
        let began = now
        for (request, entry) in turn.jobs {
            runner.begin(
                request, entry.prepared, cachedTokens: turn.cachedTokens[request] ?? 0, now: began)
        }
        let result = runner.run(
            step, isCancelled: { self.interrupt.load(ordering: .relaxed) }, now: { self.now })
        let ended = now
        // The engine counts as free again before the reader can learn of the end.
        let effects = monitor.withLock { state in
            state.passRows = [:]
            guard let result else {
                state.scheduler.abort()
                return [] as [SchedulerEffect]
            }
            let effects = state.scheduler.complete(result.outcomes, seconds: ended - began)
            for effect in effects {
                switch effect {
                case .completed(let request), .ended(let request, _): state.jobs[request] = nil
                }
            }
            return effects
        }
        for (request, event) in result?.events ?? [] {
            turn.jobs[request]?.job.continuation.yield(event)
        }
        for effect in effects {
            switch effect {
            case .completed(let request):
                guard let job = turn.jobs[request]?.job else { continue }
                if let usage = runner.usage(of: request, now: ended) {
                    job.continuation.yield(.completed(usage))
                }
                job.continuation.finish()
            case .ended(let request, let error):
                turn.jobs[request]?.job.continuation.finish(throwing: error)
            }
        }
    }

    /// Embeds the next texts of a job.
    private func embed(_ job: EmbeddingJob, with embedder: inout (any TextEmbedder)?) {
        let group = job.nextGroup
        guard !group.isEmpty else { return }
        do throws(EngineError) {
            let maker: any TextEmbedder
            if let embedder { maker = embedder } else { maker = try model.makeEmbedder() }
            embedder = maker
            let vectors = try maker.embed(
                Array(group),
                isCancelled: { job.isOver || self.monitor.withLock { $0.isShutDown } })
            _ = job.append(vectors)
        } catch {
            // The pass may hear of the shutdown before ``shutDown()`` has come to this job.
            let isShutDown = monitor.withLock { $0.isShutDown }
            job.end(.failure(error == .cancelled && isShutDown ? .shutDown : error))
        }
    }

    // MARK: Any thread

    /// Ends a request at once.
    func cancel(_ job: EngineJob) {
        let wasHere = monitor.withLock { state in
            if state.preparing.removeValue(forKey: ObjectIdentifier(job)) != nil {
                state.scheduler.giveUpReservation()
                return true
            }
            guard let request = state.jobs.first(where: { $0.value.job === job })?.key else {
                return false
            }
            state.jobs[request] = nil
            _ = state.scheduler.cancel(request)
            giveUpPass(&state, without: request)
            return true
        }
        if wasHere { job.continuation.finish(throwing: EngineError.cancelled) }
    }

    /// A pass that worked at least half for what is cancelled is given up, between layers or
    /// tiles, and repeated without it. Otherwise it goes on for the others: it is short.
    private func giveUpPass(_ state: inout State, without request: Int) {
        guard let rows = state.passRows.removeValue(forKey: request) else { return }
        state.cancelledRows += rows
        if state.cancelledRows >= state.passRows.values.reduce(0, +) {
            interrupt.store(true, ordering: .relaxed)
        }
    }

    var load: EngineLoad {
        monitor.withLock { state in
            let scheduler = state.scheduler
            return EngineLoad(
                queued: scheduler.queuedCount, running: scheduler.runningCount,
                freePages: scheduler.availablePages,
                pageCount: scheduler.pageCount,
                pendingPromptTokens: scheduler.pendingPromptTokens,
                prefillTokensPerSecond: scheduler.rates.promptTokensPerSecond,
                decodeTokensPerSecond: scheduler.rates.madeTokensPerSecond,
                decodeStepSeconds: scheduler.rates.decodeStepSeconds)
        }
    }

    var cachedPrefixesVersion: UInt64 { monitor.withLock { $0.scheduler.pool.usesCount } }

    func cachedPrefixes(limit: Int) -> [CachedPrefix] {
        monitor.withLock { $0.scheduler.pool.recentPrefixes(limit: limit) }
    }

    func shutDown() {
        let (jobs, embeddings) = monitor.withLock { state in
            state.isShutDown = true
            interrupt.store(true, ordering: .relaxed)
            defer {
                state.jobs = [:]
                state.preparing = [:]
                state.embeddings = []
            }
            _ = state.scheduler.removeAll()
            return (
                state.jobs.values.map(\.job) + Array(state.preparing.values), state.embeddings
            )
        }
        preparation.stop()
        for job in jobs { job.continuation.finish(throwing: EngineError.shutDown) }
        for job in embeddings { job.end(.failure(.shutDown)) }
    }

    var hasStopped: Bool { monitor.withLock { $0.hasStopped } }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
