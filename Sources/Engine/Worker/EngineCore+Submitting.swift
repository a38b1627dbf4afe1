import Tokenizer

/// How requests come in. On the thread of who submits, but for long prompts and constraints.
extension EngineCore {
    func submit(_ request: EngineRequest) throws(EngineError) -> EngineStream {
        guard !model.makesEmbeddings else {
            throw .wrongKindOfModel(reason: "this model makes embeddings, not tokens")
        }
        guard model.bytesPerPage(request.kv) != nil else { throw model.refusal(of: request.kv) }
        try PreparedRequest.check(request)
        let (events, continuation) = AsyncThrowingStream<EngineEvent, any Error>.makeStream()
        let deadline = request.deadline.flatMap {
            $0 < EngineLimits.deadlineSecondsMax ? now + $0 : nil
        }
        let job = EngineJob(request, deadline: deadline, continuation)
        if PreparedRequest.isLong(request) {
            try prepareLater(job)
        } else {
            // Full or shut down is known before the work of encoding a prompt.
            try monitor.withLock { state throws(EngineError) in try state.checkOpen() }
            try enqueue(job, PreparedRequest(request, model: requestModel), isReserved: false)
        }
        continuation.onTermination = { [weak self, weak job] termination in
            guard case .cancelled = termination, let job else { return }
            self?.cancel(job)
        }
        return EngineStream(events: events) { [weak self, weak job] in
            guard let job else { return }
            self?.cancel(job)
        }
    }

    /// Keeps a place in the queue and has the rest done on the engine's own thread. What is wrong
    /// with the prompt then ends the stream instead of throwing here.
    private func prepareLater(_ job: EngineJob) throws(EngineError) {
        try monitor.withLock { state throws(EngineError) in
            try state.checkOpen()
            try state.scheduler.reserve()
            state.preparing[ObjectIdentifier(job)] = job
        }
        let isRunning = preparation.run { [weak self] in
            guard let self, self.isPreparing(job) else { return }
            do throws(EngineError) {
                let prepared = try PreparedRequest(job.request, model: self.requestModel)
                try self.enqueue(job, prepared, isReserved: true)
            } catch {
                if self.endPreparing(job) { job.continuation.finish(throwing: error) }
            }
        }
        if !isRunning, endPreparing(job) {
            throw .model(reason: "the system refused a thread to encode the prompt")
        }
    }

    private func isPreparing(_ job: EngineJob) -> Bool {
        monitor.withLock { $0.preparing[ObjectIdentifier(job)] != nil }
    }

    private func endPreparing(_ job: EngineJob) -> Bool {
        monitor.withLock { state in
            guard state.preparing.removeValue(forKey: ObjectIdentifier(job)) != nil else {
                return false
            }
            state.scheduler.giveUpReservation()
            return true
        }
    }

    /// Hands a prepared request to the scheduler.
    private func enqueue(
        _ job: EngineJob, _ prepared: PreparedRequest, isReserved: Bool
    ) throws(EngineError) {
        let open = prepared.choices.filter { $0.reason == nil }
        let displaced = try monitor.withLock {
            state throws(EngineError) -> (job: EngineJob, error: EngineError)? in
            guard !state.isShutDown else { throw .shutDown }
            if isReserved, state.preparing[ObjectIdentifier(job)] == nil { throw .cancelled }
            // Before the scheduler has it: the worker may be quick. The lock is not taken by any
            // of this: only a reader that goes away calls back.
            job.continuation.yield(.accepted(promptTokens: prepared.promptTokens))
            for choice in prepared.choices {
                guard let reason = choice.reason else { continue }
                job.continuation.yield(.finished(choice: choice.choice, reason: reason))
            }
            if open.isEmpty {
                if isReserved { state.scheduler.giveUpReservation() }
                state.preparing[ObjectIdentifier(job)] = nil
                return nil
            }
            let (request, effects) = try state.scheduler.submit(
                Submission(
                    caller: job.request.caller, priority: job.request.priority,
                    deadline: job.deadline, kv: job.request.kv, prompt: prepared.promptTokens,
                    choices: open.map { ($0.choice, $0.generated) },
                    answerTokensMax: prepared.answerTokensMax),
                now: self.now, isReserved: isReserved)
            state.preparing[ObjectIdentifier(job)] = nil
            state.jobs[request] = (job, prepared)
            for case .ended(let other, let error) in effects {
                if let entry = state.jobs.removeValue(forKey: other) { return (entry.job, error) }
            }
            return nil
        }
        if let displaced { displaced.job.continuation.finish(throwing: displaced.error) }
        if open.isEmpty {
            job.continuation.yield(
                .completed(
                    EngineUsage(
                        promptTokens: prepared.promptTokens.count, generatedTokens: 0,
                        cachedPromptTokens: 0, prefillSeconds: 0, decodeSeconds: 0)))
            job.continuation.finish()
        }
    }

