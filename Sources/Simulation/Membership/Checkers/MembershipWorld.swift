import Gossip
import Wire

/// What is true in a run, as opposed to what nodes believe: who runs, who is fit, what is connected,
/// since when. The checkers judge beliefs by it.
///
/// Definitions, on which what is promised rests:
/// - A node is **fit** for a time when it was up, had not said goodbye and was not impaired
///   (``Impairment``) all that time.
/// - Two nodes are **connected** for a time when no partition was between them, began or ended in
///   that time, and there was no complete cut between the two, nor can both only dial out; or else
///   at least half of the other fit nodes that can be dialled had none to either, and no other way
///   got worse in that time: then probes and refutations can pass by them. Ways on which only
///   datagrams are dropped don't disconnect.
/// - The network is **within the stated loss** for a time when all that time no greater share of
///   datagrams was lost than ``MembershipCheckers/Bounds/lossMax``.
struct MembershipWorld: Sendable {
    struct Node: Sendable {
        var isUp = false
        var hasLeft = false
        var generation: UInt64 = 0
        /// When it last started, crashed, left or stopped.
        var changedAt = MonotonicInstant.origin
        /// The bits of its impairments.
        var impairments: UInt8 = 0
        /// Those, and the ones it had in the settling time before.
        var lateImpairments: UInt8 = 0
        /// When it last became unimpaired, or started.
        var fitSince = MonotonicInstant.origin
        /// Whether it follows the rules.
        var isHonest = true
    }

    /// A belief without the claim, in 16 bytes: one for each pair of nodes is kept.
    struct Compact: Sendable {
        private var stateBits: UInt8
        private var shortGeneration: UInt32
        var incarnation: UInt32
        private var sinceMilliseconds: UInt32

        /// Nothing is believed.
        static let none = Compact()

        private init() {
            stateBits = .max
            shortGeneration = 0
            incarnation = 0
            sinceMilliseconds = 0
        }

        init(_ belief: Belief, since: MonotonicInstant) {
            stateBits = belief.state.rawValue
            shortGeneration = UInt32(truncatingIfNeeded: belief.generation)
            incarnation = belief.incarnation
            sinceMilliseconds = UInt32(truncatingIfNeeded: since.nanoseconds / 1_000_000)
        }

        var isNone: Bool { stateBits == .max }
        var state: MemberState { MemberState(rawValue: stateBits) ?? .dead }
        var generation: UInt64 { UInt64(shortGeneration) }
        /// Since when it is believed there, or gone.
        var since: MonotonicInstant { .origin + .milliseconds(Int64(sinceMilliseconds)) }
    }

    private struct Cut: Sendable {
        /// How many things cut the two off at once.
        var count: Int
        var changedAt: MonotonicInstant
    }

    var nodes: [Node]
    private var rows: [[Compact]]
    private var sides: [Int]
    private(set) var isPartitioned = false
    private(set) var sidesChangedAt = MonotonicInstant.origin
    private var cuts: [Int: Cut] = [:]
    private var hinderedAt: MonotonicInstant?
    private let dialsOnly: [Bool]
    private let lossMax: Double
    private let settling: Duration
    /// How many nodes are impaired now.
    private(set) var impairedCount = 0
    private var isLossy = false
    private var lossChangedAt: MonotonicInstant?
    /// When the world last changed in any way.
    private(set) var disturbedAt = MonotonicInstant.origin
    /// The largest number of nodes that were up at once.
    private(set) var upMax = 0
    private(set) var upCount = 0

    init(
        nodes count: Int, hostile: [Int], dialsOnly: [Int], lossMax: Double, settling: Duration
    ) {
        var marks = Array(repeating: false, count: count)
        for node in dialsOnly { marks[node] = true }
        self.dialsOnly = marks
        nodes = Array(repeating: Node(), count: count)
        for node in hostile { nodes[node].isHonest = false }
        sides = Array(repeating: 0, count: count)
        self.lossMax = lossMax
        self.settling = settling
        let tracked = min(count, Self.rowsMax(nodes: count))
        rows = Array(repeating: [], count: tracked)
    }

    /// Beliefs are kept for every observer, but in very large meshes for the first ones only: a row
    /// for each of 10 000 would take gigabytes.
    static func rowsMax(nodes: Int) -> Int {
        max(1, SimulationLimits.beliefsMax / max(1, nodes))
    }

    /// Whether an observer's beliefs are followed.
    func isTracked(_ observer: Int) -> Bool { observer < rows.count }

    func belief(_ observer: Int, _ subject: Int) -> Compact? {
        guard !rows[observer].isEmpty, !rows[observer][subject].isNone else { return nil }
        return rows[observer][subject]
    }

    /// The number of observers whose beliefs are followed.
    var trackedCount: Int { rows.count }

    // MARK: Questions

    /// Whether a node takes part, as far as the world is concerned.
    func isThere(_ node: Int) -> Bool { nodes[node].isUp && !nodes[node].hasLeft }

    /// See the definitions above.
    func isFit(_ node: Int, for time: Duration, at now: MonotonicInstant) -> Bool {
        isThere(node) && nodes[node].impairments == 0 && now - nodes[node].fitSince >= time
            && now - nodes[node].changedAt >= time
    }

