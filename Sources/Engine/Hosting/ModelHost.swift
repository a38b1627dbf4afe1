public import Kernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Several models under one budget of memory. A model is loaded when it is first asked for; where
/// it does not fit beside those in memory, the least recently used of the idle ones leaves first.
///
/// Requests for a model that is being loaded wait for it. Models load one at a time, on a thread of
/// the host's own, and memory is checked before it is taken. Safe to use from any task.
public final class ModelHost: Sendable {
    /// How a host uses its machine.
    public struct Configuration: Sendable {
        /// The most memory of all models together, weights and pages, in bytes; nil for what is
        /// available when the host is made.
        public var memoryBytesMax: Int?
        /// How each engine is set up. Without a `pageBytesMax` of its own, its pages may take a
        /// quarter of the host's memory.
        public var engine: EngineConfiguration
        /// Called now and then while a model is loaded, with its name and the share that is done.
        public var progress: @Sendable (_ name: String, _ done: Double) -> Void

        /// A configuration as given.
        public init(
            memoryBytesMax: Int? = nil, engine: EngineConfiguration = EngineConfiguration(),
            progress: @escaping @Sendable (_ name: String, _ done: Double) -> Void = { _, _ in }
        ) {
            self.memoryBytesMax = memoryBytesMax
            self.engine = engine
            self.progress = progress
        }
    }

    /// Where a model is.
    public enum ModelState: Sendable, Equatable {
        /// In its file.
        case absent
        /// On the way.
        case loading
        /// In memory; the bytes it may take, and how busy it is.
        case loaded(bytes: Int, EngineLoad)
    }

    typealias Loaded = Result<Engine, EngineError>
    typealias Waiter = CheckedContinuation<Loaded, Never>

    /// How models come into memory; tests bring their own.
    struct Source: Sendable {
        /// What an engine must have, and what its pages may take beside.
        var claim:
            @Sendable (_ path: String, EngineConfiguration) throws(EngineError) -> (
                fixed: Int, pages: Int
            )
        var load:
            @Sendable (
                _ path: String, EngineConfiguration, _ progress: @escaping (Double) -> Void
            ) throws(EngineError) -> Engine
    }

    private struct Model: Sendable {
        var path: String
        var lastUse = 0
        var engine: Engine?
        /// Who waits while it is loaded; nil while it is not.
        var waiters: [Waiter]?
    }

    private struct State: Sendable {
        var models: [String: Model] = [:]
        var uses = 0
        var isShutDown = false
    }

    private let state = Mutex(State())
    private let source: Source
    private let configuration: Configuration
    private let budget: Int
    private let loader: SerialThread

    /// A host without models.
    public convenience init(
        configuration: Configuration = Configuration(), kernels: KernelTable
    ) {
        self.init(
            configuration: configuration,
            source: Source(
                claim: { path, configuration throws(EngineError) in
                    try Engine.claim(path: path, configuration: configuration)
                },
                load: { path, configuration, progress throws(EngineError) in
                    try Engine.load(
                        path: path, configuration: configuration, kernels: kernels,
                        progress: progress)
                }))
    }

    init(configuration: Configuration, source: Source) {
        self.source = source
        budget = configuration.memoryBytesMax ?? SystemMemory.availableBytes()
        var configuration = configuration
        if configuration.engine.pageBytesMax == nil {
            configuration.engine.pageBytesMax = budget / 4
        }
        self.configuration = configuration
        loader = SerialThread(niceness: configuration.engine.niceness)
    }

    deinit { shutdown() }

    /// Makes a model file known by a name. Reads nothing yet. A file already known by that name is
    /// replaced the next time the model is loaded.
    public func add(name: String, path: String) throws(EngineError) {
        try state.withLock { state throws(EngineError) in
            guard state.models[name] != nil || state.models.count < EngineLimits.hostModelsMax
            else {
                throw .invalidRequest(
                    field: "model", reason: "a host has at most \(EngineLimits.hostModelsMax)")
            }
            state.models[name, default: Model(path: path)].path = path
        }
    }

    /// The models and where they are, by name.
    public var models: [String: ModelState] {
        state.withLock { state in
            state.models.mapValues { model in
                if let engine = model.engine {
                    return .loaded(bytes: engine.memoryBytes, engine.load)
                }
                return model.waiters == nil ? .absent : .loading
            }
        }
    }

    /// The engine of a model, loaded if it is not. Keep it no longer than a request takes: one that
    /// is idle may be shut down for another.
    ///
    /// Throws ``EngineError/unknownModel(name:known:)``,
    /// ``EngineError/notEnoughMemory(what:neededBytes:availableBytes:)`` where it does not fit
    /// beside the models in use, ``EngineError/queueFull(limit:)`` where too many wait for it, and
    /// what loading throws.
    public func engine(_ name: String) async throws(EngineError) -> Engine {
        let result: Loaded = await withCheckedContinuation { waiter in
            let (answer, mustLoad) = state.withLock { self.find(name, waiter, &$0) }
            if let answer { waiter.resume(returning: answer) }
            if mustLoad, !loader.run({ [weak self] in self?.load(name) }) {
                finish(name, .failure(.model(reason: "the system refused a thread")))
            }
        }
        return try result.get()
    }

