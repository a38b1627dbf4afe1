import Engine
import Kernels
import Model

/// Tokens per second of one model file.
struct ModelReport: Encodable {
    /// With one instruction set.
    struct Figures: Encodable {
        let instructionSet: String
        /// Of the prompt, logits computed for each of its positions.
        let prefillTokensPerSecond: Double
        /// Over the portable kernels in the same round.
        let prefillSpeedUpOverPortable: Double
        /// Of the tokens generated, one at a time.
        let decodeTokensPerSecond: Double
        /// Over the portable kernels in the same round.
        let decodeSpeedUpOverPortable: Double
    }

    let file: String
    let promptTokens: Int
    let generatedTokens: Int
    let instructionSets: [Figures]
}

/// Forward passes of a whole model, by the path that `shoal gguf eval` takes.
struct ModelBenchmark {
    let path: String
    let promptTokens: Int
    let generatedTokens: Int
    let rounds: Int
    let threads: Int

    func report() throws -> ModelReport {
        let tables = InstructionSet.allCases.compactMap { KernelTable($0) }
        let configuration = EngineConfiguration(threads: threads)
        let runs = try tables.map {
            try EvaluationRun(path: path, configuration: configuration, kernels: $0)
        }
        let generated = min(generatedTokens, runs[0].contextLength / 2)
        let prompt = tokens(
            min(promptTokens, runs[0].contextLength - generated), below: runs[0].vocabularySize)
        var prefill = tables.map { _ in Rounds() }
        var decode = tables.map { _ in Rounds() }
        // The first round warms up and does not count.
        for round in 0...rounds {
            for (index, run) in runs.enumerated() {
                let sample = try sample(run, prompt: prompt, generated: generated)
                guard round > 0 else { continue }
                prefill[index].append(sample.prefill)
                decode[index].append(sample.decode)
            }
        }
        return ModelReport(
            file: path.split(separator: "/").last.map(String.init) ?? path,
            promptTokens: prompt.count, generatedTokens: generated,
            instructionSets: tables.indices.map { index in
                ModelReport.Figures(
                    instructionSet: tables[index].instructionSet.rawValue,
                    prefillTokensPerSecond: prefill[index].median,
                    prefillSpeedUpOverPortable: prefill[index].over(prefill[0]).median,
                    decodeTokensPerSecond: decode[index].median,
                    decodeSpeedUpOverPortable: decode[index].over(decode[0]).median)
            })
    }

    /// Tokens per second of the prompt and of what follows it.
    private func sample(
        _ run: EvaluationRun, prompt: [Int32], generated: Int
    ) throws -> (prefill: Double, decode: Double) {
        let begin = Clock.now(threads: threads)
        var promptDone = begin
        var last = begin
        _ = try run.run(tokens: prompt, greedy: generated, kv: .f16) { position, _ in
            last = Clock.now(threads: threads)
            if position == prompt.count - 1 { promptDone = last }
        }
        // The last token generated is not run through the model any more.
        return (
            Double(prompt.count) / (promptDone - begin),
            Double(generated - 1) / (last - promptDone)
        )
    }

    private func tokens(_ count: Int, below limit: Int) -> [Int32] {
        var random = SeededGenerator(seed: 3)
        return (0..<count).map { _ in Int32(random.next() % UInt64(max(limit, 1))) }
    }
}
