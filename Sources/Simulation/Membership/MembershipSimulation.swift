public import Gossip
public import Wire

/// Real gossip cores on a simulated network. The simulation stands in for their shell: it carries
/// packets, makes links, hands over certificates and calls `tick` when a core asks for it.
public struct MembershipSimulation: Sendable {
    enum Event: Sendable {
        case timer(Int, start: Int)
        case packet([UInt8], from: Int, to: Int, path: GossipPath)
        case relayed([UInt8], from: Int, to: Int, via: Int)
        case dialled(Int, Int, start: Int)
        case dialFailed(Int, Int, start: Int)
        case linkLost(Int, Int)
        case hostSilent(Int, seenBy: Int, start: Int)
        case stateRequest([UInt8], from: Int, to: Int)
        case stateAnswer([UInt8], from: Int, to: Int)
        case certified(Int, of: Int, start: Int)
        case fault(Fault.Kind)
        case stopped(Int, start: Int)
        case resumed(Int, start: Int)
    }

    struct Node: Sendable {
        var core: GossipCore
        var isUp = false
        var isPaused = false
        /// What came while it was paused, as it would wait in a socket.
        var waiting: [GossipInput] = []
        /// Counts starts, so that what was meant for an earlier one is dropped.
        var start = 0
        var generation: UInt64 = 0
        var timerAt: MonotonicInstant?
        var links: [Int] = []
    }

    let configuration: Configuration
    var queue = EventQueue<Event>()
    var network: SimulatedNetwork
    var nodes: [Node] = []
    /// Each node's own chance.
    var randoms: [SeededRandom] = []
    var checkers: MembershipCheckers
    var trace = TraceDigest()
    var now = MonotonicInstant.origin
    var events = 0
    var crashes = 0
    var packets = 0
    var packetBytes = 0
    var pushPulls = 0
    var refutations: UInt64 = 0
    var signatures: UInt64 = 0
    var upTime: Duration = .zero
    var upSince: [MonotonicInstant]

    /// Runs a configuration to its end.
    ///
    /// - Parameter onMemberChange: Called with every change a member sees: time, observer, subject
    ///   and the new view. For tests that want more than the report.
    /// - Precondition: The configuration has no ``Configuration/problem``.
    public static func run(
        _ configuration: Configuration,
        onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void = { _, _, _, _ in }
    ) -> Report {
        var simulation = MembershipSimulation(configuration)
        simulation.runToEnd(onMemberChange)
        return simulation.report()
    }

    init(_ configuration: Configuration) {
        if let problem = configuration.problem { preconditionFailure(problem) }
        self.configuration = configuration
        network = SimulatedNetwork(
            nodes: configuration.nodes, conditions: configuration.network,
            seed: configuration.seed)
        network.datagramsBlocked = Set(0..<configuration.datagramsBlocked)
        checkers = MembershipCheckers(nodes: configuration.nodes, bounds: configuration.bounds)
        upSince = Array(repeating: .origin, count: configuration.nodes)
        for index in 0..<configuration.nodes {
            randoms.append(SeededRandom(seed: configuration.seed, stream: UInt64(index)))
            nodes.append(Node(core: Self.core(configuration, index, generation: 0, at: now)))
        }
        // Nodes start over a few seconds; all know node 0, which starts first.
        var random = SeededRandom(seed: configuration.seed, stream: 3 << 40)
        queue.push(.fault(.restart(0)), at: now)
        for index in 1..<max(1, configuration.nodes) {
            let delay = random.duration(in: .milliseconds(10) ... .seconds(3))
            queue.push(.fault(.restart(index)), at: now + delay)
        }
        for fault in configuration.schedule() { queue.push(.fault(fault.kind), at: now + fault.at) }
    }

    private mutating func runToEnd(
        _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        let end = MonotonicInstant.origin + configuration.duration
        while let next = queue.next, next <= end { step(onMemberChange) }
        now = end
        for index in nodes.indices where nodes[index].isUp { settle(index) }
        checkers.finish(at: now)
    }

    // MARK: Events

    /// Lets the next event happen, and returns it.
    @discardableResult
    mutating func step(
        _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void = { _, _, _, _ in }
    ) -> Event? {
        guard let (at, event) = queue.pop() else { return nil }
        now = at
        events += 1
        trace.add(UInt64(bitPattern: at.nanoseconds))
        process(event, onMemberChange)
        return event
    }

