import GGUF
import Kernels
import Model
import Platform

/// `LoadedModel` as a ``BatchModel``.
struct RealModel: BatchModel {
    let loaded: LoadedModel
    private let workers: WorkerPool

    /// Loads the weights, if there is memory for them.
    init(
        file: GGUFFile, kernels: KernelTable, configuration: EngineConfiguration,
        progress: @escaping (Double) -> Void = { _ in }
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
            loaded = try LoadedModel(
                file: file, kernels: kernels, workers: workers, progress: progress)
        } catch { throw .model(reason: "\(error)") }
    }

    /// What loading `file` takes.
    static func bytesNeeded(file: GGUFFile) throws(EngineError) -> Int {
        do { return try LoadedModel.bytesNeeded(file: file) } catch {
            throw .model(reason: "\(error)")
        }
    }

    /// What an engine for `file` takes: its weights and worker, and all its pages.
    static func claim(
        file: GGUFFile, configuration: EngineConfiguration
    ) throws(EngineError) -> (fixed: Int, pages: Int) {
        let weights = try bytesNeeded(file: file)
        let shape: ModelConfiguration
        do { shape = try ModelConfiguration(file: file) } catch {
            throw .model(reason: "\(error)")
        }
        let pageBytes = KVType.allCases.filter { $0.fits(shape) }.map {
            KVPages.bytesPerPage(shape, type: $0)
        }.max()
        let count = EnginePages.usefulCount(
            contextLength: shape.contextLength, configuration: configuration)
        // A page is at most 2^44 bytes, of which there are at most 2^16.
        let pages = min((pageBytes ?? 0) * count, configuration.pageBytesMax ?? .max)
        return (weights + Workspace.bytesNeeded(shape), pages)
    }

    var vocabularySize: Int { loaded.configuration.vocabularySize }
    var contextLength: Int { loaded.configuration.contextLength }
    var makesEmbeddings: Bool { loaded.configuration.isEncoder }
    var weightBytes: Int { loaded.weightBytes }
    var runnerBytes: Int { Workspace.bytesNeeded(loaded.configuration) }

    func bytesPerPage(_ kv: KVType) -> Int? {
        kv.fits(loaded.configuration)
            ? KVPages.bytesPerPage(loaded.configuration, type: kv) : nil
    }

    func makeRunner(pageCount: Int, kv: KVType) throws(EngineError) -> any BatchRunner {
        do {
            return PageRunner(
                model: loaded,
                pages: try KVPages(
                    configuration: loaded.configuration, pageCount: pageCount, type: kv),
                workspace: try Workspace(model: loaded, workers: workers))
        } catch { throw EngineError(error) }
    }

    func makeEmbedder() throws(EngineError) -> any TextEmbedder {
        do {
            return RealEmbedder(
                model: loaded, workspace: try Workspace(model: loaded, workers: workers))
        } catch { throw EngineError(error) }
    }
}

/// Runs steps over pages of a `LoadedModel`.
private final class PageRunner: BatchRunner {
    private let model: LoadedModel
    private let pages: KVPages
    private let workspace: Workspace

    init(model: LoadedModel, pages: KVPages, workspace: Workspace) {
        self.model = model
        self.pages = pages
        self.workspace = workspace
    }

    func copy(page: Int32, to: Int32) { pages.copy(page: Int(page), to: Int(to)) }

    func split(_ count: Int, _ body: (Range<Int>) -> Void) {
        workspace.workers.split(count, body)
    }

    func forward(
        _ entries: [Step.Entry], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]] {
        do {
            return try model.forward(
                batch: entries.map {
                    BatchEntry(
                        tokens: $0.tokens, start: $0.start, pages: $0.pages,
                        logits: LogitsRows($0.rows))
                }, pages: pages, workspace: workspace, isCancelled: isCancelled)
        } catch { throw EngineError(error) }
    }
}

/// Makes vectors with a `LoadedModel`.
private final class RealEmbedder: TextEmbedder {
    private let model: LoadedModel
    private let workspace: Workspace

    init(model: LoadedModel, workspace: Workspace) {
        self.model = model
        self.workspace = workspace
    }

    func embed(
        _ texts: [[Int32]], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]] {
        do {
            return try model.embed(
                tokens: texts, workspace: workspace, isCancelled: isCancelled)
        } catch { throw EngineError(error) }
    }
}

extension LogitsRows {
    fileprivate init(_ rows: Step.Rows) {
        self =
            switch rows {
            case .none: .none
            case .last: .last
            case .all: .all
            }
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
