import Synchronization
import Testing

@testable import Engine

@Suite struct EmbeddingTests {
    @Test("Each text gets a vector, in order, however many passes they take")
    func vectors() async throws {
        let model = HashModel(contextLength: 400, makesEmbeddings: true)
        let engine = try hashEngine(model)
        let vectors = try await engine.embed(["a", "bc", ""])
        #expect(vectors == [[2, 101], [3, 204], [1, 1]])
        let many = (1...30).map { [Int32](repeating: 3, count: $0 * 10) }
        let all = try await engine.embed(many)
        let expected: [[Float]] = (1...30).map { [Float($0 * 10), Float($0 * 30)] }
        #expect(all == expected)
        // 4650 tokens, 512 at a time at most.
        #expect(model.passes.load(ordering: .relaxed) >= 10)
        #expect(try await engine.embed([[Int32]]()).isEmpty)
    }

    @Test("Texts that cannot be are refused by name, and each kind of model does its own")
    func refusals() async throws {
        let engine = try hashEngine(HashModel(contextLength: 8, makesEmbeddings: true))
        await #expect(throws: EngineError.emptyPrompt) { try await engine.embed([[]]) }
        await #expect(throws: EngineError.promptTooLong(tokens: 10, limit: 8)) {
            try await engine.embed(["123456789"])
        }
        await #expect(throws: EngineError.tokenOutOfRange(token: 259, vocabularySize: 259)) {
            try await engine.embed([[259]])
        }
        #expect(throws: EngineError.self) {
            try engine.submit(EngineRequest(id: "r", prompt: .text("hello")))
        }
        await #expect(throws: EngineError.self) {
            try await hashEngine(HashModel()).embed(["a"])
        }
    }

    @Test("Cancelling the task ends it, and shutting down ends all")
    func ending() async throws {
        let model = HashModel(isOpen: false, makesEmbeddings: true)
        let engine = try hashEngine(model)
        let task = Task { try await engine.embed(["a"]) }
        try await eventually { model.passes.load(ordering: .relaxed) == 1 }
        task.cancel()
        await #expect(throws: EngineError.cancelled) { try await task.value }
        let second = Task { try await engine.embed(["a"]) }
        try await eventually { model.passes.load(ordering: .relaxed) == 2 }
        engine.shutdown()
        await #expect(throws: EngineError.shutDown) { try await second.value }
    }
}
