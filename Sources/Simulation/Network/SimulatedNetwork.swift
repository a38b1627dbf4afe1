import Wire

/// What the network did, counted: a run that was to be hard shows here that it was.
public struct NetworkCounters: Sendable, Equatable, Encodable {
    /// Datagrams handed in.
    public var sent = 0
    /// Lost by chance.
    public var lost = 0
    /// Delivered twice.
    public var duplicated = 0
    /// Overtaken by later ones.
    public var reordered = 0
    /// Changed on the way.
    public var corrupted = 0
    /// Delivered again, much later.
    public var replayed = 0
    /// Dropped by a partition or a cut.
    public var cut = 0
    /// Dropped because a node's datagrams are blocked.
    public var blocked = 0
    /// Too long for their path.
    public var tooLong = 0
    /// Held by a clogged path and delivered when it opened.
    public var clogged = 0
}

/// When copies of one datagram arrive: none when it is lost, at most three.
struct Arrivals {
    private(set) var count = 0
    private var delays: (Int64, Int64, Int64) = (0, 0, 0)
    /// The bit that is changed in the first copy; nil for none.
    var damagedBit: Int?

    mutating func add(_ delay: Int64) {
        switch count {
        case 0: delays.0 = delay
        case 1: delays.1 = delay
        default: delays.2 = delay
        }
        count += 1
    }

    /// Nanoseconds from now until a copy arrives.
    subscript(index: Int) -> Int64 {
        switch index {
        case 0: delays.0
        case 1: delays.1
        default: delays.2
        }
    }
}

/// A network between nodes numbered from 0, with its faults.
public struct SimulatedNetwork: Sendable {
    private struct CutPaths: Sendable {
        var from: [Bool]
        var to: [Bool]
        var isBothWays: Bool
        var isDatagramsOnly: Bool

        func contains(_ a: Int, _ b: Int) -> Bool {
            from[a] && to[b] || isBothWays && from[b] && to[a]
        }
    }

    private struct Clog: Sendable {
        var from: [Bool]
        var to: [Bool]
        var until: MonotonicInstant
    }

    /// How datagrams are treated.
    public var conditions: NetworkConditions
    /// What happened so far.
    public private(set) var counters = NetworkCounters()
    /// Which side of a partition each node is on; all 0 when there is none.
    private var sides: [Int]
    private var cuts: [CutPaths] = []
    private var clogs: [Clog] = []
    /// Nodes whose datagrams are all dropped, both ways; links pass.
    private var isBlocked: [Bool]
    private var blockedAlways: Int
    /// The longest datagram on a node's paths.
    private var mtus: [Int]
    private var areMTUsShrunk = false
    /// Where each node is; empty when all are at one place.
    var places: [Place] = []
    private var random: SeededRandom

    /// A network without faults, in which the first `blocked` nodes have no datagrams.
    init(nodes: Int, conditions: NetworkConditions, blocked: Int, seed: UInt64) {
        self.conditions = conditions
        sides = Array(repeating: 0, count: nodes)
        isBlocked = (0..<nodes).map { $0 < blocked }
        blockedAlways = blocked
        mtus = Array(repeating: .max, count: nodes)
        random = SeededRandom(seed: seed, stream: 1 << 40)
        if conditions.span > .zero {
            var drawing = SeededRandom(seed: seed, stream: 8 << 40)
            let side = Double(conditions.span.nanoseconds) / 2.0.squareRoot()
            places = (0..<nodes).map { _ in
                Place(x: drawing.share() * side, y: drawing.share() * side)
            }
        }
    }

    // MARK: Faults

    /// Divides the network: each group, and those in none of them.
    mutating func split(_ groups: [[Int]]) {
        for node in sides.indices { sides[node] = 0 }
        for (number, group) in groups.enumerated() {
            for node in group { sides[node] = number + 1 }
        }
    }

    /// Cuts paths, besides those that are cut already.
    mutating func cut(_ cut: Cut) {
        cuts.append(
            CutPaths(
                from: members(cut.from), to: members(cut.to), isBothWays: cut.isBothWays,
                isDatagramsOnly: cut.isDatagramsOnly))
    }

    /// Holds everything on the paths from some nodes to others until `until`.
    mutating func clog(from: [Int], to: [Int], until: MonotonicInstant) {
        clogs.append(Clog(from: members(from), to: members(to), until: until))
    }

    /// Datagrams longer than `mtu` vanish on the paths of these nodes.
    mutating func shrink(_ nodes: [Int], to mtu: Int) {
        for node in nodes { mtus[node] = mtu }
        areMTUsShrunk = true
    }