    private mutating func process(
        _ event: Event, _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        switch event {
        case .timer(let node, let start):
            // One that was replaced by an earlier one must not breed another.
            guard nodes[node].start == start, nodes[node].isUp, nodes[node].timerAt == now else {
                return
            }
            nodes[node].timerAt = nil
            guard !nodes[node].isPaused else { return }
            let effects = nodes[node].core.tick(at: now, using: &randoms[node])
            perform(effects, of: node, onMemberChange)
            if !effects.isEmpty { checkers.observe(.held(node, nodes[node].core.sizes), at: now) }
        case .packet(let bytes, let from, let to, let path):
            if path == .link, !nodes[to].links.contains(from) { return }
            give(.packet(bytes, from: id(from), path: path), to: to, onMemberChange)
        case .relayed(let bytes, let from, let to, let via):
            guard nodes[via].isUp, !nodes[via].isPaused else { return }
            for delay in network.deliveries(from: via, to: to) {
                queue.push(
                    .packet(bytes, from: from, to: to, path: .relay(id(via))), at: now + delay)
            }
        case .dialled(let from, let to, let start):
            guard nodes[from].isUp, nodes[from].start == start,
                !nodes[from].links.contains(to)
            else { return }
            guard nodes[to].isUp, network.isConnected(from, to) else {
                give(.linkRefused(id(to)), to: from, onMemberChange)
                return
            }
            nodes[from].links.append(to)
            nodes[to].links.append(from)
            give(.linkOpened(id(to), tag(to), isInbound: false), to: from, onMemberChange)
            give(.linkOpened(id(from), tag(from), isInbound: true), to: to, onMemberChange)
        case .dialFailed(let from, let to, let start):
            guard nodes[from].start == start else { return }
            give(.linkRefused(id(to)), to: from, onMemberChange)
        case .linkLost(let node, let other):
            // Both ends learn of it by themselves; a link made anew meanwhile stands.
            guard nodes[node].links.contains(other), !network.isConnected(node, other) else {
                return
            }
            nodes[node].links.removeAll { $0 == other }
            nodes[other].links.removeAll { $0 == node }
            give(.linkClosed(id(other)), to: node, onMemberChange)
            give(.linkClosed(id(node)), to: other, onMemberChange)
        case .hostSilent(let node, let other, let start):
            guard nodes[other].start == start, !nodes[other].links.contains(node) else { return }
            give(.linkClosed(id(node)), to: other, onMemberChange)
        case .stateRequest(let state, let from, let to):
            guard nodes[to].isUp, nodes[to].links.contains(from) else { return }
            guard !nodes[to].isPaused else { return }
            let (answer, effects) = nodes[to].core.answer(
                state, from: id(from), at: now, using: &randoms[to])
            perform(effects, of: to, onMemberChange)
            guard let answer else { return }
            queue.push(.stateAnswer(answer, from: to, to: from), at: now + network.linkDelay())
        case .stateAnswer(let state, let from, let to):
            guard nodes[to].isUp, nodes[to].links.contains(from) else { return }
            give(.exchanged(state, from: id(from)), to: to, onMemberChange)
        case .certified(let node, let of, let start):
            guard nodes[node].start == start else { return }
            give(.certified(id(of), tag(of)), to: node, onMemberChange)
        case .fault(let kind): suffer(kind, onMemberChange)
        case .stopped(let node, let start):
            guard nodes[node].start == start else { return }
            stop(node, onMemberChange)
        case .resumed(let node, let start):
            guard nodes[node].start == start, nodes[node].isUp else { return }
            nodes[node].isPaused = false
            // The shell drains its sockets before it lets timers fire.
            let waiting = nodes[node].waiting
            nodes[node].waiting = []
            for input in waiting { give(input, to: node, onMemberChange) }
            schedule(node)
        }
    }

    private mutating func suffer(
        _ kind: Fault.Kind, _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        switch kind {
        case .crash(let node):
            guard nodes[node].isUp else { return }
            crashes += 1
            checkers.observe(.crashed(node), at: now)
            stop(node, onMemberChange)
        case .restart(let node):
            guard !nodes[node].isUp else { return }
            start(node, onMemberChange)
        case .leave(let node):
            guard nodes[node].isUp else { return }
            checkers.observe(.left(node), at: now)
            give(.leave, to: node, onMemberChange)
            queue.push(.stopped(node, start: nodes[node].start), at: now + .seconds(2))
        case .pause(let node, let length):
            guard nodes[node].isUp else { return }
            nodes[node].isPaused = true
            queue.push(.resumed(node, start: nodes[node].start), at: now + length)
        case .partition(let group):
            network.partition(group)
            checkers.observe(.partitioned(group), at: now)
            // Links die of silence: both ends send keepalives and give up after 30 s.
            for node in nodes.indices {
                for other in nodes[node].links
                where other > node && !network.isConnected(node, other) {
                    queue.push(.linkLost(node, other), at: now + .seconds(30))
                }
            }
        case .heal:
            network.heal()
            checkers.observe(.healed, at: now)
        }
    }

