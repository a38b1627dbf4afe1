import Gossip
import Logging
import Mesh
import MeshTransport
import NIOCore
import Synchronization
import Trust
import Wire

/// Runs ``DiscoveryCore``: resolves names and dials, remembers members for the next start, and says
/// in the log what a person should know.
final class DiscoveryService: Sendable {
    fileprivate struct State {
        var core: DiscoveryCore
        var memory: PeerMemory
        /// As it is on disk.
        var saved: PeerMemory
        var savedAt: MonotonicInstant?
        var generator = SystemRandomNumberGenerator()
    }

    private let state: Mutex<State>
    private let directory: StateDirectory
    private let transport: LinkTransport
    private let gossip: GossipRunner
    private let resolver: NameResolver
    private let logger: Logger

    private static let saveInterval: Duration = .seconds(15)
    private static let grain: Duration = .milliseconds(200)

    /// A service that does nothing yet.
    ///
    /// - Parameter ownAddresses: Where this node listens.
    init(
        directory: StateDirectory, seeds: [NetworkAddress], ownAddresses: [NetworkAddress],
        transport: LinkTransport, gossip: GossipRunner, resolver: NameResolver = .system(),
        logger: Logger
    ) {
        self.directory = directory
        self.transport = transport
        self.gossip = gossip
        self.resolver = resolver
        self.logger = logger
        let memory = directory.peerMemory()
        state = Mutex(
            State(
                core: DiscoveryCore(
                    seeds: seeds, ticket: directory.ticketAddresses(),
                    remembered: memory.core, ownAddresses: ownAddresses, at: Self.now),
                memory: memory, saved: memory))
    }

