import GGUF
public import Kernels
import Model
public import Tokenizer

/// A loaded model that answers requests, many at a time.
///
/// Safe to use from any task. Forward passes run on threads of its own. Letting go of the engine
/// and of its streams shuts it down.
public final class Engine: Sendable {
    /// What the model is.
    public let info: EngineModelInfo
    private let core: EngineCore
    private let memory: Int

    /// Loads a model file: reads it whole once. Blocks; call it off the cooperative pool.
    ///
    /// - Parameter progress: Called now and then with the share of the work that is done.
    public static func load(
        path: String, configuration: EngineConfiguration = EngineConfiguration(),
        kernels: KernelTable, progress: @escaping (Double) -> Void = { _ in }
    ) throws(EngineError) -> Engine {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(path: path, error) }
        let tokenizer = try TokenizerLoader.tokenizer(of: file)
        let model = try RealModel(
            file: file, kernels: kernels, configuration: configuration, progress: progress)
        guard tokenizer.vocabularySize == model.vocabularySize else {
            throw .vocabularyMismatch(
                vocabulary: tokenizer.vocabularySize, model: model.vocabularySize)
        }
        var info = EngineModelInfo(file: file, model: model.loaded)
        let template = template(of: file, problem: &info.chatTemplateProblem)
        return try Engine(
            info: info, model: model, tokenizer: tokenizer, template: template,
            configuration: configuration)
    }

    /// The file's own template for conversations, or the plain one and why.
    private static func template(of file: GGUFFile, problem: inout String?) -> ChatTemplate {
        let key = "tokenizer.chat_template"
        guard file.has(key) else {
            problem = "the file has no chat template"
            return .plain
        }
        do { return try ChatTemplate(source: try file.string(key)) } catch {
            problem = "\(error)"
            return .plain
        }
    }

    /// What an engine for a model file will take: what it must have, and its pages. Reads the
    /// file's beginning only.
    static func claim(
        path: String, configuration: EngineConfiguration
    ) throws(EngineError) -> (fixed: Int, pages: Int) {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(path: path, error) }
        return try RealModel.claim(file: file, configuration: configuration)
    }

    init(
        info: EngineModelInfo, model: some BatchModel, tokenizer: any TokenizerProtocol,
        template: ChatTemplate = .plain, configuration: EngineConfiguration
    ) throws(EngineError) {
        let pages = try EnginePages(
            model: model, configuration: configuration,
            availableBytes: SystemMemory.availableBytes())
        var info = info
        info.contextLength = pages.contextLength
        info.makesEmbeddings = model.makesEmbeddings
        self.info = info
        memory = model.weightBytes + model.runnerBytes + pages.bytes
        core = EngineCore(
            model: model, tokenizer: tokenizer, template: template, pages: pages,
            configuration: configuration)
        try core.begin()
    }

    deinit { core.shutDown() }

    /// Takes a request. Throws at once what can be known at once: a full queue, a parameter out of
    /// range; nothing has happened then.
    ///
    /// A prompt up to ``EngineLimits/promptBytesAtOnce`` bytes is encoded here, so that one that is
    /// too long for the context, or holds unknown tokens, is refused here too. A longer text, and
    /// any request with a constraint, is prepared on a thread of the engine's; what is wrong with
    /// it then ends the stream, before `accepted`.
    public func submit(_ request: EngineRequest) throws(EngineError) -> EngineStream {
        var stream = try core.submit(request)
        stream.engine = self
        return stream
    }

    /// A vector for each text, as the model's file says; for models that make embeddings.
    public func embed(_ texts: [String]) async throws(EngineError) -> [[Float]] {
        try await core.embed(tokens: core.encode(texts))
    }

    /// A vector for each list of token ids, used as they are.
    public func embed(_ texts: [[Int32]]) async throws(EngineError) -> [[Float]] {
        try await core.embed(tokens: texts)
    }

    /// The ids of a text, as a prompt would have them with `addSpecial`.
    public func tokenize(
        _ text: String, addSpecial: Bool = true
    ) throws(EngineError) -> [Int32] {
        do {
            return try tokenizer.encode(text, addSpecial: addSpecial, parseSpecial: false)
        } catch { throw .tokenizer(error) }
    }

    /// The text of token ids, control tokens left out.
    public func detokenize(_ tokens: [Int32]) -> String {
        String(decoding: tokenizer.bytes(of: tokens), as: UTF8.self)
    }

    /// The tokenizer in use.
    public var tokenizer: any TokenizerProtocol { core.requestModel.tokenizer }

    /// How many requests wait and run, and how fast the engine was lately.
    public var load: EngineLoad { core.load }

    /// Changes whenever ``cachedPrefixes(limit:)`` may.
    public var cachedPrefixesVersion: UInt64 { core.cachedPrefixesVersion }

    /// Beginnings of prompts whose keys and values are kept, most recently used first: of each
    /// chain of pages the first, the first two, four, eight and so on, so that a few of them tell
    /// of a long prompt to within a factor of two. Takes time in proportion to `limit`.
    public func cachedPrefixes(limit: Int) -> [CachedPrefix] { core.cachedPrefixes(limit: limit) }

    /// What the weights, the worker and all pages may take together, in bytes.
    var memoryBytes: Int { memory }
    /// Whether its worker has ended, after ``shutdown()``.
    var hasStopped: Bool { core.hasStopped }

    /// On whose behalf the engine measures itself.
    public static let calibrationCaller = "calibration"

    /// Measures how fast the machine runs the model, so that ``load`` tells it before the first
    /// request: a prompt of ``EngineLimits/calibrationTokens`` tokens, and a short answer. Anyone
    /// who asks meanwhile shares the machine with it.
    public func calibrate() async throws(EngineError) {
        guard !core.model.makesEmbeddings else { return }
        let count = min(EngineLimits.calibrationTokens, info.contextLength / 2)
        let request = EngineRequest(
            id: "calibration",
            prompt: .tokens((0..<Int32(count)).map { $0 % Int32(info.vocabularySize) }),
            maxTokens: min(EngineLimits.calibrationAnswerTokens, info.contextLength - count),
            caller: Self.calibrationCaller, priority: .min)
        for try await _ in try submit(request) {}
    }

    /// Refuses new requests, and ends those that wait and those that run.
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
            fileByteCount: file.byteCount, quantisation: largest?.key.name ?? "",
            format: file.fileTypeName ?? largest?.key.name ?? "")
    }
}
