import Wire

/// How a simulated network treats datagrams. Links pay for loss with time, not with bytes.
public struct NetworkConditions: Sendable, Equatable {
    /// The share of datagrams lost, from 0 to 1.
    public var loss = 0.0
    /// The share delivered twice.
    public var duplication = 0.0
    /// The share delayed by up to ten times the latency, so that later ones overtake them.
    public var reordering = 0.0
    /// The share in which one bit is changed on the way.
    public var corruption = 0.0
    /// The share that the network keeps a copy of and delivers once more, 1 to 90 seconds later.
    public var replay = 0.0
    /// One way, drawn anew for each datagram.
    public var latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(20)
    /// The longest way between two places, in one direction: nodes lie on a square of this
    /// diagonal. Zero puts all in one place.
    public var span: Duration = .zero
    /// Longer datagrams vanish without a word; nil when all pass.
    public var mtu: Int?

    /// A good network.
    public init() {}

    /// Why there can be no such network; nil when there can.
    var problem: String? {
        let shares = [loss, duplication, reordering, corruption, replay]
        if !shares.allSatisfy({ (0...1).contains($0) }) { return "shares are from 0 to 1" }
        if latency.lowerBound < .zero || latency.upperBound > .seconds(60) {
            return "the latency must be from 0 to 60 seconds"
        }
        if span < .zero || span > .seconds(60) { return "the span must be from 0 to 60 seconds" }
        if let mtu, mtu < 1 { return "the longest datagram that passes must be 1 byte or more" }
        return nil
    }
}

/// Paths that do not let everything pass, from some nodes to others.
public struct Cut: Sendable, Equatable {
    /// Where what is cut comes from.
    public var from: [Int]
    /// Where it was going.
    public var to: [Int]
    /// Whether the other direction is cut too.
    public var isBothWays: Bool
    /// Whether links pass all the same.
    public var isDatagramsOnly: Bool

    /// A cut as given.
    public init(
        from: [Int], to: [Int], isBothWays: Bool = true, isDatagramsOnly: Bool = false
    ) {
        self.from = from
        self.to = to
        self.isBothWays = isBothWays
        self.isDatagramsOnly = isDatagramsOnly
    }
}

/// Where a node is: its way to others is the distance in a plane, in nanoseconds.
struct Place: Sendable, Equatable {
    var x = 0.0
    var y = 0.0

    /// One way, in nanoseconds. A square root is exact in IEEE 754, so it is the same everywhere.
    func distance(to other: Place) -> Int64 {
        let (dx, dy) = (x - other.x, y - other.y)
        return Int64((dx * dx + dy * dy).squareRoot())
    }
}
