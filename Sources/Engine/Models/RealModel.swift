import GGUF
import Kernels
import Model

/// `LoadedModel` as a ``BatchModel``.
struct RealModel: BatchModel {
    let loaded: LoadedModel
    private let workers: WorkerPool

    /// Loads the weights, if there is memory for them.
    init(
        file: GGUFFile, kernels: KernelTable, configuration: EngineConfiguration
    ) throws(EngineError) {
        let threads = configuration.threads ?? SystemMemory.processorCount
        // Threads of a pool take over the niceness of the one that makes it.
        workers =
            Threads.run(niceness: configuration.niceness) { WorkerPool(threads: threads) }
            ?? WorkerPool(threads: threads)
        let needed = try Self.bytesNeeded(file: file)
        let available = configuration.memoryBytesMax ?? SystemMemory.availableBytes()
        guard needed <= available else {
            throw .notEnoughMemory(
                what: "the model", neededBytes: needed, availableBytes: available)
        }
        do {
            loaded = try LoadedModel(file: file, kernels: kernels, workers: workers)
        } catch { throw .model(reason: "\(error)") }
    }

    /// What loading `file` takes.
    static func bytesNeeded(file: GGUFFile) throws(EngineError) -> Int {
        do { return try LoadedModel.bytesNeeded(file: file) } catch {
            throw .model(reason: "\(error)")
        }
    }

    var vocabularySize: Int { loaded.configuration.vocabularySize }
    var contextLength: Int { loaded.configuration.contextLength }
    var weightBytes: Int { loaded.weightBytes }
    var runnerBytes: Int { Workspace.bytesNeeded(loaded.configuration) }

    func bytesPerPage(_ kv: KVType) -> Int? {
        KVCache.bytesNeeded(
            loaded.configuration, capacity: EngineLimits.pagePositions, type: kv)
    }

    func makeRunner(pageCount: Int, kv: KVType) throws(EngineError) -> any BatchRunner {
        do {
            return CacheRunner(
                model: loaded, kv: kv, pageCount: pageCount,
                workspace: try Workspace(model: loaded, workers: workers))
        } catch { throw .model(reason: "\(error)") }
    }
}

/// Pages over whole caches, one for each sequence: what each page holds is remembered as tokens,
/// and a sequence's cache is the one that begins most like it.
private final class CacheRunner: BatchRunner {
    private let model: LoadedModel
    private let kv: KVType
    private let workspace: Workspace
    private var pages: [[Int32]]
    private var caches: [(cache: KVCache, tokens: [Int32])] = []

    init(model: LoadedModel, kv: KVType, pageCount: Int, workspace: Workspace) {
        self.model = model
        self.kv = kv
        self.workspace = workspace
        pages = Array(
            repeating: Array(repeating: -1, count: EngineLimits.pagePositions), count: pageCount)
    }

    func copy(page: Int32, to: Int32) { pages[Int(to)] = pages[Int(page)] }

    func split(_ count: Int, _ body: (Range<Int>) -> Void) {
        workspace.workers.split(count, body)
    }

    func forward(
        _ entries: [Step.Entry], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]] {
        var result: [[Float]] = []
        for entry in entries {
            do { result.append(try run(entry, isCancelled)) } catch {
                throw EngineError(error)
            }
        }
        return result
    }

    private func run(
        _ entry: Step.Entry, _ isCancelled: () -> Bool
    ) throws(ModelError) -> [Float] {
        let size = EngineLimits.pagePositions
        var all = (0..<entry.start).map { pages[Int(entry.pages[$0 / size])][$0 % size] }
        for (offset, token) in entry.tokens.enumerated() {
            let position = entry.start + offset
            pages[Int(entry.pages[position / size])][position % size] = token
        }
        var best = (index: -1, common: -1)
        for (index, held) in caches.enumerated() {
            let common = zip(held.tokens, all).prefix { $0 == $1 }.count
            if common > best.common { best = (index, common) }
        }
        if best.index < 0 || (best.common < min(all.count, size) && caches.count < 8) {
            let cache = try KVCache(
                model: model, capacity: model.configuration.contextLength, type: kv)
            caches.append((cache, []))
            best = (caches.count - 1, 0)
        }
        let cache = caches[best.index].cache
        cache.truncate(to: best.common)
        caches[best.index].tokens = Array(all.prefix(best.common))
        let missing = Array(all[best.common...])
        if !missing.isEmpty {
            _ = try model.forward(
                tokens: missing, cache: cache, workspace: workspace, isCancelled: isCancelled)
        }
        let logits = try model.forward(
            tokens: entry.tokens, cache: cache, logits: entry.rows == .all ? .all : .last,
            workspace: workspace, isCancelled: isCancelled)
        all += entry.tokens
        caches[best.index].tokens = all
        return entry.rows == .none ? [] : logits
    }
}

extension EngineError {
    /// Turns what a forward pass threw into an engine's error.
    init(_ error: ModelError) {
        self =
            switch error {
            case .cancelled: .cancelled
            case .notANumber: .notANumber(reason: "\(error)")
            default: .model(reason: "\(error)")
            }
    }
}
