import Synchronization
import Testing

@testable import Engine

@Suite struct SchedulingTests {
    private func request(_ id: String = "r") -> EngineRequest {
        EngineRequest(id: id, prompt: .text("hello"), maxTokens: 4)
    }

    @Test func aFullQueueRefusesAndAFreedPlaceIsTakenAgain() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model, EngineConfiguration(queuedRequestsMax: 2))
        let running = try engine.submit(request())
        try await eventually { engine.load == (0, 1) }
        let first = try engine.submit(request())
        let second = try engine.submit(request())
        #expect(engine.load == (2, 1))
        #expect(throws: EngineError.queueFull(limit: 2)) { try engine.submit(request()) }
        first.cancel()
        #expect(engine.load == (1, 1))
        await #expect(throws: EngineError.cancelled) { try await read(first) }
        let third = try engine.submit(request())
        model.open()
        for stream in [running, second, third] {
            #expect(try await read(stream).tokens[0]?.count == 4)
        }
        #expect(engine.load == (0, 0))
    }

    @Test func requestsAreAnsweredInTheOrderOfArrival() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model)
        let streams = try (0..<5).map { try engine.submit(request("\($0)")) }
        model.open()
        // The last one complete means that all before it are: reading never waits again.
        _ = try await read(streams[4])
        #expect(engine.load == (0, 0))
        for stream in streams.dropLast() { #expect(try await read(stream).usage != nil) }
    }

    @Test func cancellingFreesTheEngineInTheMiddleOfAForwardPass() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model)
        let stream = try engine.submit(request())
        try await eventually { model.passes.load(ordering: .relaxed) == 1 }
        stream.cancel()
        await #expect(throws: EngineError.cancelled) { try await read(stream) }
        #expect(engine.load == (0, 0))
    }

    @Test func lettingGoOfAStreamFreesTheEngine() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model)
        do { _ = try engine.submit(request()) }
        try await eventually { engine.load == (0, 0) }
        let task = Task { try await read(engine.submit(request())) }
        try await eventually { engine.load == (0, 1) }
        task.cancel()
        try await eventually { engine.load == (0, 0) }
        await #expect(throws: EngineError.cancelled) { try await task.value }
    }

    @Test func shuttingDownEndsWhatRunsAndWhatWaits() async throws {
        let engine = try hashEngine(HashModel(isOpen: false))
        let running = try engine.submit(request())
        try await eventually { engine.load == (0, 1) }
        let waiting = try engine.submit(request())
        engine.shutdown()
        await #expect(throws: EngineError.shutDown) { try await read(running) }
        await #expect(throws: EngineError.shutDown) { try await read(waiting) }
        #expect(throws: EngineError.shutDown) { try engine.submit(request()) }
    }

    @Test func theQueueIsFirstComeFirstServedAndBounded() throws {
        final class Job {}
        var queue = RequestQueue<Job>(limit: 2)
        let jobs = [Job(), Job(), Job()]
        try queue.append(jobs[0])
        try queue.append(jobs[1])
        #expect(throws: EngineError.queueFull(limit: 2)) { try queue.append(jobs[2]) }
        #expect(queue.remove(jobs[0]) && !queue.remove(jobs[0]))
        try queue.append(jobs[2])
        #expect(queue.next() === jobs[1] && queue.next() === jobs[2] && queue.next() == nil)
    }
}
