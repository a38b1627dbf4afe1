public import Gossip
public import Wire

/// Real gossip endpoints on a simulated network. The simulation stands in for the rest of the shell:
/// it carries datagrams between addresses, makes links, hands over certificates, and calls an
/// endpoint when its timer is due, after what waits in its sockets.
public struct MembershipSimulation: Sendable {
    enum Event: Sendable {
        case timer(Int, start: Int)
        /// Between addresses, by their numbers.
        case datagram(SimulatedDatagram, to: Int)
        /// Over a link, if it still stands.
        case arrival(Inbound, to: Int, link: UInt64)
        case dialled(Int, Int, start: Int)
        case dialFailed(Int, Int, start: Int, isRefused: Bool)
        case linkSilent(Int, Int, link: UInt64)
        case linkGone(Int, Int, start: Int)
        case certified(Int, of: Int, start: Int)
        case fault(Fault.Kind)
        case stopped(Int, start: Int)
        case awake(Int, halt: Int)
        case served(Int, start: Int)
        case quick(Int, slowness: Int)
        case stall(Int)
        case keyDue(Int, start: Int)
        case moved(Int, start: Int)
        case unclogged(from: [Int], to: [Int])
        case survey(Int, start: Int, number: Int)
        case harm(Int, start: Int)
        case outsider(MonotonicInstant)
        case count
        case warm
    }

    /// A change that a member saw.
    struct Change: Sendable {
        var observer: Int
        var subject: Int
        var view: MemberView
    }

    let configuration: Configuration
    var queue = EventQueue<Event>()
    var network: SimulatedNetwork
    var addresses: SimulatedAddresses
    var links = SimulatedLinks()
    /// Cuts that stop links too, until they heal.
    var cuts: [Cut] = []
    var nodes: [Node] = []
    /// Their endpoints, apart from them: much larger, and touched in place only.
    var endpoints: [GossipEndpoint] = []
    /// Each node's own chance.
    var randoms: [SeededRandom] = []
    /// Draws what happens to machines: when they stand still, how late their timers are.
    var machines: SeededRandom
    var indices: [NodeID: Int] = [:]
    let pool: ClaimPool
    var checkers: MembershipCheckers
    var trace = TraceDigest()
    var now = MonotonicInstant.origin
    var events = 0
    var tally = Tally()
    var updates = UpdateMeasurement()
    /// What had been counted when counting was to begin.
    var baseline = Totals()
    /// Those that mean harm.
    var hostiles: [Int: HostileMember] = [:]
    var outsider: Outsider?
    var outsiderDue: MonotonicInstant?
    /// Digests of all datagrams that members sent, while an outsider may send them again.
    var genuine: Set<UInt64> = []
    /// Changes that nobody was told of yet; kept only if somebody is to be.
    var changes: [Change] = []
    var keepsChanges = false

    /// Runs a configuration to its end. Runs share nothing: any number may go on at once.
    ///
    /// - Precondition: The configuration has no ``Configuration/problem``.
    public static func run(_ configuration: Configuration) -> Report {
        var simulation = MembershipSimulation(configuration)
        let end = MonotonicInstant.origin + configuration.duration
        while let next = simulation.queue.next, next <= end { simulation.step() }
        simulation.finish(at: end)
        return simulation.report()
    }

    /// Runs a configuration to its end and tells of it meanwhile.
    ///
    /// - Parameter onMemberChange: Called with every change that a member sees: time, observer,
    ///   subject and the new view. For those that want more than the report.
    /// - Precondition: The configuration has no ``Configuration/problem``.
    public static func run(
        _ configuration: Configuration,
        onMemberChange: (MonotonicInstant, Int, Int, MemberView) -> Void
    ) -> Report {
        var simulation = MembershipSimulation(configuration)
        simulation.keepsChanges = true
        let end = MonotonicInstant.origin + configuration.duration
        while let next = simulation.queue.next, next <= end {
            simulation.step()
            guard !simulation.changes.isEmpty else { continue }
            for change in simulation.changes {
                onMemberChange(simulation.now, change.observer, change.subject, change.view)
            }
            simulation.changes.removeAll(keepingCapacity: true)
        }
        simulation.finish(at: end)
        return simulation.report()
    }

