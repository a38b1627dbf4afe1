/// The events of one request; see ``EngineEvent`` for their order.
///
/// Letting go of the stream, cancelling the task that reads it, or calling ``cancel()`` ends the
/// request: its pages are free at once, and a pass that mostly worked for it stops at the next layer
/// or tile. Events are kept until they are read; there are at most as many as the context holds
/// tokens for each choice. Read it once.
public struct EngineStream: AsyncSequence, Sendable {
    /// One event.
    public typealias Element = EngineEvent
    /// What ends a stream early.
    public typealias Failure = EngineError

    let events: AsyncThrowingStream<EngineEvent, any Error>
    let onCancel: @Sendable () -> Void
    /// Keeps the engine from shutting down while someone reads.
    var engine: Engine?

    /// Reads the events in order.
    public struct AsyncIterator: AsyncIteratorProtocol {
        /// One event.
        public typealias Element = EngineEvent
        /// What ends a stream early.
        public typealias Failure = EngineError

        var events: AsyncThrowingStream<EngineEvent, any Error>.AsyncIterator
        let engine: Engine?
        var isComplete = false

        /// The next event; nil after `completed`. A stream that ends before it throws.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(EngineError) -> EngineEvent? {
            guard !isComplete else { return nil }
            do {
                guard let event = try await events.next(isolation: actor) else {
                    throw EngineError.cancelled
                }
                if case .completed = event { isComplete = true }
                return event
            } catch {
                isComplete = true
                // Only engine errors are ever put in.
                throw error as? EngineError ?? .cancelled
            }
        }
    }

    /// Begins reading.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(events: events.makeAsyncIterator(), engine: engine)
    }

    /// Ends the request; the reader gets ``EngineError/cancelled``.
    public func cancel() { onCancel() }
}
