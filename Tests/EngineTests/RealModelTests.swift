import Foundation
import GGUF
import Kernels
import Model
import Sampling
import Testing
import Tokenizer

@testable import Engine

@Suite struct RealModelTests {
    private struct Reference: Decodable {
        let prompt: [Int32]
        let greedy: [Int32]
    }

    func engine(
        _ name: String = "stories260K-q8_0", chunkTokens: Int = 256, threads: Int = 2
    ) throws -> Engine {
        try Engine.load(
            path: fixturePath(name + ".gguf"),
            configuration: EngineConfiguration(chunkTokens: chunkTokens, threads: threads),
            kernels: KernelTable.best(environment: [:]))
    }

    private func reference(_ name: String) throws -> Reference {
        let url = URL(fileURLWithPath: try fixturePath(name + ".json"))
        return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
    }

    @Test(arguments: ["stories260K-q8_0", "stories260K-q4_0"])
    func greedyTokensAreTheReferences(name: String) async throws {
        let reference = try reference(name)
        let engine = try engine(name)
        let answer = try await read(
            engine.submit(
                EngineRequest(
                    id: "r", prompt: .tokens(reference.prompt), maxTokens: reference.greedy.count,
                    kv: .f32)))
        let run = try EvaluationRun(
            path: fixturePath(name + ".gguf"), kernels: KernelTable.best(environment: [:]))
        let greedy = try run.run(
            tokens: reference.prompt, greedy: reference.greedy.count, kv: .f32
        ) { _, _ in }
        #expect(greedy == reference.greedy)
        #expect(answer.tokens[0] == reference.greedy)
    }

    @Test(arguments: [
        SamplingParameters(), SamplingParameters(temperature: 0.9, topP: 0.95, seed: 5),
    ])
    func aContinuationElsewhereGivesTheSameTokens(sampling: SamplingParameters) async throws {
        let asked = EngineRequest(
            id: "r", prompt: .text("Once upon a time"), choices: 2, sampling: sampling,
            maxTokens: 40)
        let whole = try await read(try engine().submit(asked))
        let first = try #require(whole.tokens[0])
        let second = try #require(whole.tokens[1])
        for (cut, chunk) in [(0, 1), (1, 3), (17, 5), (39, 256)] {
            var rest = asked
            rest.generated = [Array(first.prefix(cut)), Array(second.prefix(cut + 1))]
            let other = try engine(chunkTokens: chunk, threads: 1)
            let answer = try await read(other.submit(rest))
            #expect(answer.tokens[0, default: []] == Array(first.dropFirst(cut)))
            #expect(answer.tokens[1, default: []] == Array(second.dropFirst(cut + 1)))
            #expect(answer.reasons == whole.reasons)
        }
    }

    @Test func logitsDoNotDependOnTheChunks() throws {
        let prompt = try reference("stories260K-q8_0").prompt
        let run = try EvaluationRun(
            path: fixturePath("stories260K-q8_0.gguf"), kernels: KernelTable.best(environment: [:]))
        func rows(_ chunk: Int?, _ kv: KVType) throws -> [[UInt32]] {
            var rows: [[UInt32]] = []
            let greedy = try run.run(tokens: prompt, greedy: 4, kv: kv, chunk: chunk) {
                position, logits in
                #expect(position == rows.count && logits.count == run.vocabularySize)
                rows.append(logits.map(\.bitPattern))
            }
            #expect(greedy.count == 4 && rows.count == prompt.count + 3)
            return rows
        }
        for kv in run.kvTypes {
            let whole = try rows(nil, kv)
            for chunk in [1, 5, 1000] { #expect(try rows(chunk, kv) == whole) }
        }
    }

    @Test func anEvaluationOutOfBoundsIsRefused() throws {
        let run = try EvaluationRun(
            path: fixturePath("stories260K-q8_0.gguf"), kernels: KernelTable.best(environment: [:]))
        func refused(_ tokens: [Int32], greedy: Int = 0, chunk: Int? = nil) -> EngineError? {
            do {
                _ = try run.run(tokens: tokens, greedy: greedy, kv: .f32, chunk: chunk) { _, _ in }
                return nil
            } catch {
                return error as? EngineError
            }
        }
        #expect(refused([]) == .emptyPrompt)
        #expect(refused([512]) == .tokenOutOfRange(token: 512, vocabularySize: 512))
        #expect(refused([-1]) == .tokenOutOfRange(token: -1, vocabularySize: 512))
        let long = [Int32](repeating: 5, count: 513)
        #expect(refused(long) == .promptTooLong(tokens: 513, limit: 512))
        #expect(refused([1, 2], greedy: 512) == .promptTooLong(tokens: 2, limit: 1))
        #expect(refused([1], greedy: -1) != nil && refused([1], greedy: 513) != nil)
        #expect(refused([1], chunk: 0) != nil)
    }

    @Test func theModelTellsWhatItIs() throws {
        let engine = try engine()
        #expect(engine.info.name == "stories260K" && engine.info.architecture == "llama")
        #expect(engine.info.contextLength == 512 && engine.info.vocabularySize == 512)
        #expect(engine.info.parameterCount > 250_000 && engine.info.fileByteCount == 344_352)
        #expect(engine.info.quantisation == "Q8_0")
        let text = "Once upon a time, there was a llama \u{1F999}.\n"
        #expect(engine.detokenize(try engine.tokenize(text)) == " " + text)
    }

    @Test func filesThatCannotServeAreNamed() throws {
        let kernels = try KernelTable.best(environment: [:])
        #expect(throws: EngineError.self) {
            try Engine.load(path: "/nonexistent.gguf", kernels: kernels)
        }
        #expect(throws: EngineError.self) {
            try Engine.load(
                path: fixturePath("stories260K-q8_0.gguf"),
                configuration: EngineConfiguration(memoryBytesMax: 1000), kernels: kernels)
        }
        var writer = try GGUFWriter()
        try writer.add("tokenizer.ggml.model", .string("wordpiece"))
        let file = try GGUFFile(bytes: writer.bytes())
        #expect(
            throws: EngineError.tokenizer(
                .unsupportedModel("wordpiece", supported: TokenizerLoader.supported))
        ) { try TokenizerLoader.tokenizer(of: file) }
        let bare = try GGUFFile(bytes: GGUFWriter().bytes())
        #expect(throws: EngineError.self) { try TokenizerLoader.tokenizer(of: bare) }
    }
}