    init(_ configuration: Configuration) {
        if let problem = configuration.problem { preconditionFailure(problem) }
        self.configuration = configuration
        let count = configuration.nodes
        network = SimulatedNetwork(
            nodes: count, conditions: configuration.network,
            blocked: configuration.datagramsBlocked, seed: configuration.seed)
        addresses = SimulatedAddresses(nodes: count)
        pool = ClaimPool(countMax: 1000 + 4 * count)
        machines = SeededRandom(seed: configuration.seed, stream: 7 << 40)
        checkers = MembershipCheckers(nodes: count, bounds: configuration.bounds)
        indices.reserveCapacity(count)
        let blank = Self.blank(configuration, 0)
        for index in 0..<count {
            indices[id(index)] = index
            randoms.append(SeededRandom(seed: configuration.seed, stream: UInt64(index)))
            nodes.append(Node())
            endpoints.append(blank)
        }
        // Nodes start over a few seconds, the first one at once; all at once if they know each other.
        var random = SeededRandom(seed: configuration.seed, stream: 3 << 40)
        if configuration.isWarm { queue.push(.warm, at: now) }
        for index in 0..<count {
            if !configuration.isWarm {
                let delay: Duration =
                    index == 0 ? .zero : random.duration(in: .milliseconds(10) ... .seconds(3))
                queue.push(.fault(.restart(index)), at: now + delay)
            }
            if configuration.isStalled(index) {
                let first = machines.duration(in: configuration.stallGap)
                queue.push(.stall(index), at: now + first)
            }
        }
        if configuration.hostile == .outsider {
            outsider = Outsider(seed: configuration.seed, at: now)
            scheduleOutsider()
        }
        if configuration.countFrom > .zero {
            queue.push(.count, at: now + configuration.countFrom)
        }
        noteBeginning()
        for fault in configuration.schedule() { queue.push(.fault(fault.kind), at: now + fault.at) }
    }

    mutating func finish(at end: MonotonicInstant) {
        now = end
        checkers.finish(at: now)
    }

    // MARK: Events

    /// Lets the next event happen, and returns it.
    @discardableResult
    mutating func step() -> Event? {
        guard let (at, event) = queue.pop() else { return nil }
        now = at
        events += 1
        trace.add(UInt64(bitPattern: at.nanoseconds))
        process(event)
        return event
    }

    private mutating func process(_ event: Event) {
        switch event {
        case .timer(let node, let start): timerFired(node, start: start)
        case .datagram(let datagram, let to): datagramArrived(datagram, to: to)
        case .arrival(let inbound, let node, let link): linkArrival(inbound, to: node, link: link)
        case .dialled(let from, let to, let start): dialled(from, to, start: start)
        case .dialFailed(let from, let to, let start, let isRefused):
            guard nodes[from].start == start else { return }
            nodes[from].dials -= 1
            guard isRefused else { return }
            deliver(.input(.linkRefused(id(to))), to: from)
        case .linkSilent(let a, let b, let link): linkSilent(a, b, link: link)
        case .linkGone(let other, let node, let start):
            guard nodes[node].start == start, links[node, other] == nil else { return }
            deliver(.input(.linkClosed(id(other))), to: node)
        case .certified(let node, let of, let start):
            guard nodes[node].start == start else { return }
            deliver(.input(.certified(id(of), tag(of))), to: node)
        case .fault(let kind): suffer(kind)
        case .stopped(let node, let start):
            guard nodes[node].start == start else { return }
            noteStopped(node)
            stop(node, isSilent: false)
        case .awake(let node, let halt): wake(node, halt: halt)
        case .served(let node, let start): served(node, start: start)
        case .quick(let node, let slowness): quicken(node, slowness: slowness)
        case .stall(let node): stallAgain(node)
        case .keyDue(let node, let start):
            guard nodes[node].start == start else { return }
            rotateKeyIfDue(node)
        case .moved(let node, let start): findOut(node, start: start)
        case .unclogged(let from, let to): noteUnclogged(from, to)
        case .harm(let node, let start): harm(node, start: start)
        case .outsider(let at): outsiderActs(at)
        case .warm: startWarm()
        case .count: baseline = totals()
        case .survey(let node, let start, let number): survey(node, start: start, number: number)
        }
    }

    // MARK: Names

    func id(_ node: Int) -> NodeID { NodeID(number: UInt64(node) + 1) }

    /// The node with an id; nil for an id that only a liar gave.
    func index(_ id: NodeID) -> Int? { indices[id] }

    /// The node with an id that an honest one gave.
    func member(_ id: NodeID) -> Int {
        guard let index = indices[id] else { preconditionFailure("only nodes become members") }
        return index
    }

    func tag(_ node: Int) -> CertificateTag { CertificateTag(high: 7, low: UInt64(node) + 1) }

    /// A node's monotonic clock: it stands still while the machine sleeps.
    func clock(_ node: Int) -> MonotonicInstant { now - nodes[node].asleep }
}

extension UInt64 {
    /// Most significant first.
    var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> UInt64(56 - 8 * $0)) }
    }
}