    /// Drops all datagrams of these nodes.
    mutating func block(_ nodes: [Int]) {
        for node in nodes { isBlocked[node] = true }
    }

    /// Ends the partition, the cuts, the shrunken paths and the blocks that faults made; clogs open
    /// by themselves.
    mutating func heal() {
        for node in sides.indices {
            sides[node] = 0
            isBlocked[node] = node < blockedAlways
            mtus[node] = .max
        }
        areMTUsShrunk = false
        cuts = []
    }

    private func members(_ nodes: [Int]) -> [Bool] {
        var set = Array(repeating: false, count: sides.count)
        for node in nodes { set[node] = true }
        return set
    }

    // MARK: Paths

    /// Whether what a link carries gets from one node to the other.
    func passesStreams(_ a: Int, _ b: Int) -> Bool {
        guard sides[a] == sides[b] else { return false }
        for cut in cuts where !cut.isDatagramsOnly && cut.contains(a, b) { return false }
        return true
    }

    /// Whether a link could stand between two nodes: it needs both directions.
    func isConnected(_ a: Int, _ b: Int) -> Bool { passesStreams(a, b) && passesStreams(b, a) }

    /// What the way between two nodes adds to the latency, in one direction.
    func distance(_ a: Int, _ b: Int) -> Duration { .nanoseconds(way(a, b)) }

    private func way(_ a: Int, _ b: Int) -> Int64 {
        places.isEmpty ? 0 : places[a].distance(to: places[b])
    }

    /// The expected round trip of a datagram and its answer.
    func roundTrip(_ a: Int, _ b: Int) -> Duration {
        let latency = conditions.latency
        return latency.lowerBound + latency.upperBound + .nanoseconds(2 * way(a, b))
    }

    /// How much longer a clogged path stays so, in nanoseconds; 0 when it is open.
    private mutating func clogged(_ a: Int, _ b: Int, at now: MonotonicInstant) -> Int64 {
        guard !clogs.isEmpty else { return 0 }
        clogs.removeAll { $0.until <= now }
        var longest: Int64 = 0
        for clog in clogs where clog.from[a] && clog.to[b] {
            longest = max(longest, (clog.until - now).nanoseconds)
        }
        return longest
    }

    /// When copies of a datagram of so many bytes, sent now, arrive.
    mutating func send(bytes: Int, from: Int, to: Int, at now: MonotonicInstant) -> Arrivals {
        var arrivals = Arrivals()
        counters.sent += 1
        if isBlocked[from] || isBlocked[to] {
            counters.blocked += 1
            return arrivals
        }
        if sides[from] != sides[to] || cuts.contains(where: { $0.contains(from, to) }) {
            counters.cut += 1
            return arrivals
        }
        if bytes > conditions.mtu ?? .max
            || areMTUsShrunk && (bytes > mtus[from] || bytes > mtus[to])
        {
            counters.tooLong += 1
            return arrivals
        }
        let held = clogged(from, to, at: now)
        if held > 0 { counters.clogged += 1 }
        let way = way(from, to) + held
        if random.happens(conditions.loss) {
            counters.lost += 1
        } else {
            var delay = latency() + way
            if random.happens(conditions.reordering) {
                counters.reordered += 1
                delay += random.below(10 * conditions.latency.upperBound.nanoseconds + 1)
            }
            arrivals.add(delay)
            if random.happens(conditions.corruption) {
                counters.corrupted += 1
                arrivals.damagedBit = Int(random.below(Int64(bytes) * 8))
            }
        }
        if random.happens(conditions.duplication) {
            counters.duplicated += 1
            arrivals.add(latency() + way)
        }
        if random.happens(conditions.replay) {
            counters.replayed += 1
            arrivals.add(1_000_000_000 + random.below(89_000_000_000))
        }
        return arrivals
    }

    /// One way over a link, in nanoseconds: lost segments are sent again, after twice as long each
    /// time.
    mutating func streamDelay(_ from: Int, _ to: Int, at now: MonotonicInstant) -> Int64 {
        var delay = latency() + way(from, to) + clogged(from, to, at: now)
        var wait: Int64 = 200_000_000
        for _ in 0..<4 where random.happens(conditions.loss) {
            delay += wait
            wait *= 2
        }
        return delay
    }

    private mutating func latency() -> Int64 {
        let low = conditions.latency.lowerBound.nanoseconds
        return low + random.below(conditions.latency.upperBound.nanoseconds - low + 1)
    }
}
