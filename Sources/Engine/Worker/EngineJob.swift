import Synchronization

/// A request in the engine, from the side that makes tokens.
final class EngineJob: Sendable {
    typealias Continuation = AsyncThrowingStream<EngineEvent, any Error>.Continuation

    let request: EngineRequest
    /// When the answer is of no use any more, on the engine's clock.
    let deadline: Double?
    let continuation: Continuation

    init(_ request: EngineRequest, deadline: Double?, _ continuation: Continuation) {
        self.request = request
        self.deadline = deadline
        self.continuation = continuation
    }
}

/// Texts to be embedded, and what came of it.
final class EmbeddingJob: Sendable {
    let texts: [[Int32]]
    private let state: Mutex<State>

    private struct State {
        var vectors: [[Float]] = []
        var result: Result<[[Float]], EngineError>?
        var reader: CheckedContinuation<Result<[[Float]], EngineError>, Never>?
    }

    init(texts: [[Int32]]) {
        self.texts = texts
        state = Mutex(State())
    }

    /// The next texts to go through the model together; empty when it is over.
    var nextGroup: ArraySlice<[Int32]> {
        let done = state.withLock { $0.result == nil ? $0.vectors.count : texts.count }
        var end = done
        var tokens = 0
        while end < texts.count,
            end == done || tokens + texts[end].count <= EngineLimits.embeddingTokensAtOnce
        {
            tokens += texts[end].count
            end += 1
        }
        return texts[done..<end]
    }

    var isOver: Bool { state.withLock { $0.result != nil } }

    /// Takes the vectors of a group; true when they were the last.
    func append(_ vectors: [[Float]]) -> Bool {
        let all = state.withLock { state in
            state.vectors += vectors
            return state.vectors.count == texts.count ? state.vectors : nil
        }
        if let all { end(.success(all)) }
        return all != nil
    }

    /// Ends it, if it has not ended.
    func end(_ result: Result<[[Float]], EngineError>) {
        let reader = state.withLock { state in
            guard state.result == nil else {
                return nil as CheckedContinuation<Result<[[Float]], EngineError>, Never>?
            }
            state.result = result
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: result)
    }

    /// Waits for the end; for one reader.
    func result() async -> Result<[[Float]], EngineError> {
        await withCheckedContinuation { reader in
            let result = state.withLock { state in
                if state.result == nil { state.reader = reader }
                return state.result
            }
            if let result { reader.resume(returning: result) }
        }
    }
}
