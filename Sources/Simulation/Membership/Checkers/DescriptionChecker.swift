import Gossip
import Wire

/// One value for each generation and version of a section: whoever knows the same version of what a
/// node says knows the same.
struct DescriptionChecker: MembershipChecker {
    static let name = "description"

    /// How many versions of a section are remembered.
    private static let versionsMax = 16

    private struct Value: Sendable {
        var generation: UInt64
        var version: UInt32
        var digest: UInt64
    }

    private(set) var judged = 0
    private var values: [Int: [Value]] = [:]
    /// What each observer knows: by observer, subject and section.
    private var newest: [Int: [Int: (generation: UInt64, version: UInt32)]] = [:]

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, _): newest[node] = nil
        case .believed(let observer, let subject, let belief, _):
            // Of the gone it may have forgotten what they said.
            guard belief.state.isThere, world.isTracked(observer), newest[observer] != nil,
                world.belief(observer, subject)?.state.isThere == false
            else { return }
            for section in DescriptionSection.allCases {
                newest[observer]?[Self.key(subject, section)] = nil
            }
        case .described(let observer, let subject, let section, let generation, let version, let d):
            guard world.nodes[observer].isHonest else { return }
            take(
                subject, section, generation, version, d, by: observer, in: world, at: now,
                &findings)
            let key = Self.key(subject, section)
            if let old = newest[observer]?[key], (generation, version) < old {
                findings.report(
                    Self.name, now,
                    "node \(observer)'s \(section) of node \(subject) went back to "
                        + "\(generation).\(version)")
            }
            newest[observer, default: [:]][key] = (generation, version)
        default: return
        }
    }

    private static func key(_ subject: Int, _ section: DescriptionSection) -> Int {
        subject * DescriptionSection.allCases.count + Int(section.rawValue)
    }

    private mutating func take(
        _ subject: Int, _ section: DescriptionSection, _ generation: UInt64, _ version: UInt32,
        _ digest: UInt64, by observer: Int, in world: MembershipWorld, at now: MonotonicInstant,
        _ findings: inout Findings
    ) {
        // Who breaks the rules may sign two; each honest node still has one of them.
        guard world.nodes[subject].isHonest else { return }
        judged += 1
        let key = Self.key(subject, section)
        if let known = values[key]?.first(where: {
            $0.generation == generation && $0.version == version
        }) {
            if known.digest != digest {
                findings.report(
                    Self.name, now,
                    "\(section) \(generation).\(version) of node \(subject) has two values; node "
                        + "\(observer) has the second")
            }
            return
        }
        values[key, default: []].append(
            Value(generation: generation, version: version, digest: digest))
        if values[key, default: []].count > Self.versionsMax { values[key]?.removeFirst() }
    }
}
