/// The events of one request, for one reader.
///
/// After `cancel` the sequence ends soon, and the work behind it is given up. The interface
/// calls `cancel` once in every case, also after the sequence has ended.
public struct GenerationStream: AsyncSequence, Sendable {
    /// Something that happens to the request.
    public typealias Element = GenerationEvent
    /// Why the request ends early.
    public typealias Failure = ServiceError

    private let events: any AsyncSequence<GenerationEvent, any Error> & Sendable
    private let onCancel: @Sendable () -> Void

    /// A stream of `events`, of which errors other than ``ServiceError`` become internal ones.
    /// `onCancel` may be called at any time, from any thread, and more than once.
    public init(
        _ events: some AsyncSequence<GenerationEvent, any Error> & Sendable,
        onCancel: @escaping @Sendable () -> Void
    ) {
        self.events = events
        self.onCancel = onCancel
    }

    /// Gives the request up.
    public func cancel() { onCancel() }

    /// The events, from the first. To be called once.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(events.makeAsyncIterator()) }

    /// Reads the events.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private var base: any AsyncIteratorProtocol<GenerationEvent, any Error>

        fileprivate init(_ base: some AsyncIteratorProtocol<GenerationEvent, any Error>) {
            self.base = base
        }

        /// The next event; nil at the end.
        public mutating func next() async throws(ServiceError) -> GenerationEvent? {
            try await next(isolation: nil)
        }

        /// The next event; nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ServiceError) -> GenerationEvent? {
            do {
                return try await base.next(isolation: actor)
            } catch let error as ServiceError {
                throw error
            } catch is CancellationError {
                throw ServiceError(.interrupted, "the request was cancelled")
            } catch {
                throw ServiceError(.internal, "the node failed: \(error)")
            }
        }
    }
}
