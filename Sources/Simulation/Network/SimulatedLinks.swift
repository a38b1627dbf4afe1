import Wire

/// Links between nodes: pairs, each with a name of its own, so that what was meant for an earlier
/// link between the same two is dropped.
struct SimulatedLinks: Sendable {
    struct Link: Sendable {
        let name: UInt64
        /// Since when it lets nothing pass, one way at least.
        var silentSince: MonotonicInstant?
        /// When the last of what was sent arrives, from the lower-numbered end and to it: streams
        /// keep their order.
        var lastUp = MonotonicInstant.origin
        var lastDown = MonotonicInstant.origin
        /// What is sent again and again until the path opens.
        var heldUp: [Inbound] = []
        var heldDown: [Inbound] = []
    }

    private var links: [UInt64: Link] = [:]
    private var peers: [Int: [Int]] = [:]
    private var count: UInt64 = 0

    private static func key(_ a: Int, _ b: Int) -> UInt64 {
        UInt64(min(a, b)) << 32 | UInt64(max(a, b))
    }

    /// The link between two nodes.
    subscript(a: Int, b: Int) -> Link? {
        get { links[Self.key(a, b)] }
        set { links[Self.key(a, b)] = newValue }
    }

    /// Changes the link between two nodes in place, if there is one.
    mutating func update(_ a: Int, _ b: Int, _ body: (inout Link) -> Void) {
        guard links[Self.key(a, b)] != nil else { return }
        body(&links[Self.key(a, b), default: Link(name: 0)])
    }

    /// Those with a link to a node, in order.
    func peers(of node: Int) -> [Int] { peers[node] ?? [] }

    /// Makes a link and returns its name.
    mutating func open(_ a: Int, _ b: Int) -> UInt64 {
        count += 1
        links[Self.key(a, b)] = Link(name: count)
        insert(a, b)
        insert(b, a)
        return count
    }

    /// Ends a link.
    mutating func close(_ a: Int, _ b: Int) {
        guard links.removeValue(forKey: Self.key(a, b)) != nil else { return }
        peers[a]?.removeAll { $0 == b }
        peers[b]?.removeAll { $0 == a }
    }

    private mutating func insert(_ node: Int, _ peer: Int) {
        let list = peers[node] ?? []
        let place = list.firstIndex { $0 > peer } ?? list.count
        peers[node, default: []].insert(peer, at: place)
    }
}
