import Foundation
import Testing

@testable import Sampling

@Suite struct RuleTests {
    /// Every draw of `parameters` is among what the oracle leaves, about as often as it says.
    private func agrees(
        _ parameters: SamplingParameters, _ logits: [Float], history: [Int32] = [],
        allowed: TokenMask? = nil, draws: UInt32 = 100
    ) throws {
        let expected = Oracle(parameters: parameters).distribution(
            logits, history: history, answered: 0, allowed: allowed)
        var counts: [Int: Int] = [:]
        var workspace = SamplerWorkspace()
        let sampler = try Sampler(parameters: parameters, choice: 0)
        for draw in 0..<draws {
            // A choice per draw would do as well; the index must not say that there is an answer.
            let token = try sampler.sample(
                logits: logits, index: draw, history: history, allowed: allowed,
                workspace: &workspace)
            counts[Int(token.id), default: 0] += 1
        }
        let possible = Set(expected.map(\.id))
        #expect(Set(counts.keys).isSubset(of: possible), "\(parameters)")
        for (id, probability) in expected {
            let share = Double(counts[id] ?? 0) / Double(draws)
            let deviation = (probability * (1 - probability) / Double(draws)).squareRoot()
            // The second term is for counts so low that they are not normally distributed.
            #expect(
                abs(share - probability) < 5 * deviation + 5 / Double(draws),
                "\(id) of \(parameters)")
        }
    }

    @Test("Any mixture of rules leaves what their definitions leave")
    func mixturesAgreeWithTheDefinitions() throws {
        var random = TestRandom(1)
        for round in 0..<42 {
            let count = [3, 17, 64, 65, 200][round % 5]
            let logits = (0..<count).map { _ in random.next(-4...4) }
            var parameters = SamplingParameters(
                temperature: random.next(0.3...2), seed: random.next())
            if round % 2 == 0 { parameters.topK = 2 + random.next(below: count) }
            if round % 3 == 0 { parameters.topP = random.next(0.2...0.99) }
            if round % 5 == 0 { parameters.minP = random.next(0...0.3) }
            if round % 4 == 0 { parameters.typicalP = random.next(0.2...0.99) }
            if round % 7 == 0 { parameters.logitBias = [1: 2.5, 2: -3] }
            var history: [Int32] = []
            if round % 2 == 1 {
                parameters.repetitionPenalty = random.next(0.7...1.6)
                parameters.repetitionWindow = random.next(below: 6)
                history = (0..<10).map { _ in Int32(random.next(below: count)) }
            }
            var allowed: TokenMask?
            if round % 6 == 0 {
                var mask = TokenMask(count: count)
                for id in 0..<Int32(count) where random.next(below: 3) > 0 { mask.insert(id) }
                mask.insert(0)
                allowed = mask
            }
            try agrees(parameters, logits, history: history, allowed: allowed)
        }
    }

    /// Logits are chosen so that the token taken without a penalty changes with it.
    private func greedy(
        _ parameters: SamplingParameters, _ logits: [Float], prompt: [Int32], answer: [Int32]
    ) throws -> Int32 {
        var sampler = try Sampler(parameters: parameters, choice: 0)
        return try sampler.sample(
            logits: logits, index: UInt32(answer.count), history: prompt + answer
        ).id
    }

    @Test("The repetition penalty sees prompt and answer, within its window")
    func repetitionPenaltySeesPromptAndAnswer() throws {
        let logits: [Float] = [4, 3, 2.5]
        let parameters = SamplingParameters(repetitionPenalty: 1.5)
        #expect(try greedy(parameters, logits, prompt: [], answer: []) == 0)
        #expect(try greedy(parameters, logits, prompt: [0], answer: []) == 1)
        #expect(try greedy(parameters, logits, prompt: [0], answer: [1]) == 0)
        #expect(try greedy(parameters, logits, prompt: [0, 0, 1, 2], answer: []) == 0)
        var short = parameters
        short.repetitionWindow = 1
        #expect(try greedy(short, logits, prompt: [0, 2], answer: []) == 0)
        #expect(try greedy(short, logits, prompt: [2, 0], answer: []) == 1)
        // Negative logits are multiplied: the token becomes less likely, not more.
        #expect(try greedy(parameters, [-1, -1.2], prompt: [0], answer: []) == 1)
    }

    @Test("Presence and frequency penalties see the answer alone and count as OpenAI's formula")
    func presenceAndFrequencySeeTheAnswerAlone() throws {
        let logits: [Float] = [2, 1.45, 0.95]
        let presence = SamplingParameters(presencePenalty: 1)
        #expect(try greedy(presence, logits, prompt: [0], answer: []) == 0)
        #expect(try greedy(presence, logits, prompt: [1], answer: [0]) == 1)
        #expect(try greedy(presence, logits, prompt: [], answer: [0, 0, 0, 1]) == 0)
        let frequency = SamplingParameters(frequencyPenalty: 0.5)
        #expect(try greedy(frequency, logits, prompt: [], answer: [0]) == 0)
        #expect(try greedy(frequency, logits, prompt: [0], answer: [0, 0]) == 1)
        #expect(try greedy(frequency, logits, prompt: [], answer: [0, 0, 0, 1, 1]) == 2)
        // A negative penalty makes what occurred likelier.
        let negative = SamplingParameters(presencePenalty: -1)
        #expect(try greedy(negative, logits, prompt: [], answer: [1]) == 1)
    }

    @Test("Token ids that the vocabulary has not are passed over")
    func foreignIdsAreIgnored() throws {
        let parameters = SamplingParameters(
            repetitionPenalty: 2, presencePenalty: 1, frequencyPenalty: 1, logitBias: [99: 100])
        #expect(
            try greedy(parameters, [1, 2], prompt: [-5, 7, .max, .min], answer: [2, -1]) == 1)
    }

    @Test("A bias moves a token, and never brings back an impossible one")
    func biasMovesATokenButNotAnImpossibleOne() throws {
        let parameters = SamplingParameters(logitBias: [0: 100, 2: 1.5])
        var sampler = try Sampler(parameters: parameters, choice: 0)
        let token = try sampler.sample(logits: [-.infinity, 2, 1], index: 0, history: [])
        #expect(token.id == 2)
    }

    @Test("A constraint leaves only its tokens, and none is an error")
    func constraintLeavesOnlyItsTokens() throws {
        let logits = (0..<200).map { Float($0) }
        var mask = TokenMask(count: 190)
        mask.insert(70)
        mask.insert(3)
        for temperature in [Float(0), 1, 50] {
            var sampler = try Sampler(
                parameters: SamplingParameters(temperature: temperature), choice: 0)
            for index in 0..<15 {
                let token = try sampler.sample(
                    logits: logits, index: UInt32(index), history: [], allowed: mask)
                #expect(mask.contains(token.id))
            }
            #expect(throws: SamplingError.nothingToSample) {
                try sampler.sample(
                    logits: logits, index: 0, history: [], allowed: TokenMask(count: 200))
            }
        }
    }

    @Test("A penalty never makes a finite logit infinite")
    func penaltiesKeepLogitsFinite() throws {
        let highest = Float.greatestFiniteMagnitude
        let parameters = SamplingParameters(
            repetitionPenalty: 0.01, presencePenalty: -2, logprobs: 1)
        var sampler = try Sampler(parameters: parameters, choice: 0)
        let token = try sampler.sample(logits: [highest, 1], index: 1, history: [0])
        #expect(token.id == 0)
    }

    @Test("One workspace serves samplers of different vocabularies and rules")
    func aWorkspaceCarriesNothingOver() throws {
        var random = TestRandom(5)
        var shared = SamplerWorkspace()
        for round in 0..<20 {
            let logits = (0..<(1 + random.next(below: 300))).map { _ in random.next(-3...3) }
            let history = (0..<20).map { _ in Int32(random.next(below: logits.count)) }
            let parameters = SamplingParameters(
                temperature: round % 3 == 0 ? 0 : 1, topK: round % 4 * 10, topP: 0.9,
                typicalP: round % 2 == 0 ? 0.8 : 1, repetitionPenalty: 1.2, presencePenalty: 0.5,
                logprobs: round % 5, seed: UInt64(round))
            let sampler = try Sampler(parameters: parameters, choice: 1)
            var fresh = SamplerWorkspace()
            let alone = try sampler.sample(
                logits: logits, index: 7, history: history, workspace: &fresh)
            let together = try sampler.sample(
                logits: logits, index: 7, history: history, workspace: &shared)
            #expect(alone == together)
        }
    }
}
