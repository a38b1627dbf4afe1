import Gossip
import Wire

/// Each update is sent at most λ·log N times by each member, and traffic returns to its baseline
/// after a disturbance.
struct TrafficChecker: MembershipChecker {
    static let name = "traffic"

    /// Rates are taken over so long.
    static let window: Duration = .seconds(10)

    let quietAfter: Duration
    /// Datagrams that each member may send in a second when nothing happens.
    let datagramsPerSecondMax: Double
    let transmissionsMax: Int
    private(set) var judged = 0
    /// By node and subject: how often each claim was sent. A change of belief about the subject is
    /// news, in which the same words may be due again.
    private var sent: [Int: [Int: [UInt64: Int]]] = [:]
    private var windowBegan = MonotonicInstant.origin
    private var datagrams = 0
    private var ups = 0

    init(quietAfter: Duration, datagramsPerSecondMax: Double, transmissionsMax: Int) {
        self.quietAfter = quietAfter
        self.datagramsPerSecondMax = datagramsPerSecondMax
        self.transmissionsMax = transmissionsMax
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, _), .crashed(let node): sent[node] = nil
        case .believed(let observer, let subject, let belief, _):
            guard sent[observer]?[subject] != nil, world.isTracked(observer),
                world.belief(observer, subject)?.state != belief.state
            else { return }
            sent[observer]?[subject] = nil
        case .passedOn(let node, let subject, let digest):
            guard world.nodes[node].isHonest else { return }
            judged += 1
            let count = (sent[node]?[subject]?[digest] ?? 0) + 1
            sent[node, default: [:]][subject, default: [:]][digest] = count
            guard count == transmissionsMax + 1 else { return }
            findings.report(
                Self.name, now,
                "node \(node) passed a claim about node \(subject) on more than "
                    + "\(transmissionsMax) times")
        case .datagram(let node, _):
            // Whole windows only, in which the mesh did not change.
            if now - windowBegan >= Self.window { close(in: world, at: now, &findings) }
            if world.nodes[node].isHonest { datagrams += 1 }
        default: return
        }
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