    /// The engine of a model if it is in memory; does not count as a use of it. Keep it no longer
    /// than a moment.
    public func engineInMemory(_ name: String) -> Engine? {
        state.withLock { $0.models[name]?.engine }
    }

    /// Hands a request to a model's engine; see ``engine(_:)`` and ``Engine/submit(_:)``.
    public func submit(
        _ request: EngineRequest, to name: String
    ) async throws(EngineError) -> EngineStream {
        // Between finding an engine and handing it the request it may have to leave.
        for _ in 0..<8 {
            do { return try await engine(name).submit(request) } catch {
                guard error == .shutDown, !state.withLock({ $0.isShutDown }) else { throw error }
            }
        }
        throw .shutDown
    }

    /// Takes a model out of memory, ending its requests; false where it is not there.
    public func unload(_ name: String) -> Bool {
        let engine = state.withLock { state in
            defer { state.models[name]?.engine = nil }
            return state.models[name]?.engine
        }
        engine?.shutdown()
        return engine != nil
    }

    /// Ends all engines and refuses what comes.
    public func shutdown() {
        let engines = state.withLock { state in
            state.isShutDown = true
            defer { for name in state.models.keys { state.models[name]?.engine = nil } }
            return state.models.values.compactMap(\.engine)
        }
        for engine in engines { engine.shutdown() }
        loader.stop()
    }

    /// The answer, if there is one at once; and whether the model is to be loaded for the waiter.
    private func find(
        _ name: String, _ waiter: Waiter, _ state: inout State
    ) -> (answer: Loaded?, mustLoad: Bool) {
        guard !state.isShutDown else { return (.failure(.shutDown), false) }
        guard var model = state.models[name] else {
            let known = state.models.keys.sorted()
            return (.failure(.unknownModel(name: name, known: known)), false)
        }
        state.uses += 1
        model.lastUse = state.uses
        defer { state.models[name] = model }
        if let engine = model.engine { return (.success(engine), false) }
        guard let waiters = model.waiters else {
            model.waiters = [waiter]
            return (nil, true)
        }
        guard waiters.count < EngineLimits.loadWaitersMax else {
            return (.failure(.queueFull(limit: EngineLimits.loadWaitersMax)), false)
        }
        model.waiters?.append(waiter)
        return (nil, false)
    }

    // MARK: The loader's thread

    private func load(_ name: String) {
        guard let path = state.withLock({ $0.models[name]?.path }) else { return }
        do throws(EngineError) {
            var engineConfiguration = configuration.engine
            let claim = try source.claim(path, engineConfiguration)
            // With fewer pages, where not even the idle models' memory is enough for all.
            do { try makeRoom(for: name, bytes: claim.fixed + claim.pages) } catch {
                let pages = claim.pages / EngineLimits.hostPagesShare
                try makeRoom(for: name, bytes: claim.fixed + pages)
                engineConfiguration.pageBytesMax = pages
            }
            let progress = configuration.progress
            let engine = try source.load(path, engineConfiguration) { progress(name, $0) }
            finish(name, .success(engine))
        } catch { finish(name, .failure(error)) }
    }

    /// Unloads idle models until `needed` bytes fit.
    private func makeRoom(for name: String, bytes needed: Int) throws(EngineError) {
        let leaving = try state.withLock { state throws(EngineError) -> [Engine] in
            let residents = state.models.compactMap { name, model in
                model.engine.map { engine in
                    let load = engine.load
                    return HostPlan.Resident(
                        name: name, bytes: engine.memoryBytes, lastUse: model.lastUse,
                        isBusy: load.queued + load.running > 0)
                }
            }
            guard
                let victims = HostPlan.victims(
                    needed: needed, residents: residents, budget: budget)
            else {
                let busy = residents.reduce(0) { $0 + ($1.isBusy ? $1.bytes : 0) }
                throw .notEnoughMemory(
                    what: "the model '\(name)', with its pages, beside those in use",
                    neededBytes: needed, availableBytes: max(0, budget - busy))
            }
            return victims.compactMap { victim in
                defer { state.models[victim]?.engine = nil }
                return state.models[victim]?.engine
            }
        }
        for engine in leaving {
            engine.shutdown()
            // Its memory is free when its worker has let go of it: at the next layer or tile.
            for _ in 0..<1000 where !engine.hasStopped { usleep(2000) }
        }
    }

    private func finish(_ name: String, _ result: Loaded) {
        let waiters = state.withLock { state in
            if case .success(let engine) = result, !state.isShutDown {
                state.models[name]?.engine = engine
            }
            defer { state.models[name]?.waiters = nil }
            return state.models[name]?.waiters ?? []
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }
}
