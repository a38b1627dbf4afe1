import Synchronization

/// How many generations may still begin.
final class GenerationSlots: Sendable {
    private let limit: Int
    private let taken = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// A slot, until it is given back; nil if all are taken.
    func take() -> GenerationSlot? {
        let isFree = taken.withLock { taken in
            guard taken < limit else { return false }
            taken += 1
            return true
        }
        return isFree ? GenerationSlot(self) : nil
    }

    fileprivate func giveBack() { taken.withLock { $0 -= 1 } }
}

/// The right to one generation. Given back once: when released, or else when forgotten.
final class GenerationSlot: Sendable {
    private let slots: GenerationSlots
    private let isHeld = Mutex(true)

    fileprivate init(_ slots: GenerationSlots) { self.slots = slots }

    func release() {
        let wasHeld = isHeld.withLock { held in
            defer { held = false }
            return held
        }
        if wasHeld { slots.giveBack() }
    }

    deinit { release() }
}

/// A running generation: its events, and the guarantee that it is given up when the answer is
/// complete, when the client has gone, and when the response is dropped before it was begun.
final class GenerationSession: Sendable {
    /// Where it runs, by its first event.
    let route: RouteInfo

    private let stream: GenerationStream
    private let reader: EventReader
    private let slot: GenerationSlot
    private let watch: ConnectionWatch?
    private let registration: Int?

    /// Asks the service, and waits for the route. A client that goes meanwhile cancels it.
    static func open(
        _ request: GenerationRequest, with service: any NodeService, slot: GenerationSlot,
        watch: ConnectionWatch?
    ) async throws(ServiceError) -> GenerationSession {
        let opening = Task { () async -> Result<GenerationStream, ServiceError> in
            do throws(ServiceError) {
                return .success(try await service.generate(request))
            } catch {
                return .failure(error)
            }
        }
        let registration = watch?.whenGone { opening.cancel() }
        let result = await withTaskCancellationHandler {
            await opening.value
        } onCancel: {
            opening.cancel()
        }
        if let registration { watch?.forget(registration) }

        let stream = try result.get()
        let streamRegistration = watch?.whenGone { stream.cancel() }
        let reader = EventReader(stream)
        do throws(ServiceError) {
            guard case .route(let route)? = try await reader.next() else {
                throw ServiceError(.internal, "the node did not say where the request runs")
            }
            return GenerationSession(
                route: route, stream: stream, reader: reader, slot: slot, watch: watch,
                registration: streamRegistration)
        } catch {
            stream.cancel()
            if let streamRegistration { watch?.forget(streamRegistration) }
            throw error
        }
    }

    private init(
        route: RouteInfo, stream: GenerationStream, reader: EventReader, slot: GenerationSlot,
        watch: ConnectionWatch?, registration: Int?
    ) {
        self.route = route
        self.stream = stream
        self.reader = reader
        self.slot = slot
        self.watch = watch
        self.registration = registration
    }

    /// The next event after the route; nil at the end.
    func next() async throws(ServiceError) -> GenerationEvent? { try await reader.next() }

    /// Gives everything back. May be called again.
    func finish() {
        if let registration { watch?.forget(registration) }
        stream.cancel()
        slot.release()
    }

    deinit { finish() }
}

/// The one reader of a stream. Its iterator outlives the route that began it, since the body of
/// a response is written after the route has returned.
private actor EventReader {
    private var iterator: GenerationStream.AsyncIterator?

    init(_ stream: GenerationStream) { iterator = stream.makeAsyncIterator() }

    /// The next event; nil at the end, and after an error.
    func next() async throws(ServiceError) -> GenerationEvent? {
        // Taken out while it waits, so that a second caller would find nothing, not a race.
        guard var iterator else { return nil }
        self.iterator = nil
        guard let event = try await iterator.next(isolation: self) else { return nil }
        self.iterator = iterator
        return event
    }
}
