import Gossip
import Wire

/// Runs drawn from a seed: swarm testing (Groce and others, "Swarm testing", ISSTA 2012). Each seed
/// leaves out some kinds of fault, so that the others get room, and so different runs go to
/// different places.
///
/// A run has two phases. In the first everything goes wrong that the seed has drawn, and only safety
/// is asked for: nobody fit is buried, nothing goes back, nothing grows. Then the network is healed;
/// a core of the nodes runs, connected, and the others have gone for good; and liveness is asked for:
/// all of the core agree by the end.
public enum MembershipSwarm {
    /// The run of a seed, with a number of nodes out of `nodes`.
    public static func configuration(
        nodes: ClosedRange<Int>, seed: UInt64, duration: Duration,
        hostile: MembershipSimulation.Hostility? = nil
    ) -> MembershipSimulation.Configuration {
        var random = SeededRandom(seed: seed, stream: 10 << 40)
        let count = Int.random(in: nodes, using: &random)
        var base = MembershipSimulation.Configuration(
            nodes: count, seed: seed, duration: duration)
        base.hostile = hostile
        return base.drawingFaults()
    }
}

extension MembershipSimulation.Configuration {
    /// The same run with a network and faults drawn from its seed; see ``MembershipSwarm``.
    public func drawingFaults() -> Self {
        var drawing = FaultDrawing(self)
        return drawing.drawn()
    }
}

/// Draws what goes wrong in one run.
struct FaultDrawing {
    typealias Fault = MembershipSimulation.Fault

    /// The kinds of fault that come and go in the first phase.
    enum Theme: CaseIterable {
        case crash, lose, restartElsewhere, leave, pause, suspend, slow, stepClock, rotateKey
        case partition, split, cutOneWay, cutBothWays, clog, shrink, block, restartAll, update
    }

    private var configuration: MembershipSimulation.Configuration
    private var random: SeededRandom
    private var isUp: [Bool]
    private var hasLeft: [Bool]
    /// Until when each node is unfit already.
    private var busyUntil: [Duration]

    init(_ base: MembershipSimulation.Configuration) {
        configuration = base
        random = SeededRandom(seed: base.seed, stream: 9 << 40)
        isUp = Array(repeating: true, count: base.nodes)
        hasLeft = Array(repeating: false, count: base.nodes)
        busyUntil = Array(repeating: .zero, count: base.nodes)
    }

    mutating func drawn() -> MembershipSimulation.Configuration {
        drawNetwork()
        drawNodes()
        let themes = Theme.allCases.filter { _ in random.happens(0.4) }
        // Time for all to agree at the end, and a little to find out that they don't.
        let calm = configuration.convergenceBound + .seconds(30)
        let length = configuration.duration
        let heal = length - calm > .seconds(20) ? length - calm : length / 2
        // Nodes start over a few seconds; some runs begin to go wrong meanwhile.
        var at = Duration.milliseconds(random.happens(0.2) ? 500 : 15_000)
        let gap = [2, 5, 10, 20, 60][Int(random.below(5))]
        while true {
            at += .milliseconds(500 + random.below(Int64(gap) * 2000))
            guard at < heal, !themes.isEmpty,
                configuration.faults.count < SimulationLimits.faultsMax / 2
            else { break }
            draw(themes[Int(random.below(Int64(themes.count)))], at: at, before: heal)
        }
        settle(at: heal)
        configuration.faults.sort { $0.at < $1.at }
        return configuration
    }

    // MARK: The whole run

    private mutating func drawNetwork() {
        func some(_ share: Double, upTo most: Double) -> Double {
            // In thousandths, so that a command line can say it.
            random.happens(share) ? Double(random.below(Int64(most * 1000))) / 1000 : 0
        }
        configuration.network.loss =
            random.happens(0.15) ? some(1, upTo: 0.3) : some(0.5, upTo: 0.1)
        configuration.network.duplication = some(0.3, upTo: 0.2)
        configuration.network.reordering = some(0.3, upTo: 0.3)
        configuration.network.corruption = some(0.3, upTo: 0.05)
        configuration.network.replay = some(0.3, upTo: 0.05)
        let slowest = [2, 20, 80, 200][Int(random.below(4))]
        configuration.network.latency = .milliseconds(1) ... .milliseconds(slowest)
        if random.happens(0.1) {
            configuration.network.mtu = [1400, 1232, 900][Int(random.below(3))]
        }
    }

    private mutating func drawNodes() {
        let nodes = configuration.nodes
        configuration.refusesAfterCrash = random.happens(0.5)
        configuration.seeds = random.happens(0.3) ? min(nodes, 2) : 1
        if nodes >= 3, random.happens(0.25) {
            configuration.outboundOnly = 1 + Int(random.below(Int64(max(1, nodes / 3))))
        }
        if nodes >= 2, random.happens(0.2) {
            configuration.datagramsBlocked = 1 + Int(random.below(Int64(max(1, nodes / 3))))
        }
        if nodes >= 4, random.happens(0.2) {
            configuration.stalled = 1 + Int(random.below(Int64(max(1, nodes / 8))))
        }
        if random.happens(0.3) {
            configuration.timerLateness = .milliseconds(-50) ... .milliseconds(50)
        }
        if random.happens(0.2) { configuration.gossip.tombstonesMax = 1 + Int(random.below(4)) }
        configuration.inspectsPackets = random.happens(0.5)
        if random.happens(0.2) {
            let supported = GossipVersion.supported
            configuration.versions = [supported, 1...(supported.upperBound + 1)]
        }
    }