    private static var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
    }

    /// Looks for members until the task is cancelled. Sleeps until an address is due or a member
    /// comes or goes.
    func run() async {
        let (wakes, wake) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        wake.yield()
        await withDiscardingTaskGroup { group in
            group.addTask { [gossip] in
                for await change in await gossip.events() where change.event != .updated {
                    wake.yield()
                }
            }
            var timer: Task<Void, Never>?
            for await _ in wakes {
                let (effects, pause) = await step()
                for case .attempt(let address) in effects {
                    group.addTask {
                        await self.attempt(address)
                        wake.yield()
                    }
                }
                tell(effects)
                timer?.cancel()
                timer = Task {
                    do { try await Task.sleep(for: min(pause, save())) } catch { return }
                    wake.yield()
                }
                // Many changes at once are looked at once.
                try? await Task.sleep(for: Self.grain)
            }
            timer?.cancel()
        }
        state.withLock { $0.savedAt = nil }
        save()
    }

    private func step() async -> (effects: [DiscoveryCore.Effect], pause: Duration) {
        // As of now: what is published may be older than the change that woke this.
        let members = await gossip.members()
        return state.withLock { state in
            let now = Self.now
            state.see(members, at: now)
            let effects = state.core.step(
                DiscoveryCore.Surroundings(members), at: now, using: &state.generator)
            return (effects, state.core.pause(at: now))
        }
    }

    /// Writes the members that are remembered to disk, if that is worth it and was not done just
    /// now. Returns how long to wait with the next time at most.
    @discardableResult
    private func save() -> Duration {
        let now = Self.now
        let (memory, wait): (PeerMemory?, Duration) = state.withLock { state in
            guard state.saved.isStale(beside: state.memory) else {
                return (nil, DiscoveryLimits.connectedRetry)
            }
            if let last = state.savedAt, now - last < Self.saveInterval {
                return (nil, Self.saveInterval - (now - last))
            }
            state.savedAt = now
            return (state.memory, DiscoveryLimits.connectedRetry)
        }
        guard let memory else { return wait }
        do {
            try directory.save(memory)
            state.withLock { $0.saved = memory }
        } catch {
            logger.warning("peers are not saved", metadata: ["why": "\(error)"])
        }
        return wait
    }

    // MARK: Attempts

    private func attempt(_ address: NetworkAddress) async {
        let resolved: [NetworkAddress]
        do {
            resolved = try await resolver.addresses(of: address)
        } catch {
            return tell(
                state.withLock { state in
                    state.core.unresolved(
                        address, error.description, at: Self.now, using: &state.generator)
                })
        }
        let targets = state.withLock {
            $0.core.targets(of: address, resolved: resolved, at: Self.now)
        }
        let outcome = await dial(targets)
        tell(
            state.withLock { state in
                state.core.finished(address, outcome, at: Self.now, using: &state.generator)
            })
    }

    /// Dials one after the other until a member answers.
    private func dial(_ targets: [NetworkAddress]) async -> PlaceOutcome {
        var failures: [String] = []
        for target in targets where !Task.isCancelled {
            do {
                return .member(try await transport.connect(toAnyMemberAt: target))
            } catch {
                switch error {
                case .selfDial: state.withLock { $0.core.isItself(target, at: Self.now) }
                case .unreachable(let reasons): failures += reasons
                default: failures.append("\(target): \(error)")
                }
            }
        }
        return failures.isEmpty ? .itself : .failed(failures.joined(separator: "; "))
    }

    // MARK: Telling

    private func tell(_ effects: [DiscoveryCore.Effect]) {
        for case .tell(let notice) in effects {
            switch notice {
            case .unresolved(let address, let reason):
                logger.warning(
                    "\(reason); it is tried again", metadata: ["address": "\(address)"])
            case .itself(let address):
                logger.info("a seed is this node itself", metadata: ["address": "\(address)"])
            case .alone(let tried):
                let places = tried.prefix(8).map(\.explanation).joined(separator: "; ")
                let rest = tried.count > 8 ? "; and \(tried.count - 8) more" : ""
                logger.warning(
                    """
                    alone: no member of the mesh answers. Tried \(places)\(rest). It is tried \
                    again; `shoal doctor` says what each answer means
                    """)
            case .nowhereToLook:
                logger.info(
                    """
                    alone: no address of another member is known. Others come by `shoal invite \
                    create` here and `shoal join` there, or are named by --seed HOST:PORT
                    """)
            case .found(let address, let node):
                logger.info(
                    "a member answers", metadata: ["address": "\(address)", "id": "\(node)"])
            }
        }
    }

    /// The addresses with what came of them.
    var places: [DiscoveryPlace] { state.withLock { $0.core.allPlaces } }
}

extension DiscoveryPlace {
    /// The address and what came of it, for people.
    var explanation: String {
        switch outcome {
        case .untried: "\(address) (not yet)"
        case .member(let node): "\(address) (member \(node.short))"
        case .itself: "\(address) (this node itself)"
        case .failed(let reason):
            // A numeric address's reason repeats it.
            reason.hasPrefix("\(address): ") ? reason : "\(address) (\(reason))"
        }
    }
}

extension DiscoveryService.State {
    /// Takes in who is alive, and what is newly remembered into the places to try.
    fileprivate mutating func see(_ members: [KnownMember], at now: MonotonicInstant) {
        let before = memory.core
        memory.see(members.compactMap(SeedAddress.init), at: NodeRuntime.wallTime())
        let after = memory.core
        if after != before { core.remember(after, at: now) }
    }
}

extension PeerMemory {
    /// What the core needs of it.
    fileprivate var core: [DiscoveryCore.SeedEntry] {
        entries.map { DiscoveryCore.SeedEntry(node: $0.node, addresses: $0.addresses) }
    }
}

extension DiscoveryCore.Surroundings {
    init(_ members: [KnownMember]) {
        for member in members {
            known.insert(member.view.id)
            guard member.view.state == .alive || member.view.state == .suspect else { continue }
            active.insert(member.view.id)
            activeAddresses.formUnion(member.view.alive.addresses)
        }
    }
}