    private mutating func start(
        _ node: Int, _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        nodes[node].isUp = true
        nodes[node].isPaused = false
        nodes[node].waiting = []
        nodes[node].start += 1
        nodes[node].generation += 1
        nodes[node].links = []
        nodes[node].timerAt = nil
        upSince[node] = now
        nodes[node].core = Self.core(
            configuration, node, generation: nodes[node].generation, at: now)
        checkers.observe(.started(node, generation: nodes[node].generation), at: now)
        // Node 0 is everybody's seed; it knows two others, as from its last run.
        let known = node == 0 ? Array(1..<min(3, nodes.count)) : [0]
        let seeds = known.filter { isDirect($0) }.map {
            (node: id($0), addresses: Self.addresses($0))
        }
        give(.seeds(seeds), to: node, onMemberChange)
        schedule(node)
    }

    private mutating func stop(
        _ node: Int, _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        guard nodes[node].isUp else { return }
        settle(node)
        nodes[node].isUp = false
        nodes[node].start += 1
        let links = nodes[node].links
        nodes[node].links = []
        for other in links {
            nodes[other].links.removeAll { $0 == node }
            if configuration.refusesAfterCrash, network.isConnected(node, other) {
                // The host closes the dead process's connections.
                give(.linkClosed(id(node)), to: other, onMemberChange)
            } else {
                let event = Event.hostSilent(node, seenBy: other, start: nodes[other].start)
                queue.push(event, at: now + .seconds(30))
            }
        }
    }

    /// Counts what a core did, when its start ends or the run does.
    private mutating func settle(_ node: Int) {
        let counters = nodes[node].core.counters
        refutations += counters.refutations
        signatures += counters.signaturesChecked
        upTime += now - upSince[node]
    }

    private mutating func give(
        _ input: GossipInput, to node: Int,
        _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        guard nodes[node].isUp else { return }
        guard !nodes[node].isPaused else {
            if nodes[node].waiting.count < 256 { nodes[node].waiting.append(input) }
            return
        }
        let effects = nodes[node].core.handle(input, at: now, using: &randoms[node])
        perform(effects, of: node, onMemberChange)
    }

    // MARK: Effects

