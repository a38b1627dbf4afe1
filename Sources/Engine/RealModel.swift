import GGUF
import Kernels
import Model

/// `LoadedModel` as a ``SequenceModel``.
struct RealModel: SequenceModel {
    let loaded: LoadedModel
    /// Shared by all sessions: they run one at a time.
    private let workers: WorkerPool

    /// Loads the weights, if there is memory for them.
    init(
        file: GGUFFile, kernels: KernelTable, configuration: EngineConfiguration
    ) throws(EngineError) {
        workers = WorkerPool(threads: configuration.threads ?? SystemMemory.processorCount)
        let needed: Int
        do { needed = try LoadedModel.bytesNeeded(file: file) } catch {
            throw .model(reason: "\(error)")
        }
        let available = configuration.memoryBytesMax ?? SystemMemory.availableBytes()
        guard needed <= available else {
            throw .notEnoughMemory(
                what: "the model", neededBytes: needed, availableBytes: available)
        }
        do {
            loaded = try LoadedModel(file: file, kernels: kernels, workers: workers)
        } catch { throw .model(reason: "\(error)") }
    }

    var vocabularySize: Int { loaded.configuration.vocabularySize }
    var contextLength: Int { loaded.configuration.contextLength }

    func sessionBytes(capacity: Int, kv: KVType) -> Int {
        KVCache.bytesNeeded(loaded.configuration, capacity: capacity, type: kv)
            + Workspace.bytesNeeded(loaded.configuration)
    }

    func makeSession(capacity: Int, kv: KVType) throws(EngineError) -> any SequenceSession {
        do {
            return RealSession(
                model: loaded, cache: try KVCache(model: loaded, capacity: capacity, type: kv),
                workspace: try Workspace(model: loaded, workers: workers))
        } catch { throw .model(reason: "\(error)") }
    }
}

/// A sequence in a `LoadedModel`.
private final class RealSession: SequenceSession {
    private let model: LoadedModel
    private let cache: KVCache
    private let workspace: Workspace

    init(model: LoadedModel, cache: KVCache, workspace: Workspace) {
        self.model = model
        self.cache = cache
        self.workspace = workspace
    }

    var count: Int { cache.count }

    func truncate(to count: Int) { cache.truncate(to: count) }

    func forward(
        _ tokens: [Int32], everyRow: Bool, isCancelled: () -> Bool
    ) throws(EngineError) -> [Float] {
        do {
            return try model.forward(
                tokens: tokens, cache: cache, logits: everyRow ? .all : .last,
                workspace: workspace, isCancelled: isCancelled)
        } catch {
            switch error {
            case .cancelled: throw .cancelled
            case .notANumber: throw .notANumber(reason: "\(error)")
            default: throw .model(reason: "\(error)")
            }
        }
    }
}
