import Wire

/// Whatever others do, a node refutes at most once a probe period, checks a bounded number of
/// signatures a second, and takes no honest member's packets for malformed, whatever version of the
/// protocol the two speak.
struct WorkChecker: MembershipChecker {
    static let name = "work"

    let probeInterval: Duration
    let signaturesPerSecondMax: Double
    /// Whether nothing damages or forges anything, so that nothing may be found malformed.
    let isWireClean: Bool
    private(set) var judged = 0
    private var lasts: [Int: (work: NodeWork, at: MonotonicInstant)] = [:]
    /// The most signatures that a node checked in a second, over some seconds.
    private(set) var signaturesPerSecondPeak = 0.0

    init(probeInterval: Duration, signaturesPerSecondMax: Double, isWireClean: Bool) {
        self.probeInterval = probeInterval
        self.signaturesPerSecondMax = signaturesPerSecondMax
        self.isWireClean = isWireClean
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, _): lasts[node] = (NodeWork(), now)
        case .worked(let node, let work):
            guard world.nodes[node].isHonest else { return }
            let last = lasts[node] ?? (NodeWork(), .origin)
            lasts[node] = (work, now)
            judge(node, last.work, work, over: now - last.at, in: world, at: now, &findings)
        default: return
        }
    }

    private mutating func judge(
        _ node: Int, _ old: NodeWork, _ new: NodeWork, over time: Duration,
        in world: MembershipWorld, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        judged += 1
        let refutations = new.refutations &- old.refutations
        let periods = time.nanoseconds / probeInterval.nanoseconds + 1
        if refutations > UInt64(periods) {
            findings.report(
                Self.name, now, "node \(node) refuted \(refutations) times in \(periods) periods")
        }
        if time >= .seconds(5) {
            let rate = Double(new.signaturesChecked - old.signaturesChecked) / time.seconds
            signaturesPerSecondPeak = max(signaturesPerSecondPeak, rate)
            // Each member's claims come once when a mesh forms, or meets again.
            if rate > signaturesPerSecondMax + Double(world.nodes.count) {
                findings.report(
                    Self.name, now,
                    "node \(node) checked \(decimal(rate, places: 0)) signatures a second")
            }
        }
        if isWireClean, new.malformed > old.malformed || new.forged > old.forged {
            findings.report(
                Self.name, now,
                "node \(node) takes what honest members send for malformed or forged")
        }
    }
}
