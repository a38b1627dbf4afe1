import GGUF
public import Kernels
public import Model
import Sampling

/// Logits and greedy tokens for given token ids: for comparing a model file with a reference, and
/// machines with one another. Needs no tokenizer, knows no end of a sequence, and runs on the
/// calling thread.
public struct EvaluationRun: Sendable {
    private let model: any SequenceModel

    /// How many logits a row has; token ids are below it.
    public var vocabularySize: Int { model.vocabularySize }
    /// The most tokens, those generated included.
    public var contextLength: Int { model.contextLength }

    /// Loads the model file at `path`.
    public init(
        path: String, configuration: EngineConfiguration = EngineConfiguration(),
        kernels: KernelTable
    ) throws(EngineError) {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(path: path, error) }
        model = try RealModel(file: file, kernels: kernels, configuration: configuration)
    }

    init(model: any SequenceModel) { self.model = model }

    /// Runs `tokens` in chunks of `chunk` (nil for as many as memory for logits allows), then
    /// generates `greedy` more. Gives the tokens generated.
    ///
    /// `row` is called with the logits (one single per token id) of each position in turn: those of
    /// the prompt, and of each generated token that had to be run to get the next one.
    public func run(
        tokens: [Int32], greedy: Int, kv: KVType, chunk: Int? = nil,
        row: (_ position: Int, _ logits: [Float]) throws -> Void
    ) throws -> [Int32] {
        let rowsMax = EngineLimits.evaluationLogitsBytesMax / (4 * max(model.vocabularySize, 1))
        let most = max(1, min(rowsMax, EngineLimits.chunkTokensMax))
        guard !tokens.isEmpty else { throw EngineError.emptyPrompt }
        if let wrong = tokens.first(where: { $0 < 0 || Int($0) >= model.vocabularySize }) {
            throw EngineError.tokenOutOfRange(token: wrong, vocabularySize: model.vocabularySize)
        }
        guard greedy >= 0, greedy <= model.contextLength else {
            throw EngineError.invalidRequest(
                field: "greedy", reason: "\(greedy) is not from 0 to \(model.contextLength)")
        }
        guard chunk.map({ $0 >= 1 }) ?? true else {
            throw EngineError.invalidRequest(field: "chunk", reason: "it must be at least 1")
        }
        // The last token generated is never run, so it needs no place in the context.
        let limit = model.contextLength - max(greedy - 1, 0)
        guard tokens.count <= limit else {
            throw EngineError.promptTooLong(tokens: tokens.count, limit: limit)
        }
        let capacity = tokens.count + max(greedy - 1, 0)
        let needed = model.sessionBytes(capacity: capacity, kv: kv)
        let available = SystemMemory.availableBytes()
        guard needed <= available else {
            throw EngineError.notEnoughMemory(
                what: "a context of \(capacity) tokens", neededBytes: needed,
                availableBytes: available)
        }
        let session = try model.makeSession(capacity: capacity, kv: kv)
        var last: [Float] = []
        var start = 0
        while start < tokens.count {
            let end = min(start + min(chunk ?? most, most), tokens.count)
            let logits = try session.forward(
                Array(tokens[start..<end]), everyRow: true, isCancelled: { false })
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
            let position = session.count
            last = try session.forward([token], everyRow: false, isCancelled: { false })
            try row(position, last)
        }
        return generated
    }
}
