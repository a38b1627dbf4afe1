import GGUF
public import Kernels
import Model
public import Tokenizer

/// A loaded model that answers requests, one at a time, in the order of arrival.
///
/// Safe to use from any task. Forward passes run on a thread of its own. Letting go of the engine
/// and of its streams shuts it down.
public final class Engine: Sendable {
    /// What the model is.
    public let info: EngineModelInfo
    private let core: EngineCore

    /// Loads a model file: reads it whole once. Blocks; call it off the cooperative pool.
    public static func load(
        path: String, configuration: EngineConfiguration = EngineConfiguration(),
        kernels: KernelTable
    ) throws(EngineError) -> Engine {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(path: path, error) }
        let tokenizer = try TokenizerLoader.tokenizer(of: file)
        let model = try RealModel(file: file, kernels: kernels, configuration: configuration)
        guard tokenizer.vocabularySize == model.vocabularySize else {
            throw .vocabularyMismatch(
                vocabulary: tokenizer.vocabularySize, model: model.vocabularySize)
        }
        return try Engine(
            info: EngineModelInfo(file: file, model: model.loaded), model: model,
            tokenizer: tokenizer, configuration: configuration)
    }

    init(
        info: EngineModelInfo, model: any SequenceModel, tokenizer: any TokenizerProtocol,
        configuration: EngineConfiguration
    ) throws(EngineError) {
        self.info = info
        core = EngineCore(model: model, tokenizer: tokenizer, configuration: configuration)
        try core.start()
    }

    deinit { core.shutDown() }

    /// Takes a request. Throws at once what can be known at once: a full queue, a prompt too long,
    /// a parameter out of range; nothing has happened then. Encodes the prompt on the calling
    /// thread.
    public func submit(_ request: EngineRequest) throws(EngineError) -> EngineStream {
        var stream = try core.submit(request)
        stream.engine = self
        return stream
    }

    /// The ids of a text, as a prompt would have them with `addSpecial`.
    public func tokenize(
        _ text: String, addSpecial: Bool = true
    ) throws(EngineError) -> [Int32] {
        do {
            return try core.tokenizer.encode(text, addSpecial: addSpecial, parseSpecial: false)
        } catch { throw .tokenizer(error) }
    }

    /// The text of token ids, control tokens left out.
    public func detokenize(_ tokens: [Int32]) -> String {
        String(decoding: core.tokenizer.bytes(of: tokens), as: UTF8.self)
    }

    /// The tokenizer in use.
    public var tokenizer: any TokenizerProtocol { core.tokenizer }

    /// How many requests wait and how many run.
    public var load: (queued: Int, running: Int) { core.load }

    /// Refuses new requests, ends those that wait and cancels the one that runs.
    public func shutdown() { core.shutDown() }
}

extension EngineModelInfo {
    init(file: GGUFFile, model: LoadedModel) {
        let stem = file.path.split(separator: "/").last.map(String.init) ?? ""
        let fallback = stem.hasSuffix(".gguf") ? String(stem.dropLast(5)) : stem
        let named = try? file.string("general.name")
        var bytes: [GGUFTensorType: Int] = [:]
        for tensor in file.tensors { bytes[tensor.type, default: 0] += tensor.byteCount }
        let largest = bytes.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }
        self.init(
            name: named.flatMap { $0.isEmpty ? nil : $0 } ?? fallback,
            architecture: (try? file.string("general.architecture")) ?? "",
            contextLength: model.configuration.contextLength,
            vocabularySize: model.configuration.vocabularySize,
            parameterCount: file.tensors.reduce(0) { $0 + $1.elementCount },
            fileByteCount: file.byteCount, quantisation: largest?.key.name ?? "")
    }
}