    // MARK: One fault

    private func isFree(_ node: Int, _ at: Duration) -> Bool {
        isUp[node] && busyUntil[node] <= at
    }

    /// A node that runs and has no other trouble; nil when there is none.
    private mutating func victim(at: Duration) -> Int? {
        let free = isUp.indices.filter { isFree($0, at) }
        return free.isEmpty ? nil : free[Int(random.below(Int64(free.count)))]
    }

    private mutating func group(atMost share: Int = 2) -> [Int] {
        let nodes = configuration.nodes
        let size = 1 + Int(random.below(Int64(max(1, nodes / share))))
        return Array((0..<nodes).shuffled(using: &random).prefix(size)).sorted()
    }

    private mutating func length(_ shortest: Int64, _ longest: Int64) -> Duration {
        .milliseconds(shortest + random.below(longest - shortest))
    }

    private mutating func add(_ at: Duration, _ kind: Fault.Kind) {
        configuration.faults.append(Fault(at: at, kind))
    }

    private mutating func draw(_ theme: Theme, at: Duration, before heal: Duration) {
        switch theme {
        case .crash, .lose, .leave, .restartElsewhere: end(theme, at: at, before: heal)
        case .pause, .suspend, .slow: impair(theme, at: at)
        case .stepClock:
            guard let node = victim(at: at) else { return }
            let seconds = Int(random.below(172_800)) - 86_400
            add(at, .stepClock(node, seconds: seconds))
        case .rotateKey: victim(at: at).map { add(at, .rotateKey($0)) }
        case .update: victim(at: at).map { add(at, .update($0)) }
        case .partition, .split, .cutOneWay, .cutBothWays, .clog, .shrink, .block:
            disturb(theme, at: at)
            // What the network suffers it may be rid of, all at once.
            if random.happens(0.5) { add(min(heal, at + length(1000, 90_000)), .heal) }
        case .restartAll:
            guard random.happens(0.2) else { return }
            add(at, .restartAll(after: length(100, 20_000)))
        }
    }

    /// A process ends, and perhaps comes back.
    private mutating func end(_ theme: Theme, at: Duration, before heal: Duration) {
        guard let node = victim(at: at), isUp.count(where: \.self) > 1 else { return }
        switch theme {
        case .lose: add(at, .lose(node))
        case .leave:
            add(at, .leave(node))
            hasLeft[node] = true
            // Its process ends only when others had time to hear it.
            busyUntil[node] = at + SimulationLimits.farewell + .milliseconds(100)
        default: add(at, .crash(node))
        }
        let back = at + length(theme == .leave ? 3000 : 200, 60_000)
        guard random.happens(0.7), back < heal else {
            isUp[node] = false
            return
        }
        hasLeft[node] = false
        // Somewhere the nodes must find each other: seeds stay where they are.
        let places = (configuration.seeds..<max(configuration.seeds, configuration.nodes))
            .filter { $0 != node }
        if theme == .restartElsewhere, node >= configuration.seeds, !places.isEmpty {
            let place = places[Int(random.below(Int64(places.count)))]
            add(back, .restartElsewhere(node, at: place))
        } else {
            add(back, .restart(node))
        }
        busyUntil[node] = back + .seconds(1)
    }

    private mutating func impair(_ theme: Theme, at: Duration) {
        guard let node = victim(at: at) else { return }
        let time = random.happens(0.5) ? length(100, 5000) : length(1000, 30_000)
        switch theme {
        case .pause: add(at, .pause(node, time))
        case .suspend: add(at, .suspend(node, time))
        default: add(at, .slow(node, each: length(5, 100), time))
        }
        busyUntil[node] = at + time
    }

    private mutating func disturb(_ theme: Theme, at: Duration) {
        guard configuration.nodes > 1 else { return }
        switch theme {
        case .partition: add(at, .partition(group()))
        case .split:
            let order = (0..<configuration.nodes).shuffled(using: &random)
            let third = max(1, order.count / 3)
            add(
                at,
                .split([
                    order.prefix(third).sorted(), order.dropFirst(third).prefix(third).sorted(),
                ]))
        case .cutOneWay, .cutBothWays:
            add(
                at,
                .cut(
                    Cut(
                        from: group(), to: group(), isBothWays: theme == .cutBothWays,
                        isDatagramsOnly: random.happens(0.7))))
        case .clog: add(at, .clog(from: group(), to: group(), length(500, 15_000)))
        case .shrink: add(at, .shrink(group(), mtu: [1200, 800, 400][Int(random.below(3))]))
        default: add(at, .block(group(atMost: 3)))
        }
    }

    // MARK: The second phase

    /// The network is made whole. Those of the core that are down start again; the others, if any
    /// still run, go.
    private mutating func settle(at heal: Duration) {
        add(heal, .heal)
        let nodes = configuration.nodes
        // Somebody must be there to be dialled, and to be found by the others.
        let direct = nodes - configuration.outboundOnly
        var core = Set(0..<min(configuration.seeds, direct))
        for node in 0..<nodes where random.happens(0.8) { core.insert(node) }
        for node in 0..<nodes {
            // An orderly gap: all at once is a fault of its own.
            let at = heal + .milliseconds(100 + Int64(node) * 10)
            if core.contains(node) {
                if !isUp[node] { add(max(at, busyUntil[node]), .restart(node)) }
            } else if isUp[node] {
                add(at, random.happens(0.5) ? .lose(node) : .leave(node))
            }
        }
    }
}
