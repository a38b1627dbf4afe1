import GGUF
public import Kernels
public import Model
import Sampling

/// Logits and greedy tokens for given token ids: for comparing a model file with a reference, and
/// machines with one another. Needs no tokenizer, knows no end of a sequence, and runs on the
/// calling thread.
public struct EvaluationRun: Sendable {
    private let model: any BatchModel

    /// How many logits a row has; token ids are below it.
    public var vocabularySize: Int { model.vocabularySize }
    /// The most tokens, those generated included.
    public var contextLength: Int { model.contextLength }

    /// The types of keys and values that the model takes.
    public var kvTypes: [KVType] { KVType.allCases.filter { model.bytesPerPage($0) != nil } }

    /// Loads the model file at `path`.
    public init(
        path: String, configuration: EngineConfiguration = EngineConfiguration(),
        kernels: KernelTable
    ) throws(EngineError) {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(path: path, error) }
        model = try RealModel(file: file, kernels: kernels, configuration: configuration)
    }

    init(model: any BatchModel) { self.model = model }

    /// Runs `tokens` in chunks of `chunk` (nil for as many as memory for logits allows), then
    /// generates `greedy` more. Gives the tokens generated.
    ///
    /// `row` is called with the logits (one single per token id) of each position in turn: those of
    /// the prompt, and of each generated token that had to be run to get the next one.
    ///
    /// - Parameter companions: How many other sequences run in the same passes, each of tokens
    ///   derived from these and of another length. They change no bit.
    public func run(
        tokens: [Int32], greedy: Int, kv: KVType, chunk: Int? = nil, companions: Int = 0,
        row: (_ position: Int, _ logits: [Float]) throws -> Void
    ) throws -> [Int32] {
        let rowsMax = EngineLimits.evaluationLogitsBytesMax / (4 * max(model.vocabularySize, 1))
        let most = max(1, min(rowsMax, EngineLimits.chunkTokensMax))
        try check(tokens: tokens, greedy: greedy, chunk: chunk, companions: companions)
        var batch = try Batch(
            model: model, tokens: tokens, capacity: tokens.count + max(greedy - 1, 0), kv: kv,
            companions: companions)
        var last: [Float] = []
        var start = 0
        while start < tokens.count {
            let end = min(start + min(chunk ?? most, most), tokens.count)
            let logits = try batch.run(Array(tokens[start..<end]), rows: .all)
            for position in start..<end {
                let first = (position - start) * model.vocabularySize
                last = Array(logits[first..<first + model.vocabularySize])
                try row(position, last)
            }
            start = end
        }
        var generated: [Int32] = []
        let sampler = try Sampler(parameters: SamplingParameters(), choice: 0)
        while generated.count < greedy {
            let token = try sampler.sample(logits: last, index: UInt32(generated.count))
            generated.append(token)
            guard generated.count < greedy else { break }
            let position = batch.count
            last = try batch.run([token], rows: .last)
            try row(position, last)
        }
        return generated
    }

    private func check(
        tokens: [Int32], greedy: Int, chunk: Int?, companions: Int
    ) throws(EngineError) {
        guard !tokens.isEmpty else { throw .emptyPrompt }
        if let wrong = tokens.first(where: { $0 < 0 || Int($0) >= model.vocabularySize }) {
            throw .tokenOutOfRange(token: wrong, vocabularySize: model.vocabularySize)
        }
        guard greedy >= 0, greedy <= model.contextLength else {
            throw .invalidRequest(
                field: "greedy", reason: "\(greedy) is not from 0 to \(model.contextLength)")
        }
        guard chunk.map({ $0 >= 1 }) ?? true else {
            throw .invalidRequest(field: "chunk", reason: "it must be at least 1")
        }
        guard 0...EngineLimits.evaluationCompanionsMax ~= companions else {
            throw .invalidRequest(
                field: "companions",
                reason: "\(companions) is not from 0 to \(EngineLimits.evaluationCompanionsMax)")
        }
        // The last token generated is never run, so it needs no place in the context.
        let limit = model.contextLength - max(greedy - 1, 0)
        guard tokens.count <= limit else {
            throw .promptTooLong(tokens: tokens.count, limit: limit)
        }
    }
}

extension EvaluationRun {
    /// One sequence in passes that it shares with others.
    private struct Batch {
        private let runner: any BatchRunner
        private let vocabularySize: Int
        private let pages: [Int32]
        private var companions: [Companion] = []
        /// Positions that ran.
        private(set) var count = 0

        /// A sequence made of another's tokens. It goes on from pass to pass, and begins anew when
        /// its pages are full.
        private struct Companion {
            var tokens: [Int32]
            var pages: [Int32]
            var start = 0

            mutating func next(_ count: Int) -> (tokens: [Int32], start: Int) {
                if start == tokens.count { start = 0 }
                let end = min(start + count, tokens.count)
                defer { start = end }
                return (Array(tokens[start..<end]), start)
            }
        }

        init(
            model: any BatchModel, tokens: [Int32], capacity: Int, kv: KVType, companions: Int
        ) throws(EngineError) {
            let size = EngineLimits.pagePositions
            let each = (capacity + size - 1) / size
            let count = each * (companions + 1)
            guard let pageBytes = model.bytesPerPage(kv) else { throw model.refusal(of: kv) }
            let needed = pageBytes * count + model.runnerBytes
            let available = SystemMemory.availableBytes()
            guard needed <= available else {
                throw .notEnoughMemory(
                    what: "a context of \(capacity) tokens, \(companions + 1) times",
                    neededBytes: needed, availableBytes: available)
            }
            runner = try model.makeRunner(pageCount: count, kv: kv)
            vocabularySize = model.vocabularySize
            pages = (0..<Int32(each)).map { $0 }
            for index in 0..<companions {
                let first = Int32(each * (index + 1))
                let length = max(1, min(capacity, tokens.count * (index % 3 + 1) / 2 + index))
                self.companions.append(
                    Companion(
                        tokens: (0..<length).map { place in
                            let token = Int(tokens[(place + index) % tokens.count])
                            return Int32((token + 7 * (index + 1)) % vocabularySize)
                        }, pages: (first..<first + Int32(each)).map { $0 }))
            }
        }

        /// The logits of the sequence's next tokens.
        mutating func run(_ tokens: [Int32], rows: Step.Rows) throws(EngineError) -> [Float] {
            let own = Step.Entry(
                sequence: SequenceID(request: 0, choice: 0), tokens: tokens, start: count,
                pages: pages, rows: rows, sampled: [])
            var entries = [own]
            for index in companions.indices {
                // Pieces of other lengths than the sequence's own.
                let (tokens, start) = companions[index].next(1 + (tokens.count + index) % 40)
                let entry = Step.Entry(
                    sequence: SequenceID(request: 1 + index, choice: 0), tokens: tokens,
                    start: start, pages: companions[index].pages,
                    rows: index % 2 == 0 ? .last : .none, sampled: [])
                // Before and after it, by turns.
                entries.insert(entry, at: index % 2 == 0 ? 0 : entries.count)
            }
            let logits = try runner.forward(entries, isCancelled: { false })
            count += tokens.count
            let place = entries.firstIndex { $0.sequence.request == 0 } ?? 0
            return logits[place]
        }
    }
}
