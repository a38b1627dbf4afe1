import Engine
import Gossip
import Model
import Synchronization
import Trust

/// What this node tells of its work: how busy its engines are, how fast, and what they need not
/// compute again.
final class ActivityReporter: Sendable {
    private let models: ModelStore
    private let state: Mutex<State>

    private struct State: Sendable {
        var gateKey: GateKey
        /// The last speeds of each model: a model that left memory is as fast as it was.
        var speeds: [String: ModelSpeed] = [:]
        var prefixes: [String: Prefixes] = [:]
    }

    /// What an engine had cached at one version of its cache.
    private struct Prefixes: Sendable {
        var version: UInt64
        var digests: [PrefixDigest]
    }

    init(models: ModelStore, gateKey: GateKey) {
        self.models = models
        state = Mutex(State(gateKey: gateKey))
    }

    /// Tells of prefixes by digests under another key of the mesh from now on.
    func use(_ gateKey: GateKey) {
        state.withLock { state in
            guard state.gateKey != gateKey else { return }
            state.gateKey = gateKey
            state.prefixes = [:]
        }
    }

    /// The present state of the engines in memory.
    var activity: MemberActivity {
        var load = MemberLoad.idle
        var freeTokens = 0
        var prefixes: [[PrefixDigest]] = []
        let entries = models.all
        for (index, entry) in entries.enumerated() {
            guard let engine = models.host.engineInMemory(entry.name) else { continue }
            let own = engine.load
            load.queued = UInt16(clamping: Int(load.queued) + own.queued)
            load.running = UInt16(clamping: Int(load.running) + own.running)
            guard entry.task == .generation else { continue }
            freeTokens += own.freePages * EngineLimits.pagePositions
            if let speed = Self.speed(of: own, model: UInt8(clamping: index)) {
                state.withLock { $0.speeds[entry.name] = speed }
            }
            prefixes.append(digests(of: engine, entry))
        }
        load.freeKVTokens = UInt32(clamping: freeTokens)
        let speeds = state.withLock { state in entries.compactMap { state.speeds[$0.name] } }
        return MemberActivity(load: load, speeds: speeds, prefixes: Self.interleaved(prefixes))
    }

    private static func speed(of load: EngineLoad, model: UInt8) -> ModelSpeed? {
        guard let prefill = load.prefillTokensPerSecond, let step = load.decodeStepSeconds,
            prefill > 0
        else { return nil }
        func nanoseconds(_ seconds: Double) -> UInt32 {
            UInt32(min(max(seconds * 1e9, 0), Double(UInt32.max)))
        }
        return ModelSpeed(
            model: model, prefillNanosecondsPerToken: nanoseconds(1 / prefill),
            decodeNanosecondsPerToken: nanoseconds(step))
    }

    private func digests(of engine: Engine, _ entry: ModelStore.Entry) -> [PrefixDigest] {
        let version = engine.cachedPrefixesVersion
        let (known, gateKey) = state.withLock { ($0.prefixes[entry.name], $0.gateKey) }
        if let known, known.version == version { return known.digests }
        let digests = engine.cachedPrefixes(limit: NodeLimits.prefixesLookedAt)
            // What this node's own clients ask, nobody else's request can use.
            .filter { $0.caller != Executor.ownCaller && $0.caller != Engine.calibrationCaller }
            .prefix(GossipLimits.prefixesMax)
            .map { prefix in
                PrefixDigest(
                    gateKey.prefixDigest(
                        model: entry.digest, caller: prefix.caller, tokens: prefix.tokens))
            }
        state.withLock { state in
            guard state.gateKey == gateKey else { return }
            state.prefixes[entry.name] = Prefixes(version: version, digests: Array(digests))
        }
        return Array(digests)
    }

    /// The first of each, the second of each, and so on: the latest of every model has a place.
    static func interleaved(_ lists: [[PrefixDigest]]) -> [PrefixDigest] {
        let longest = lists.map(\.count).max() ?? 0
        let all = (0..<longest).flatMap { index in
            lists.compactMap { $0.indices.contains(index) ? $0[index] : nil }
        }
        return Array(all.prefix(GossipLimits.prefixesMax))
    }

    // MARK: While the node runs

    /// Measures the models that are in memory, so that their speeds are known before the first
    /// request, and gives up when there is work, which measures too.
    func calibrate() async {
        for entry in models.all where entry.task == .generation {
            guard !Task.isCancelled, let engine = models.host.engineInMemory(entry.name) else {
                continue
            }
            // A model that can't be measured now is measured by its first request.
            try? await engine.calibrate()
        }
    }

    /// Tells `tell` of the activity at once, and then for as long as there is work.
    func report(to tell: @Sendable (MemberActivity) -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.calibrate()
                self.models.work.ring()
            }
            var isCalibrating = true
            tell(activity)
            for await _ in models.work.listening {
                if isCalibrating {
                    group.cancelAll()
                    isCalibrating = false
                }
                // Twice idle: the first look may come before the engine has the request.
                var idleLooks = 0
                while idleLooks < 2, !Task.isCancelled {
                    let activity = activity
                    tell(activity)
                    let isBusy = activity.load.queued > 0 || activity.load.running > 0
                    idleLooks = isBusy || models.isLoading ? 0 : idleLooks + 1
                    try? await Task.sleep(for: NodeLimits.activityInterval)
                }
            }
            group.cancelAll()
        }
    }
}
