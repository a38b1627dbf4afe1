import Tokenizer

/// The worker thread and what it works on. The thread holds this, not the `Engine`, so that
/// letting go of the engine ends the thread.
final class EngineCore: Sendable {
    struct State: Sendable {
        var queue: RequestQueue<EngineJob>
        var running: EngineJob?
        var isShutDown = false
    }

    let model: any SequenceModel
    let tokenizer: any TokenizerProtocol
    private let configuration: EngineConfiguration
    private let monitor: Monitor<State>

    init(
        model: any SequenceModel, tokenizer: any TokenizerProtocol,
        configuration: EngineConfiguration
    ) {
        self.model = model
        self.tokenizer = tokenizer
        self.configuration = configuration
        monitor = Monitor(State(queue: RequestQueue(limit: configuration.queuedRequestsMax)))
    }

    /// Starts the thread. Throws where the system gives none.
    func start() throws(EngineError) {
        guard startThread({ self.work() }) else {
            throw .model(reason: "the system refused a thread for the engine")
        }
    }

    private func work() {
        // nil twice over: nothing to do yet; `.some(nil)`: shut down.
        while let job = monitor.wait({ state -> EngineJob?? in
            if state.isShutDown { return .some(nil) }
            guard let job = state.queue.next() else { return nil }
            state.running = job
            return job
        }) {
            run(job)
            monitor.withLock { $0.running = nil }
        }
    }

    private func run(_ job: EngineJob) {
        let generation = Generation(
            prepared: job.prepared, model: model, tokenizer: tokenizer,
            chunkTokens: configuration.chunkTokens,
            availableBytes: configuration.memoryBytesMax ?? SystemMemory.availableBytes())
        do throws(EngineError) {
            try generation.run(isCancelled: { job.isCancelled }) { event in
                // The engine counts as free again before the reader can learn of the end.
                if case .completed = event { monitor.withLock { $0.running = nil } }
                job.continuation.yield(event)
            }
            job.continuation.finish()
        } catch {
            let isShutDown = monitor.withLock { state in
                state.running = nil
                return state.isShutDown
            }
            job.continuation.finish(
                throwing: isShutDown && error == .cancelled ? EngineError.shutDown : error)
        }
    }

    func submit(_ request: EngineRequest) throws(EngineError) -> EngineStream {
        // Full or shut down is known before the work of encoding a prompt.
        try monitor.withLock { state throws(EngineError) in
            guard !state.isShutDown else { throw .shutDown }
            guard state.queue.count < state.queue.limit || state.running == nil else {
                throw .queueFull(limit: state.queue.limit)
            }
        }
        let prepared = try PreparedRequest(
            request, tokenizer: tokenizer, contextLength: model.contextLength,
            vocabularySize: model.vocabularySize)
        let (events, continuation) = AsyncThrowingStream<EngineEvent, any Error>.makeStream()
        let job = EngineJob(prepared, continuation)
        continuation.yield(.accepted(promptTokens: prepared.promptTokens))
        continuation.onTermination = { [weak self, weak job] termination in
            guard case .cancelled = termination, let job else { return }
            self?.cancel(job)
        }
        try monitor.withLock { state throws(EngineError) in
            guard !state.isShutDown else { throw .shutDown }
            try state.queue.append(job)
        }
        return EngineStream(events: events) { [weak self, weak job] in
            guard let job else { return }
            self?.cancel(job)
        }
    }

    private func cancel(_ job: EngineJob) {
        job.cancel()
        // One that runs ends itself at the next layer.
        if monitor.withLock({ $0.queue.remove(job) }) {
            job.continuation.finish(throwing: EngineError.cancelled)
        }
    }

    var load: (queued: Int, running: Int) {
        monitor.withLock { ($0.queue.count, $0.running == nil ? 0 : 1) }
    }

    func shutDown() {
        let waiting = monitor.withLock { state in
            state.isShutDown = true
            state.running?.cancel()
            return state.queue.removeAll()
        }
        for job in waiting { job.continuation.finish(throwing: EngineError.shutDown) }
    }
}
