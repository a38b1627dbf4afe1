import Engine
import Gossip
public import Kernels
import Mesh
import Synchronization
public import Wire

/// The models of this node: each file with its digest, its name and its engine.
public final class ModelStore: Sendable {
    /// A model that is loaded.
    struct Entry: Sendable {
        let digest: ModelDigest
        let name: String
        let path: String
        let engine: Engine
    }

    private let entries: Mutex<[Entry]>

    /// An empty store.
    public init() { entries = Mutex([]) }

    /// A model that cannot be added: which file, and why.
    public struct LoadError: Error, Sendable, CustomStringConvertible {
        /// The file.
        public let path: String
        /// Why, and what to do.
        public let reason: String
        /// The file and the reason.
        public var description: String { "\(path): \(reason)" }
    }

    /// Loads a model file and adds it. Blocks: call it off the cooperative pool.
    ///
    /// - Parameters:
    ///   - specification: A path, or `NAME=PATH` to serve it under another name than the file's.
    ///   - digest: Computes the file's digest.
    public func load(
        _ specification: String, kernels: KernelTable,
        digest: (_ path: String) throws -> ModelDigest
    ) throws {
        var path = specification
        var name: String?
        if let equals = specification.firstIndex(of: "="), !specification.hasPrefix("/") {
            name = String(specification[..<equals])
            path = String(specification[specification.index(after: equals)...])
        }
        do {
            let engine = try Engine.load(path: path, kernels: kernels)
            let chosen = name ?? Self.name(ofFile: path)
            guard (1...GossipLimits.modelNameBytesMax).contains(chosen.utf8.count) else {
                throw LoadError(
                    path: path,
                    reason: "its name '\(chosen)' is longer than "
                        + "\(GossipLimits.modelNameBytesMax) bytes: give it one with NAME=PATH")
            }
            let entry = Entry(
                digest: try digest(path), name: chosen, path: path, engine: engine)
            try entries.withLock { entries in
                guard entries.count < GossipLimits.modelsMax else {
                    throw LoadError(
                        path: path,
                        reason: "a node serves at most \(GossipLimits.modelsMax) models")
                }
                guard !entries.contains(where: { $0.name == entry.name }) else {
                    throw LoadError(
                        path: path,
                        reason: "another model is already called '\(entry.name)': "
                            + "give it a name with NAME=PATH")
                }
                entries.append(entry)
            }
        } catch let error as LoadError {
            throw error
        } catch EngineError.file(let path, let error) {
            // It names the file already, and whether it could be read at all.
            throw EngineError.file(path: path, error)
        } catch {
            throw LoadError(path: path, reason: "\(error)")
        }
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
        entries.withLock { entries in
            entries.map {
                ModelOffer(
                    digest: $0.digest, name: $0.name,
                    contextLength: UInt32(clamping: $0.engine.info.contextLength))
            }
        }
    }

    /// The same, for gossip.
    var metadata: MemberMetadata {
        MemberMetadata(
            numerics: NumericsID.current, kvTypes: 0b11,
            models: offers)
    }

    /// How busy the engines are together.
    var load: MemberLoad {
        let loads = entries.withLock { $0.map(\.engine.load) }
        return MemberLoad(
            queued: UInt16(clamping: loads.reduce(0) { $0 + $1.queued }),
            running: UInt16(clamping: loads.reduce(0) { $0 + $1.running }))
    }

    /// Ends all engines.
    func shutdown() {
        for entry in entries.withLock({ $0 }) { entry.engine.shutdown() }
    }
}