    private mutating func perform(
        _ effects: [GossipEffect], of node: Int,
        _ onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let to, let path):
                packets += 1
                packetBytes += bytes.count
                trace.add(bytes)
                checkers.observe(.packet(from: node, bytes: bytes.count), at: now)
                send(bytes, from: node, to: index(to), path)
            case .openRelayed(let bytes, let origin, let relay):
                give(
                    .packet(bytes, from: origin, path: .relay(relay)), to: node, onMemberChange)
            case .connect(let to, _): dial(node, index(to))
            case .pushPull(let to, let state):
                pushPulls += 1
                trace.add(state)
                guard nodes[node].links.contains(index(to)) else { continue }
                queue.push(
                    .stateRequest(state, from: node, to: index(to)),
                    at: now + network.linkDelay())
            case .fetchCertificate(let of, _, let from):
                let source = index(from)
                guard nodes[source].isUp, network.isConnected(node, source) else { continue }
                let delay = network.linkDelay() + network.linkDelay()
                queue.push(
                    .certified(node, of: index(of), start: nodes[node].start), at: now + delay)
            case .changed(let id, _):
                guard let view = nodes[node].core.view(of: id) else { continue }
                trace.add(UInt64(view.state.rawValue))
                checkers.observe(
                    .believed(
                        observer: node, subject: index(id), state: view.state,
                        generation: view.alive.generation, incarnation: view.alive.incarnation),
                    at: now)
                onMemberChange(now, node, index(id), view)
            }
        }
        schedule(node)
    }

    private mutating func send(_ bytes: [UInt8], from: Int, to: Int, _ path: GossipPath) {
        switch path {
        case .datagram:
            for delay in network.deliveries(from: from, to: to) {
                queue.push(.packet(bytes, from: from, to: to, path: path), at: now + delay)
            }
        case .relay(let relay):
            // The relay passes on what is sealed, and keeps nothing.
            for delay in network.deliveries(from: from, to: index(relay)) {
                queue.push(
                    .relayed(bytes, from: from, to: to, via: index(relay)), at: now + delay)
            }
        case .link:
            guard nodes[from].links.contains(to), network.isConnected(from, to) else { return }
            queue.push(
                .packet(bytes, from: from, to: to, path: path), at: now + network.linkDelay())
        }
    }

    private mutating func dial(_ from: Int, _ to: Int) {
        guard from != to, !nodes[from].links.contains(to) else { return }
        let start = nodes[from].start
        let isListening = nodes[to].isUp && isDirect(to) && network.isConnected(from, to)
        if isListening {
            // A TCP handshake and the link's own: three one-way trips.
            let delay = network.linkDelay() + network.linkDelay() + network.linkDelay()
            queue.push(.dialled(from, to, start: start), at: now + delay)
        } else {
            let isRefused =
                configuration.refusesAfterCrash && network.isConnected(from, to)
                && isDirect(to)
            let delay =
                isRefused ? network.linkDelay() + network.linkDelay() : Duration.seconds(5)
            queue.push(.dialFailed(from, to, start: start), at: now + delay)
        }
    }

    /// Sees to it that the core is called when it asked to be.
    private mutating func schedule(_ node: Int) {
        guard nodes[node].isUp, !nodes[node].isPaused else { return }
        let wanted = max(nodes[node].core.nextDeadline, now + .microseconds(1))
        // An early call is safe, so an earlier timer that still stands will do.
        if let timerAt = nodes[node].timerAt, timerAt <= wanted, timerAt > now { return }
        nodes[node].timerAt = wanted
        queue.push(.timer(node, start: nodes[node].start), at: wanted)
    }

    // MARK: Names

    func id(_ node: Int) -> NodeID { NodeID(number: UInt64(node) + 1) }

    func index(_ id: NodeID) -> Int {
        Int(id.bytes[24...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) - 1
    }

    private func tag(_ node: Int) -> CertificateTag {
        CertificateTag(high: 7, low: UInt64(node) + 1)
    }

    private func isDirect(_ node: Int) -> Bool {
        node < configuration.nodes - configuration.outboundOnly
    }

    private static func addresses(_ node: Int) -> [NetworkAddress] {
        let host = [10, UInt8(node >> 16 & 255), UInt8(node >> 8 & 255), UInt8(node & 255)]
        return NetworkAddress(host: .v4(host), port: 7433).map { [$0] } ?? []
    }

    private static func core(
        _ configuration: Configuration, _ node: Int, generation: UInt64, at now: MonotonicInstant
    ) -> GossipCore {
        let id = NodeID(number: UInt64(node) + 1)
        let isDirect = node < configuration.nodes - configuration.outboundOnly
        let alive = AliveClaim(
            node: id, generation: generation, linkKey: LinkKey(number: UInt64(node) + 1),
            linkKeyNotAfter: WallTime(seconds: 1 << 40),
            certificate: CertificateTag(high: 7, low: UInt64(node) + 1),
            reachability: isDirect ? .direct : .outboundOnly,
            addresses: isDirect ? addresses(node) : [])
        let metadata = MemberMetadata(
            numerics: "shoal-numerics-2", kvTypes: 3,
            models: configuration.placement.map { $0[node] } ?? [
                OfferedModel(
                    digest: ModelDigest(number: UInt64(node % 3)), name: "model-\(node % 3)",
                    contextLength: 2048)
            ])
        return GossipCore(
            local: alive, metadata: metadata, authority: SimulatedAuthority(node: id), now: now)
    }

    private func report() -> Report {
        let memberSeconds = max(upTime.seconds, 1e-9)
        return Report(
            nodes: configuration.nodes, seed: configuration.seed,
            seconds: configuration.duration.seconds, loss: configuration.network.loss,
            crashes: crashes, detection: Report.Times(checkers.detections),
            firstDetection: Report.Times(checkers.firstDetections),
            falseDeaths: checkers.falseDeaths, falseSuspicions: checkers.falseSuspicions,
            refutations: Int(refutations),
            datagramsPerMemberPerSecond: Double(packets) / memberSeconds,
            bytesPerMemberPerSecond: Double(packetBytes) / memberSeconds, pushPulls: pushPulls,
            signaturesPerMemberPerSecond: Double(signatures) / memberSeconds, events: events,
            violationCount: checkers.violationCount, violations: checkers.violations,
            traceDigest: hexadecimal(trace.value.bigEndianBytes),
            replayCommand: configuration.replayCommand)
    }
}

extension UInt64 {
    /// Most significant first.
    var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> UInt64(56 - 8 * $0)) }
    }
}