    // MARK: Embeddings

    /// A vector for each list of tokens.
    func embed(tokens: [[Int32]]) async throws(EngineError) -> [[Float]] {
        guard !tokens.isEmpty else { return [] }
        let job = EmbeddingJob(texts: tokens)
        try enqueue(job)
        return try await result(of: job).get()
    }

    private func enqueue(_ job: EmbeddingJob) throws(EngineError) {
        guard model.makesEmbeddings else {
            throw .wrongKindOfModel(reason: "this model makes tokens, not embeddings")
        }
        guard job.texts.count <= EngineLimits.embeddingTextsMax else {
            throw .invalidRequest(
                field: "input",
                reason: "\(job.texts.count) texts; at most \(EngineLimits.embeddingTextsMax)")
        }
        for text in job.texts {
            guard !text.isEmpty else { throw .emptyPrompt }
            guard text.count <= model.contextLength else {
                throw .promptTooLong(tokens: text.count, limit: model.contextLength)
            }
            if let wrong = text.first(where: { $0 < 0 || Int($0) >= model.vocabularySize }) {
                throw .tokenOutOfRange(token: wrong, vocabularySize: model.vocabularySize)
            }
        }
        try monitor.withLock { state throws(EngineError) in
            try state.checkOpen()
            guard state.embeddings.count < configuration.queuedRequestsMax else {
                throw .queueFull(limit: configuration.queuedRequestsMax)
            }
            state.embeddings.append(job)
        }
    }

    private func result(of job: EmbeddingJob) async -> Result<[[Float]], EngineError> {
        await withTaskCancellationHandler {
            await job.result()
        } onCancel: {
            job.end(.failure(.cancelled))
        }
    }

    /// The ids of texts, encoded on the engine's own thread.
    func encode(_ texts: [String]) async throws(EngineError) -> [[Int32]] {
        guard texts.reduce(0, { $0 + $1.utf8.count }) <= EngineLimits.promptBytesMax else {
            throw .invalidRequest(
                field: "input", reason: "more than \(EngineLimits.promptBytesMax) bytes in all")
        }
        let tokenizer = requestModel.tokenizer
        let result = await withCheckedContinuation { reader in
            let work: @Sendable () -> Void = {
                var all: [[Int32]] = []
                do throws(TokenizerError) {
                    for text in texts {
                        all.append(
                            try tokenizer.encode(text, addSpecial: true, parseSpecial: false))
                    }
                    reader.resume(returning: Result<[[Int32]], EngineError>.success(all))
                } catch { reader.resume(returning: .failure(.tokenizer(error))) }
            }
            if !preparation.run(work) {
                reader.resume(
                    returning: .failure(.model(reason: "the system refused a thread")))
            }
        }
        return try result.get()
    }
}

extension EngineCore.State {
    fileprivate func checkOpen() throws(EngineError) {
        guard !isShutDown else { throw .shutDown }
    }
}
