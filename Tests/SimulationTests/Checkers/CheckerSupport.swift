import Gossip
import Simulation
import Wire

/// A mesh of a few nodes that know each other, for feeding checkers by hand.
struct ObservedMesh {
    var checkers: MembershipCheckers
    let nodes: Int

    /// All start at once and see each other after a second; wherever a test says nothing else, the
    /// clock goes on from there.
    init(nodes: Int = 3, _ adjust: (inout MembershipCheckers.Bounds) -> Void = { _ in }) {
        self.nodes = nodes
        var bounds = MembershipCheckers.Bounds(
            detection: .seconds(20), convergence: .seconds(30), settling: .seconds(10))
        adjust(&bounds)
        checkers = MembershipCheckers(nodes: nodes, bounds: bounds)
        for node in 0..<nodes {
            observe(.started(node, generation: 1), 0)
            observe(.claimed(node, Self.claim(node)), 0)
        }
        for observer in 0..<nodes {
            for subject in 0..<nodes where subject != observer {
                believe(observer, subject, .alive, 1)
            }
        }
    }

    static func claim(
        _ node: Int, generation: UInt64 = 1, incarnation: UInt32 = 0
    ) -> AliveClaim {
        AliveClaim(
            node: NodeID(number: UInt64(node) + 1), generation: generation,
            incarnation: incarnation, linkKey: LinkKey(number: 1),
            linkKeyNotAfter: WallTime(seconds: 1), certificate: CertificateTag(high: 1, low: 1),
            reachability: .direct, addresses: [])
    }

    mutating func observe(_ observation: MembershipObservation, _ seconds: Double) {
        checkers.observe(observation, at: .origin + .milliseconds(Int(seconds * 1000)))
    }

    mutating func believe(
        _ observer: Int, _ subject: Int, _ state: MemberState, _ seconds: Double,
        generation: UInt64 = 1, incarnation: UInt32 = 0, unread: Int = 0
    ) {
        let belief = Belief(state: state, generation: generation, incarnation: incarnation)
        observe(
            .believed(observer: observer, subject: subject, belief, unread: unread), seconds)
    }

    mutating func work(_ node: Int, _ work: NodeWork, _ seconds: Double) {
        observe(.worked(node, work), seconds)
    }

    /// Time goes by.
    mutating func wait(until seconds: Double) { work(0, NodeWork(), seconds) }

    mutating func finish(_ seconds: Double) {
        checkers.finish(at: .origin + .milliseconds(Int(seconds * 1000)))
    }

    /// The names of the checkers that found something, once for each time.
    var broken: [String] { checkers.violations.map(\.checker) }

    func judged(_ checker: String) -> Int {
        checkers.tally.first { $0.checker == checker }?.judged ?? 0
    }
}
