import Wire

/// How a simulated network treats datagrams.
public struct NetworkConditions: Sendable, Equatable {
    /// The share of datagrams lost, from 0 to 1.
    public var loss = 0.0
    /// The share delivered twice.
    public var duplication = 0.0
    /// The share delayed by up to ten times the latency, so that later ones overtake them.
    public var reordering = 0.0
    /// One way, drawn anew for each datagram.
    public var latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(20)

    /// A good network.
    public init() {}
}

/// A network between nodes numbered from 0, with its faults.
public struct SimulatedNetwork: Sendable {
    /// How datagrams are treated.
    public var conditions: NetworkConditions
    /// Which side of a partition each node is on; all 0 when there is none.
    public private(set) var sides: [Int]
    /// Nodes whose datagrams are all dropped, both ways; links pass.
    public var datagramsBlocked: Set<Int> = []
    /// Directed pairs on which datagrams are dropped; links pass.
    public var oneWayCuts: Set<[Int]> = []
    /// Where each node is, as the time that light takes from one end of the world; empty when all
    /// are at one place.
    var places: [Duration] = []
    private var random: SeededRandom

    /// A network without partition.
    public init(nodes: Int, conditions: NetworkConditions, seed: UInt64) {
        self.conditions = conditions
        sides = Array(repeating: 0, count: nodes)
        random = SeededRandom(seed: seed, stream: 1 << 40)
    }

    /// Cuts the network in two: the given nodes, and the others.
    public mutating func partition(_ group: [Int]) {
        for node in sides.indices { sides[node] = 0 }
        for node in group { sides[node] = 1 }
    }

    /// Ends the partition.
    public mutating func heal() {
        for node in sides.indices { sides[node] = 0 }
    }

    /// Whether a link could stand between two nodes.
    public func isConnected(_ a: Int, _ b: Int) -> Bool { sides[a] == sides[b] }

    /// What the way between two nodes adds to the latency, in one direction.
    func distance(_ a: Int, _ b: Int) -> Duration {
        guard !places.isEmpty else { return .zero }
        return places[a] < places[b] ? places[b] - places[a] : places[a] - places[b]
    }

    /// When copies of a datagram sent now arrive: none when it is lost.
    public mutating func deliveries(from: Int, to: Int) -> [Duration] {
        guard isConnected(from, to), !datagramsBlocked.contains(from),
            !datagramsBlocked.contains(to), !oneWayCuts.contains([from, to])
        else { return [] }
        var delays: [Duration] = []
        let copies = random.happens(conditions.duplication) ? 2 : 1
        for _ in 0..<copies where !random.happens(conditions.loss) {
            var delay = random.duration(in: conditions.latency) + distance(from, to)
            if random.happens(conditions.reordering) {
                delay += random.duration(in: .zero...conditions.latency.upperBound * 10)
            }
            delays.append(delay)
        }
        return delays
    }

    /// One way over a link: lost segments are sent again, so loss costs time, not bytes.
    public mutating func linkDelay() -> Duration {
        var delay = random.duration(in: conditions.latency)
        for _ in 0..<3 where random.happens(conditions.loss) {
            delay += .milliseconds(200)
        }
        return delay
    }
}
