import Foundation
import Kernels
import Model
import Sampling
import Testing

@testable import Engine

/// Real models, many requests at a time.
@Suite struct ManyClientsTests {
    private func engine(
        _ name: String = "stories260K-q8_0", _ configuration: EngineConfiguration
    ) throws -> Engine {
        try Engine.load(
            path: fixturePath(name + ".gguf"), configuration: configuration,
            kernels: KernelTable.best(environment: [:]))
    }

    /// Requests of all kinds, from several callers.
    private func requests(_ count: Int, most: Int) -> [EngineRequest] {
        let texts = [
            "Once upon a time", "Once upon a time, there was a little girl named Lily.", "The dog",
            String(repeating: "One day, Tim went to the park with his mom. ", count: 8),
        ]
        return (0..<count).map { number in
            EngineRequest(
                id: "\(number)", prompt: .text(texts[number % texts.count]),
                choices: number % 5 == 4 ? 3 : 1,
                sampling: SamplingParameters(
                    temperature: number % 3 == 0 ? 0 : 0.9, topP: 0.95,
                    repetitionPenalty: number % 4 == 1 ? 1.2 : 1, seed: UInt64(number)),
                maxTokens: most / 2 + number * 7 % (most / 2), kv: number % 8 == 7 ? .f32 : .f16,
                caller: "caller \(number % 3)", logprobs: number % 6 == 0 ? 2 : nil)
        }
    }

    /// What each gets when nothing else runs, in an engine that keeps no pages between requests.
    private func alone(
        _ requests: [EngineRequest], _ name: String = "stories260K-q8_0"
    ) async throws -> [Answer] {
        let engine = try engine(
            name, EngineConfiguration(chunkTokens: 7, threads: 1, speculation: .off))
        var answers: [Answer] = []
        for request in requests {
            var request = request
            request.caller = request.id
            answers.append(try await read(engine.submit(request)))
        }
        return answers
    }

    @Test("32 clients at once get the tokens that each gets alone, also when pages run out")
    func manyClients() async throws {
        let requests = requests(32, most: 30)
        let alone = try await alone(requests)
        let large = EngineConfiguration(threads: 2)
        // A page takes 20 KiB: 24 of them, for 32 requests that want two to seven each.
        let small = EngineConfiguration(threads: 2, pageBytesMax: 24 * 20480, speculation: .on)
        for configuration in [large, small] {
            let engine = try engine("stories260K-q8_0", configuration)
            let streams = try requests.map { try engine.submit($0) }
            for (index, stream) in streams.enumerated() {
                let answer = try await read(stream)
                #expect(answer == alone[index], "request \(index)")
            }
            #expect(engine.isBusy(0, 0))
            #expect(engine.load.freePages == engine.load.pageCount)
            #expect(engine.load.decodeTokensPerSecond ?? 0 > 0)
            #expect(engine.load.prefillTokensPerSecond ?? 0 > 0)
        }
    }

    @Test("Guesses change no token, and save passes where a text repeats itself")
    func speculation() async throws {
        let prompt = EnginePrompt.text(
            String(repeating: "One day, Tim went to the park with his mom. ", count: 5))
        for sampling in [SamplingParameters(), SamplingParameters(temperature: 0.7, seed: 3)] {
            var answers: [Answer] = []
            for mode in SpeculationMode.allCases {
                let engine = try engine(
                    "stories260K-q8_0", EngineConfiguration(threads: 2, speculation: mode))
                answers.append(
                    try await read(
                        engine.submit(
                            EngineRequest(
                                id: "r", prompt: prompt, choices: 2, sampling: sampling,
                                maxTokens: 40))))
            }
            #expect(answers.allSatisfy { $0 == answers[0] })
        }
    }

    @Test("A prompt asked again is not computed again, and gives the same tokens")
    func prefixes() async throws {
        let engine = try engine("stories260K-q8_0", EngineConfiguration(threads: 2))
        func ask(_ caller: String) async throws -> Answer {
            try await read(
                engine.submit(
                    EngineRequest(
                        id: "r",
                        prompt: .text(String(repeating: "The cat sat on the mat. ", count: 12)),
                        maxTokens: 20, caller: caller)))
        }
        let first = try await ask("a")
        let again = try await ask("a")
        let other = try await ask("b")
        #expect(first == again && first == other)
        #expect(first.usage?.cachedPromptTokens == 0 && other.usage?.cachedPromptTokens == 0)
        #expect(again.usage?.cachedPromptTokens == 64)
    }

    @Test("Cancelling in the middle of a prompt or an answer leaves the others' tokens as they are")
    func cancelling() async throws {
        let long = EngineRequest(
            id: "long",
            prompt: .text(String(repeating: "One day, Tim went to the park. ", count: 20)),
            choices: 2)
        let others = requests(6, most: 20)
        let alone = try await alone(others)
        let engine = try engine(
            "stories260K-q8_0", EngineConfiguration(chunkTokens: 8, threads: 2))
        let prompting = try engine.submit(long)
        let streams = try others.map { try engine.submit($0) }
        prompting.cancel()
        // On a busy machine a request may be over before it is cancelled: then nothing ends early,
        // and the rest holds all the same. That a cancelled one ends is a rule of the core's tests.
        do { _ = try await read(prompting) } catch { #expect(error as? EngineError == .cancelled) }
        let answering = try engine.submit(requests(2, most: 400)[1])
        do {
            for try await event in answering {
                if case .token(_, 5, _, _, _) = event { answering.cancel() }
            }
        } catch { #expect(error as? EngineError == .cancelled) }
        for (index, stream) in streams.enumerated() {
            #expect(try await read(stream) == alone[index])
        }
        #expect(engine.isBusy(0, 0) && engine.load.freePages == engine.load.pageCount)
    }

    @Test("Other sequences in the batch change no bit of the logits")
    func companions() throws {
        for name in ["stories260K-q4_0", "tinystories-656k-q8_0"] {
            let run = try EvaluationRun(
                path: fixturePath(name + ".gguf"), kernels: KernelTable.best(environment: [:]))
            let prompt = (0..<90).map { Int32(($0 * 37 + 5) % 400) }
            for kv in run.kvTypes {
                func rows(_ companions: Int, _ chunk: Int?) throws -> [[UInt32]] {
                    var rows: [[UInt32]] = []
                    _ = try run.run(
                        tokens: prompt, greedy: 3, kv: kv, chunk: chunk, companions: companions
                    ) { _, logits in rows.append(logits.map(\.bitPattern)) }
                    return rows
                }
                let alone = try rows(0, nil)
                #expect(try rows(1, 7) == alone && rows(5, nil) == alone)
            }
        }
    }
}
