import Gossip
import Wire

/// Traffic returns to its baseline after a disturbance. (What each packet carries is for
/// ``DisseminationChecker``.)
struct TrafficChecker: MembershipChecker {
    static let name = "traffic"

    /// Rates are taken over so long.
    static let window: Duration = .seconds(10)

    let quietAfter: Duration
    /// Datagrams that each member may send in a second when nothing happens.
    let datagramsPerSecondMax: Double
    private(set) var judged = 0
    private var windowBegan = MonotonicInstant.origin
    private var datagrams = 0

    init(quietAfter: Duration, datagramsPerSecondMax: Double) {
        self.quietAfter = quietAfter
        self.datagramsPerSecondMax = datagramsPerSecondMax
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard case .datagram(let node, _) = observation else { return }
        // Whole windows only, in which the mesh did not change.
        if now - windowBegan >= Self.window { close(in: world, at: now, &findings) }
        if world.nodes[node].isHonest { datagrams += 1 }
    }

    private mutating func close(
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        let length = now - windowBegan
        defer {
            windowBegan = now
            datagrams = 0
        }
        let up = world.nodes.count { $0.isUp && $0.isHonest }
        guard world.impairedCount == 0, !world.isPartitioned, up > 0,
            now - world.disturbedAt >= quietAfter + length,
            length < Self.window * 2
        else { return }
        judged += 1
        let rate = Double(datagrams) / length.seconds / Double(up)
        guard rate > datagramsPerSecondMax else { return }
        findings.report(
            Self.name, now,
            "nothing has happened for a while, but each member sends "
                + "\(decimal(rate, places: 2)) datagrams a second, over "
                + "\(decimal(datagramsPerSecondMax, places: 2))")
    }
}
