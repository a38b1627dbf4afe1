import Model
import Sampling
import Testing
import Tokenizer

@testable import Engine

@Suite struct GenerationTests {
    private func request(_ change: (inout EngineRequest) -> Void = { _ in }) -> EngineRequest {
        var request = EngineRequest(id: "r", prompt: .text("hello"))
        change(&request)
        return request
    }

    @Test(arguments: [
        SamplingParameters(),
        SamplingParameters(temperature: 1.5, topK: 200, topP: 0.98, minP: 0.0001, seed: 99),
    ])
    func aContinuationGivesWhatWouldHaveFollowed(sampling: SamplingParameters) async throws {
        let engine = try hashEngine(HashModel())
        let asked = request {
            $0.sampling = sampling
            $0.choices = 2
            $0.maxTokens = 20
        }
        let whole = try await read(engine.submit(asked))
        let first = try #require(whole.tokens[0])
        let second = try #require(whole.tokens[1])
        #expect(first.count == 20 && second.count == 20)
        #expect((first == second) == (sampling.temperature == 0))
        for cut in 0...20 {
            let other = try hashEngine(
                HashModel(), EngineConfiguration(chunkTokens: 1 + cut % 4))
            var rest = asked
            rest.generated = [Array(first[..<cut]), Array(second[..<(20 - cut)])]
            let answer = try await read(other.submit(rest))
            #expect(answer.tokens[0, default: []] == Array(first[cut...]))
            #expect(answer.tokens[1, default: []] == Array(second[(20 - cut)...]))
            #expect(answer.reasons == whole.reasons)
            #expect(answer.firstIndex[0] == (cut < 20 ? UInt32(cut) : nil))
        }
    }

    @Test func theContextEndsAnAnswerAndIsFilledExactly() async throws {
        let engine = try hashEngine(HashModel(contextLength: 16))
        let answer = try await read(engine.submit(request()))
        // "hello" and the beginning of the sequence are 6 tokens.
        #expect(answer.tokens[0]?.count == 10 && answer.reasons[0] == .length)
        #expect(answer.usage?.promptTokens == 6 && answer.usage?.generatedTokens == 10)
        let last = try await read(
            engine.submit(request { $0.prompt = .tokens([Int32](repeating: 5, count: 15)) }))
        #expect(last.tokens[0]?.count == 1)
        #expect(throws: EngineError.promptTooLong(tokens: 16, limit: 15)) {
            try engine.submit(request { $0.prompt = .tokens([Int32](repeating: 5, count: 16)) })
        }
    }

    @Test func theModelsEndIsNotDelivered() async throws {
        let engine = try hashEngine(HashModel(forced: [9: 2]))
        let answer = try await read(engine.submit(request()))
        #expect(answer.tokens[0]?.count == 3 && answer.reasons[0] == .stop)
        #expect(try await read(engine.submit(request { $0.maxTokens = 0 })).reasons[0] == .length)
    }

    @Test func aStopStringEndsAnAnswerEvenAcrossAContinuation() async throws {
        let model = HashModel(forced: [
            6: 3 + 0x61, 7: 3 + 0xC3, 8: 3 + 0xA9, 9: 3 + 0x62, 10: 3 + 0x63,
        ])
        let engine = try hashEngine(model)
        let asked = request { $0.stop = ["éb"] }
        let whole = try await read(engine.submit(asked))
        #expect(whole.reasons[0] == .stopString)
        #expect(whole.tokens[0] == spelled("aéb"))
        for cut in 0...4 {
            var rest = asked
            rest.generated = [Array(spelled("aéb")[..<cut])]
            let answer = try await read(engine.submit(rest))
            #expect(answer.reasons[0] == .stopString)
            #expect(answer.tokens[0, default: []] == Array(spelled("aéb")[cut...]))
        }
    }

    @Test func chatAndTextBecomeTheSamePromptWhenPlain() async throws {
        let engine = try hashEngine(HashModel())
        let chat = try await read(
            engine.submit(
                request {
                    $0.prompt = .chat([ChatMessage(role: .user, content: "hello")])
                    $0.maxTokens = 4
                }))
        #expect(chat == (try await read(engine.submit(request { $0.maxTokens = 4 }))))
        #expect(try engine.tokenize("hé") == [1] + spelled("hé"))
        #expect(engine.detokenize([1] + spelled("hé")) == "hé")
    }

    @Test func requestsOutOfBoundsAreRefusedByName() throws {
        let engine = try hashEngine(HashModel())
        let wrong: [(String, (inout EngineRequest) -> Void)] = [
            ("n", { $0.choices = 0 }), ("n", { $0.choices = EngineLimits.choicesMax + 1 }),
            ("max_tokens", { $0.maxTokens = -1 }), ("stop", { $0.stop = [""] }),
            ("temperature", { $0.sampling.temperature = .nan }),
            ("top_p", { $0.sampling.topP = 2 }), ("generated", { $0.generated = [[], []] }),
            ("generated", { $0.generated = [[Int32](repeating: 5, count: 59)] }),
            ("id", { $0.id = String(repeating: "x", count: 257) }),
        ]
        for (field, change) in wrong {
            do throws(EngineError) {
                _ = try engine.submit(request(change))
                Issue.record("a wrong \(field) was accepted")
            } catch {
                guard case .invalidRequest(field, _) = error else {
                    Issue.record("\(error) does not name \(field)")
                    continue
                }
            }
        }
        #expect(throws: EngineError.emptyPrompt) {
            try engine.submit(request { $0.prompt = .tokens([]) })
        }
        for token in [Int32(-1), 259] {
            let error = EngineError.tokenOutOfRange(token: token, vocabularySize: 259)
            #expect(throws: error) { try engine.submit(request { $0.prompt = .tokens([token]) }) }
            #expect(throws: error) { try engine.submit(request { $0.generated = [[token]] }) }
        }
        #expect(throws: EngineError.self) { try engine.submit(request { $0.prompt = .chat([]) }) }
    }

    @Test func aBrokenModelEndsTheRequestNotTheEngine() async throws {
        let engine = try hashEngine(HashModel(broken: 8))
        await #expect(throws: EngineError.self) {
            try await read(engine.submit(request()))
        }
        let answer = try await read(engine.submit(request { $0.maxTokens = 2 }))
        #expect(answer.tokens[0]?.count == 2)
    }

    @Test func aContextThatDoesNotFitMemoryIsRefusedBeforeItIsTaken() async throws {
        let engine = try hashEngine(
            HashModel(contextLength: 1000), EngineConfiguration(memoryBytesMax: 4096))
        // Four pages of 64 positions, or two of the type of twice the size.
        #expect(engine.info.contextLength == 256)
        #expect(throws: EngineError.contextTooLarge(tokens: 256, limit: 128)) {
            try engine.submit(request { $0.kv = .f32 })
        }
        let asked = request {
            $0.kv = .f32
            $0.maxTokens = 100
        }
        #expect(try await read(engine.submit(asked)).reasons[0] == .length)
        #expect(throws: EngineError.self) {
            try hashEngine(HashModel(), EngineConfiguration(memoryBytesMax: 1000))
        }
    }
}