    /// Whether nothing changed about a node, whatever its state, for so long.
    func isSettled(_ node: Int, for time: Duration, at now: MonotonicInstant) -> Bool {
        nodes[node].impairments == 0 && now - nodes[node].fitSince >= time
            && now - nodes[node].changedAt >= time
    }

    /// See the definitions above.
    func areConnected(
        _ a: Int, _ b: Int, for time: Duration, at now: MonotonicInstant
    ) -> Bool {
        guard sides[a] == sides[b], now - sidesChangedAt >= time || sidesChangedAt == .origin
        else { return false }
        guard isCut(a, b, within: time, at: now) || dialsOnly[a] && dialsOnly[b] else {
            return true
        }
        if let hinderedAt, now - hinderedAt < time { return false }
        var fit = 0
        var between = 0
        for relay in nodes.indices
        where relay != a && relay != b && sides[relay] == sides[a] && nodes[relay].isHonest
            && !dialsOnly[relay] && isFit(relay, for: time, at: now)
        {
            fit += 1
            if !isCut(a, relay, within: time, at: now), !isCut(relay, b, within: time, at: now) {
                between += 1
            }
        }
        return between > 0 && 2 * between >= fit
    }

    /// Whether a node can only dial out.
    func onlyDials(_ node: Int) -> Bool { dialsOnly[node] }

    /// Whether two nodes are on one side of a partition, or there is none.
    func areOnOneSide(_ a: Int, _ b: Int) -> Bool { sides[a] == sides[b] }

    private func isCut(
        _ a: Int, _ b: Int, within time: Duration, at now: MonotonicInstant
    ) -> Bool {
        guard !cuts.isEmpty, let cut = cuts[key(a, b)] else { return false }
        return cut.count > 0 || now - cut.changedAt < time
    }

    /// See the definitions above.
    func isWithinStatedLoss(for time: Duration, at now: MonotonicInstant) -> Bool {
        guard !isLossy else { return false }
        guard let lossChangedAt else { return true }
        return now - lossChangedAt >= time
    }

    private func key(_ a: Int, _ b: Int) -> Int { min(a, b) * nodes.count + max(a, b) }

    // MARK: What happens

    mutating func observe(_ observation: MembershipObservation, at now: MonotonicInstant) {
        switch observation {
        case .started(let node, let generation):
            let isHonest = nodes[node].isHonest
            if !nodes[node].isUp { upCount += 1 }
            if nodes[node].impairments != 0 { impairedCount -= 1 }
            upMax = max(upMax, upCount)
            nodes[node] = Node(
                isUp: true, generation: generation, changedAt: now, fitSince: now,
                isHonest: isHonest)
            if isTracked(node) { rows[node] = [] }
        case .crashed(let node), .stopped(let node):
            if nodes[node].isUp { upCount -= 1 }
            nodes[node].isUp = false
            nodes[node].changedAt = now
            if nodes[node].impairments != 0 { impairedCount -= 1 }
            nodes[node].impairments = 0
        case .left(let node):
            nodes[node].hasLeft = true
            nodes[node].changedAt = now
        case .impaired(let node, let impairment):
            if nodes[node].impairments == 0, now - nodes[node].fitSince >= settling {
                nodes[node].lateImpairments = 0
            }
            if nodes[node].impairments == 0 { impairedCount += 1 }
            nodes[node].impairments |= 1 << impairment.rawValue
            nodes[node].lateImpairments |= 1 << impairment.rawValue
        case .recovered(let node, let impairment):
            let was = nodes[node].impairments
            nodes[node].impairments &= ~(1 << impairment.rawValue)
            nodes[node].fitSince = now
            if was != 0, nodes[node].impairments == 0 { impairedCount -= 1 }
        case .split(let groups):
            for node in sides.indices { sides[node] = 0 }
            for (number, group) in groups.enumerated() {
                for node in group { sides[node] = number + 1 }
            }
            sidesChangedAt = now
            isPartitioned = true
        case .healed:
            for node in sides.indices { sides[node] = 0 }
            sidesChangedAt = now
            isPartitioned = false
        case .cut(let a, let b):
            cuts[key(a, b)] = Cut(count: (cuts[key(a, b)]?.count ?? 0) + 1, changedAt: now)
        case .mended(let a, let b):
            cuts[key(a, b)] = Cut(
                count: max(0, (cuts[key(a, b)]?.count ?? 0) - 1), changedAt: now)
        case .hindered: hinderedAt = now
        case .conditions(let loss):
            if isLossy != (loss > lossMax) { lossChangedAt = now }
            isLossy = loss > lossMax
        default: return
        }
        disturbedAt = now
    }

    /// To be called once the checkers have compared it with what was believed before.
    mutating func believe(
        _ observer: Int, _ subject: Int, _ belief: Belief, at now: MonotonicInstant
    ) {
        guard isTracked(observer) else { return }
        if rows[observer].isEmpty {
            rows[observer] = Array(repeating: .none, count: nodes.count)
        }
        let old = rows[observer][subject]
        let isSame = !old.isNone && old.state.isThere == belief.state.isThere
        rows[observer][subject] = Compact(belief, since: isSame ? old.since : now)
    }
}

extension MemberState {
    /// Alive or only suspected.
    var isThere: Bool { self == .alive || self == .suspect }
}