extension RealModelTests {
    private func ask(_ change: (inout EngineRequest) -> Void) async throws -> (
        text: String, answer: Answer, logprobs: [EngineLogprobs?]
    ) {
        let engine = try engine()
        var request = EngineRequest(
            id: "r", prompt: .text("Once upon a time"),
            sampling: SamplingParameters(temperature: 0.8, seed: 7), maxTokens: 60)
        change(&request)
        var text: [UInt8] = []
        var logprobs: [EngineLogprobs?] = []
        var answer = Answer()
        for try await event in try engine.submit(request) {
            switch event {
            case .token(let choice, _, let id, let bytes, let logprob):
                answer.tokens[choice, default: []].append(id)
                text += bytes
                logprobs.append(logprob)
            case .finished(let choice, let reason): answer.reasons[choice] = reason
            default: break
            }
        }
        return (String(decoding: text, as: UTF8.self), answer, logprobs)
    }

    @Test("An answer under a constraint follows it, from the first token or continued")
    func constraints() async throws {
        let grammar = EngineConstraint.gbnf("root ::= (\"yes\" | \"no\") \", \" [a-z]{3} \"!\"")
        let (text, answer, _) = try await ask { $0.constraint = grammar }
        #expect(text.wholeMatch(of: /(yes|no), [a-z]{3}!/) != nil)
        #expect(answer.reasons[0] == .stop)
        let tokens = try #require(answer.tokens[0])
        let rest = try await ask {
            $0.constraint = grammar
            $0.generated = [Array(tokens.prefix(2))]
        }
        #expect(rest.answer.tokens[0] == Array(tokens.dropFirst(2)))
        let json = try await ask {
            $0.constraint = .jsonSchema(
                #"{"type": "object", "properties": {"a": {"type": "boolean"}}, "#
                    + #""required": ["a"], "additionalProperties": false}"#)
        }
        #expect(throws: Never.self) {
            try JSONSerialization.jsonObject(with: Data(json.text.utf8))
        }
        await #expect(throws: EngineError.self) {
            try await ask { $0.constraint = .gbnf("root ::= nothing") }
        }
        await #expect(throws: EngineError.self) {
            try await ask {
                $0.constraint = grammar
                $0.generated = [[300]]
            }
        }
    }

    @Test("Log probabilities come with each token if asked for, and never change it")
    func logprobs() async throws {
        let without = try await ask { _ in }
        let with = try await ask { $0.logprobs = 3 }
        #expect(with.answer == without.answer)
        #expect(without.logprobs.allSatisfy { $0 == nil })
        for logprob in with.logprobs {
            let logprob = try #require(logprob)
            #expect(logprob.logprob <= 0 && logprob.top.count == 3)
            #expect(logprob.top[0].logprob >= logprob.logprob)
        }
    }

    @Test("A long text is encoded on the engine's thread, its errors told by the stream")
    func longTexts() async throws {
        let engine = try engine()
        let long = String(repeating: "One day, Tim went to the park. ", count: 400)
        #expect(long.utf8.count > EngineLimits.promptBytesAtOnce)
        let stream = try engine.submit(EngineRequest(id: "r", prompt: .text(long)))
        await #expect(throws: EngineError.self) { try await read(stream) }
        // Short in tokens, long in bytes.
        let spaces = String(repeating: "a", count: 5000)
        let cancelled = try engine.submit(EngineRequest(id: "r", prompt: .text(spaces)))
        cancelled.cancel()
        await #expect(throws: EngineError.cancelled) { try await read(cancelled) }
        try await eventually { engine.isBusy(0, 0) }
    }

    @Test("Calibration tells the speed before the first request")
    func calibration() async throws {
        let engine = try engine()
        #expect(engine.load.prefillTokensPerSecond == nil)
        try await engine.calibrate()
        #expect(engine.load.prefillTokensPerSecond ?? 0 > 0)
        #expect(engine.load.decodeTokensPerSecond ?? 0 > 0)
        #expect(engine.load.decodeStepSeconds ?? 0 > 0)
    }
}
