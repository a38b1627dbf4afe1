import Engine
import Gossip
public import Kernels
import Mesh
import Model
import Synchronization
public import Wire

/// The models of this node: each file with its digest and its name. Their engines are in one host:
/// under one budget of memory, the least recently used leaving it first.
public final class ModelStore: Sendable {
    /// A model of this node. Its engine is in ``host`` under its name.
    struct Entry: Sendable {
        let digest: ModelDigest
        let name: String
        let path: String
        let info: EngineModelInfo

        var task: ModelTask { info.makesEmbeddings ? .embedding : .generation }
    }

    let host: ModelHost
    private let entries = Mutex<[Entry]>([])
    private let ladders: Ladders
    /// Rings when there is work.
    let work = WorkBell()

    /// An empty store.
    ///
    /// - Parameters:
    ///   - memoryBytesMax: What all models together may take; nil for what is available now.
    ///   - threads: Threads of each engine; nil for one per processor.
    ///   - ladders: The aliases that models are announced under.
    public init(
        kernels: KernelTable, memoryBytesMax: Int? = nil, threads: Int? = nil,
        ladders: Ladders = .none
    ) {
        self.ladders = ladders
        host = ModelHost(
            configuration: ModelHost.Configuration(
                memoryBytesMax: memoryBytesMax, engine: EngineConfiguration(threads: threads)),
            kernels: kernels)
    }

    /// A model that cannot be added: which file, and why.
    public struct LoadError: Error, Sendable, CustomStringConvertible {
        /// The file.
        public let path: String
        /// Why, and what to do.
        public let reason: String
        /// Whether this machine lacks memory for it, rather than the file being wrong.
        public let isAboutMemory: Bool
        /// The file and the reason.
        public var description: String { "\(path): \(reason)" }

        init(path: String, reason: String, isAboutMemory: Bool = false) {
            self.path = path
            self.reason = reason
            self.isAboutMemory = isAboutMemory
        }
    }

    /// The path and the name of `PATH` or `NAME=PATH`.
    public static func split(_ specification: String) -> (path: String, name: String) {
        guard let equals = specification.firstIndex(of: "="), !specification.hasPrefix("/") else {
            return (specification, name(ofFile: specification))
        }
        return (
            String(specification[specification.index(after: equals)...]),
            String(specification[..<equals])
        )
    }

    /// Loads a model file once, which checks all of it, and adds it. It stays in memory as long as
    /// there is room.
    ///
    /// - Parameters:
    ///   - specification: A path, or `NAME=PATH` to serve it under another name than the file's.
    ///   - digest: Computes the file's digest, once it is known to be a model.
    public func load(
        _ specification: String, digest: (_ path: String) async throws -> ModelDigest
    ) async throws {
        let (path, name) = Self.split(specification)
        guard (1...GossipLimits.modelNameBytesMax).contains(name.utf8.count) else {
            throw LoadError(
                path: path,
                reason: "its name '\(name)' is longer than "
                    + "\(GossipLimits.modelNameBytesMax) bytes: give it one with NAME=PATH")
        }
        try entries.withLock { entries in
            guard entries.count < GossipLimits.modelsMax else {
                throw LoadError(
                    path: path,
                    reason: "a node serves at most \(GossipLimits.modelsMax) models")
            }
            guard !entries.contains(where: { $0.name == name }) else {
                throw LoadError(
                    path: path,
                    reason: "another model is already called '\(name)': "
                        + "give it a name with NAME=PATH")
            }
        }
        let info: EngineModelInfo
        do throws(EngineError) {
            try host.add(name: name, path: path)
            info = try await host.engine(name).info
        } catch {
            switch error {
            case .file: throw error  // it names the file already, and whether it could be read
            case .notEnoughMemory:
                throw LoadError(path: path, reason: "\(error)", isAboutMemory: true)
            default: throw LoadError(path: path, reason: "\(error)")
            }
        }
        let entry = Entry(
            digest: try await digest(path), name: name, path: path, info: info)
        entries.withLock { $0.append(entry) }
    }

    /// `stories260K-q8_0` of `/models/stories260K-q8_0.gguf`.
    static func name(ofFile path: String) -> String {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file
    }

    func entry(_ digest: ModelDigest) -> Entry? {
        entries.withLock { $0.first { $0.digest == digest } }
    }

    /// What this node offers, in the order of loading.
    var offers: [ModelOffer] {
        all.map {
            ModelOffer(
                digest: $0.digest, name: $0.name,
                contextLength: UInt32(clamping: $0.info.contextLength), task: $0.task,
                format: $0.info.format, rungs: ladders.rungs(of: $0.name))
        }
    }

    /// All models, in the order of loading.
    var all: [Entry] { entries.withLock { $0 } }

    /// Whether a model is on its way into memory, for requests that wait for it.
    var isLoading: Bool { host.models.values.contains(.loading) }

    /// What this node offers and runs, for gossip.
    var metadata: MemberMetadata {
        MemberMetadata(
            software: "shoal \(ShoalVersion.current)", numerics: NumericsID.current,
            kvTypes: KVType.allCases.reduce(0) { $0 | 1 << $1.rawValue }, models: offers)
    }

    /// Ends all engines.
    func shutdown() {
        host.shutdown()
    }
}
