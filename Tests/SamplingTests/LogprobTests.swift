import Foundation
import Testing

@testable import Sampling

@Suite struct LogprobTests {
    @Test("Log probabilities are those of the raw logits, whatever rules apply")
    func logprobsAreTheModelsOwn() throws {
        var random = TestRandom(9)
        for round in 0..<30 {
            let logits = (0..<(5 + round * 7)).map { _ in random.next(-12...12) }
            let peak = Double(logits.max() ?? 0)
            let total = logits.reduce(0) { $0 + exp(Double($1) - peak) }
            let expected = logits.map { Double($0) - peak - log(total) }
            var mask = TokenMask(count: logits.count, all: true)
            mask.remove(0)
            var sampler = try Sampler(
                parameters: SamplingParameters(
                    temperature: 0.5, topK: 3, repetitionPenalty: 1.3, logitBias: [1: 5],
                    logprobs: 4),
                choice: 0)
            let token = try sampler.sample(
                logits: logits, index: 1, history: [2, 3], allowed: round % 2 == 0 ? mask : nil)
            let logprob = try #require(token.logprob)
            #expect(abs(Double(logprob) - expected[Int(token.id)]) < 2e-6)
            let likeliest = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(4)
            #expect(token.top.map { Int($0.id) } == Array(likeliest))
            for entry in token.top {
                #expect(abs(Double(entry.logprob) - expected[Int(entry.id)]) < 2e-6)
            }
        }
    }

    @Test("Alternatives come likeliest first, the lower id of equals, none that is impossible")
    func alternativesAreOrdered() throws {
        var sampler = try Sampler(parameters: SamplingParameters(logprobs: 4), choice: 0)
        let token = try sampler.sample(
            logits: [1, 2, -.infinity, 2, 2, 0], index: 0, history: [])
        #expect(token.id == 1)
        #expect(token.top.map(\.id) == [1, 3, 4, 0])
        let few = try sampler.sample(logits: [-.infinity, 5], index: 0, history: [])
        #expect(few.top == [TokenLogprob(id: 1, logprob: 0)])
    }

    @Test("None are reported unless asked for, and zero alternatives still give the chosen one's")
    func reportedOnlyWhenAskedFor() throws {
        var silent = try Sampler(parameters: SamplingParameters(), choice: 0)
        #expect(try silent.sample(logits: [0, 1], index: 0, history: []) == SampledToken(id: 1))
        var own = try Sampler(parameters: SamplingParameters(logprobs: 0), choice: 0)
        let token = try own.sample(logits: [0, 0], index: 0, history: [])
        #expect(token.top.isEmpty)
        #expect(abs((token.logprob ?? 0) + 0.693_147_2) < 1e-6)
    }
}
