import Synchronization
import Testing

@testable import Engine

@Suite struct SchedulingTests {
    private func request(_ id: String = "r") -> EngineRequest {
        EngineRequest(id: id, prompt: .text("hello"), maxTokens: 4)
    }

    @Test func aFullQueueRefusesAndAFreedPlaceIsTakenAgain() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(
            model, EngineConfiguration(queuedRequestsMax: 2, sequencesMax: 1))
        let running = try engine.submit(request())
        try await eventually { engine.isBusy(0, 1) }
        let first = try engine.submit(request())
        let second = try engine.submit(request())
        #expect(engine.isBusy(2, 1))
        #expect(throws: EngineError.queueFull(limit: 2)) { try engine.submit(request()) }
        first.cancel()
        #expect(engine.isBusy(1, 1))
        await #expect(throws: EngineError.cancelled) { try await read(first) }
        let third = try engine.submit(request())
        model.open()
        for stream in [running, second, third] {
            #expect(try await read(stream).tokens[0]?.count == 4)
        }
        #expect(engine.isBusy(0, 0))
    }

    @Test func requestsThatComeTogetherRunTogether() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model)
        let streams = try (0..<5).map { try engine.submit(request("\($0)")) }
        #expect(engine.isBusy(0, 5))
        model.open()
        for stream in streams { #expect(try await read(stream).tokens[0]?.count == 4) }
        #expect(engine.isBusy(0, 0))
        #expect(model.widest.load(ordering: .relaxed) >= 4)
    }

    @Test func cancellingFreesTheEngineInTheMiddleOfAForwardPass() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model)
        let stream = try engine.submit(request())
        try await eventually { model.passes.load(ordering: .relaxed) == 1 }
        stream.cancel()
        await #expect(throws: EngineError.cancelled) { try await read(stream) }
        #expect(engine.isBusy(0, 0))
    }

    @Test func lettingGoOfAStreamFreesTheEngine() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model)
        do { _ = try engine.submit(request()) }
        try await eventually { engine.isBusy(0, 0) }
        let task = Task { try await read(engine.submit(request())) }
        try await eventually { engine.isBusy(0, 1) }
        task.cancel()
        try await eventually { engine.isBusy(0, 0) }
        await #expect(throws: EngineError.cancelled) { try await task.value }
    }

    @Test("A deadline ends what waits as well as what runs")
    func deadlines() async throws {
        let model = HashModel(isOpen: false)
        let engine = try hashEngine(model, EngineConfiguration(sequencesMax: 1))
        let running = try engine.submit(request())
        try await eventually { model.passes.load(ordering: .relaxed) == 1 }
        var late = request()
        late.deadline = 0.01
        let waiting = try engine.submit(late)
        late.deadline = 3600
        let early = try engine.submit(late)
        late.deadline = 0
        #expect(throws: EngineError.deadlineExceeded) { try engine.submit(late) }
        try await Task.sleep(for: .milliseconds(20))
        model.open()
        #expect(try await read(running).tokens[0]?.count == 4)
        await #expect(throws: EngineError.deadlineExceeded) { try await read(waiting) }
        #expect(try await read(early).tokens[0]?.count == 4)
    }

    @Test func shuttingDownEndsWhatRunsAndWhatWaits() async throws {
        let engine = try hashEngine(
            HashModel(isOpen: false), EngineConfiguration(sequencesMax: 1))
        let running = try engine.submit(request())
        try await eventually { engine.isBusy(0, 1) }
        let waiting = try engine.submit(request())
        #expect(engine.isBusy(1, 1))
        engine.shutdown()
        await #expect(throws: EngineError.shutDown) { try await read(running) }
        await #expect(throws: EngineError.shutDown) { try await read(waiting) }
        #expect(throws: EngineError.shutDown) { try engine.submit(request()) }
    }
}

extension Engine {
    /// Whether so many requests wait and run.
    func isBusy(_ queued: Int, _ running: Int) -> Bool {
        let load = load
        return load.queued == queued && load.running == running
    }
}
