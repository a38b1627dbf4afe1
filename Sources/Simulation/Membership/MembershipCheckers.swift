public import Gossip
public import Wire

/// Something observed in a run, in order of time. Nodes are numbered from 0.
public enum MembershipObservation: Sendable, Equatable {
    /// A node started.
    case started(Int, generation: UInt64)
    /// A node's process ended without a word.
    case crashed(Int)
    /// A node said that it leaves.
    case left(Int)
    /// The network was cut: these nodes, and the others.
    case partitioned([Int])
    /// It was made whole.
    case healed
    /// What `observer` now believes of `subject`.
    case believed(
        observer: Int, subject: Int, state: MemberState, generation: UInt64, incarnation: UInt32)
    /// A packet of so many bytes was handed out.
    case packet(from: Int, bytes: Int)
    /// What a node holds.
    case held(Int, GossipSizes)
}

/// A broken invariant.
public struct Violation: Sendable, Equatable, Encodable {
    /// Which checker found it.
    public let checker: String
    /// When, in seconds of simulated time.
    public let seconds: Double
    /// What is wrong.
    public let message: String
}

/// Checks a run against the invariants of the membership layer, after every observation.
public struct MembershipCheckers: Sendable {
    /// What the invariants are measured against.
    public struct Bounds: Sendable, Equatable {
        /// A crash is known to every live connected member within this.
        public var detection: Duration
        /// After a start or a heal, this long is allowed before all must agree again.
        public var convergence: Duration
        /// Whether a healthy connected member may be dead to another: true where the loss is beyond
        /// what is promised.
        public var allowsFalseDeaths = false

        /// Bounds as given.
        public init(detection: Duration, convergence: Duration) {
            self.detection = detection
            self.convergence = convergence
        }
    }

    private struct Node: Sendable {
        var isUp = false
        var hasLeft = false
        var generation: UInt64 = 0
        var changedAt = MonotonicInstant.origin
        var crashedAt: MonotonicInstant?
    }

    private struct Belief: Sendable {
        var state: MemberState
        var generation: UInt64
        var incarnation: UInt32
        var at: MonotonicInstant
    }

    /// A crash whose news every live member must get in time.
    private struct Crash: Sendable {
        var node: Int
        var generation: UInt64
        var at: MonotonicInstant
        var missing: [Int]
    }

    private let bounds: Bounds
    private var nodes: [Node]
    private var beliefs: [Belief?]
    private var crashes: [Crash] = []
    private var sides: [Int]
    private var sidesChangedAt = MonotonicInstant.origin
    private var isPartitioned = false

    /// What was found.
    public private(set) var violations: [Violation] = []
    /// How many there were, those not listed included.
    public private(set) var violationCount = 0
    /// For each crash and each member that had to notice, the time it took.
    public private(set) var detections: [Duration] = []
    /// For each crash, the time until the first member noticed.
    public private(set) var firstDetections: [Duration] = []
    /// Times that a healthy, connected member was dead to another.
    public private(set) var falseDeaths = 0
    /// Times that a healthy, connected member was suspected by another.
    public private(set) var falseSuspicions = 0

    /// Checkers for nodes numbered from 0.
    public init(nodes: Int, bounds: Bounds) {
        self.bounds = bounds
        self.nodes = Array(repeating: Node(), count: nodes)
        beliefs = Array(repeating: nil, count: nodes * nodes)
        sides = Array(repeating: 0, count: nodes)
    }

    /// Takes in what happened at `now`.
    public mutating func observe(_ observation: MembershipObservation, at now: MonotonicInstant) {
        expireCrashes(at: now)
        switch observation {
        case .started(let node, let generation):
            if generation <= nodes[node].generation, nodes[node].generation != 0 {
                report("generation", now, "node \(node) started again at \(generation)")
            }
            nodes[node] = Node(isUp: true, generation: generation, changedAt: now)
            for subject in nodes.indices { beliefs[node * nodes.count + subject] = nil }
            // Back before everyone had noticed: the newer generation replaces the older at once.
            crashes.removeAll { $0.node == node }
        case .crashed(let node):
            nodes[node].isUp = false
            nodes[node].changedAt = now
            nodes[node].crashedAt = now
            for index in crashes.indices { crashes[index].missing.removeAll { $0 == node } }
            let watchers = nodes.indices.filter { other in
                other != node && nodes[other].isUp && sides[other] == sides[node]
                    && (belief(other, node)?.state.isThere ?? false)
            }
            crashes.append(
                Crash(
                    node: node, generation: nodes[node].generation, at: now, missing: watchers))
        case .left(let node):
            nodes[node].hasLeft = true
            nodes[node].changedAt = now
        case .partitioned(let group):
            for node in sides.indices { sides[node] = 0 }
            for node in group { sides[node] = 1 }
            for index in crashes.indices {
                let side = sides[crashes[index].node]
                crashes[index].missing.removeAll { sides[$0] != side }
            }
            sidesChangedAt = now
            isPartitioned = true
        case .healed:
            for node in sides.indices { sides[node] = 0 }
            sidesChangedAt = now
            isPartitioned = false
        case .believed(let observer, let subject, let state, let generation, let incarnation):
            let new = Belief(
                state: state, generation: generation, incarnation: incarnation, at: now)
            believed(observer, subject, new, at: now)
        case .packet(let from, let bytes):
            if bytes > GossipLimits.packetBytesMax {
                report("packet size", now, "node \(from) sent a packet of \(bytes) bytes")
            }
        case .held(let node, let sizes):
            checkSizes(node, sizes, at: now)
        }
    }

    /// To be called when the run ends: everyone must agree about everyone, if nothing disturbed the
    /// mesh for ``Bounds/convergence``.
    public mutating func finish(at now: MonotonicInstant) {
        expireCrashes(at: now)
        guard !isPartitioned, now - sidesChangedAt >= bounds.convergence else { return }
        for observer in nodes.indices where isSettled(observer, at: now) && nodes[observer].isUp {
            for subject in nodes.indices where subject != observer {
                guard isSettled(subject, at: now), nodes[subject].generation > 0 else { continue }
                let known = belief(observer, subject)
                let isThere = nodes[subject].isUp && !nodes[subject].hasLeft
                let generation = nodes[subject].generation
                // A passing suspicion is no disagreement: the member is used meanwhile.
                let isKnown = known?.state.isThere == true && known?.generation == generation
                if isThere, !isKnown {
                    let state = known.map { "\($0.state), generation \($0.generation)" }
                    report(
                        "convergence", now,
                        "node \(subject) is up at generation \(generation), but "
                            + "\(state ?? "unknown") to node \(observer)")
                }
                if !isThere, let known, known.state.isThere {
                    report(
                        "convergence", now,
                        "node \(subject) is gone, but \(known.state) to node \(observer)")
                }
            }
        }
    }

    // MARK: The invariants

    private mutating func believed(
        _ observer: Int, _ subject: Int, _ new: Belief, at now: MonotonicInstant
    ) {
        let index = observer * nodes.count + subject
        if let old = beliefs[index] { checkOrder(observer, subject, old, new, at: now) }
        let isChange = beliefs[index]?.state != new.state
        beliefs[index] = new
        guard isChange, new.state == .dead || new.state == .suspect || new.state == .left else {
            return
        }
        if new.state != .suspect { noteDetection(observer, subject, new, at: now) }
        let isHealthy =
            nodes[subject].isUp && !nodes[subject].hasLeft && nodes[observer].isUp
            && nodes[subject].generation == new.generation
            && sides[observer] == sides[subject]
        guard isHealthy else { return }
        switch new.state {
        case .left:
            report(
                "departure", now, "node \(subject) never left, but did for node \(observer)")
        case .suspect: falseSuspicions += 1
        case .dead:
            // A suspicion that began in a partition may still end in it.
            guard now - sidesChangedAt >= bounds.convergence else { return }
            falseDeaths += 1
            if !bounds.allowsFalseDeaths {
                report(
                    "false death", now,
                    "node \(subject) is healthy and connected, but dead to node \(observer)")
            }
        case .alive: break
        }
    }

    private mutating func checkOrder(
        _ observer: Int, _ subject: Int, _ old: Belief, _ new: Belief, at now: MonotonicInstant
    ) {
        let what = "node \(observer)'s belief about node \(subject)"
        if new.generation < old.generation {
            report("order", now, "\(what) went back to generation \(new.generation)")
        } else if new.generation == old.generation {
            if old.state == .left, new.state != .left {
                report("order", now, "\(what) came back from leaving without a new generation")
            } else if new.state != .left, new.incarnation < old.incarnation {
                report("order", now, "\(what) went back to incarnation \(new.incarnation)")
            } else if old.state == .dead, new.state.isThere, new.incarnation == old.incarnation {
                report("order", now, "\(what) came back from death unrefuted")
            }
        }
    }

    private mutating func noteDetection(
        _ observer: Int, _ subject: Int, _ new: Belief, at now: MonotonicInstant
    ) {
        for index in crashes.indices
        where crashes[index].node == subject && crashes[index].generation == new.generation {
            guard let place = crashes[index].missing.firstIndex(of: observer) else { continue }
            crashes[index].missing.remove(at: place)
            let took = now - crashes[index].at
            if nodes[subject].crashedAt != nil {
                firstDetections.append(took)
                nodes[subject].crashedAt = nil
            }
            detections.append(took)
        }
        crashes.removeAll { $0.missing.isEmpty }
    }

    private mutating func expireCrashes(at now: MonotonicInstant) {
        guard crashes.contains(where: { now - $0.at > bounds.detection }) else { return }
        for crash in crashes
        where now - crash.at > bounds.detection && !crash.missing.isEmpty {
            let late = crash.missing.map(String.init).joined(separator: ", ")
            report(
                "detection", now,
                "the crash of node \(crash.node) is unknown to \(late) after \(bounds.detection)")
        }
        crashes.removeAll { now - $0.at > bounds.detection }
    }

    private mutating func checkSizes(
        _ node: Int, _ sizes: GossipSizes, at now: MonotonicInstant
    ) {
        let held: [(String, Int, Int)] = [
            ("members", sizes.members, GossipLimits.membersMax),
            ("pending", sizes.pending, GossipLimits.pendingMax),
            ("broadcasts", sizes.broadcasts, GossipLimits.broadcastsMax),
            ("accusers", sizes.accusers, GossipLimits.accusersMax),
        ]
        for (name, count, limit) in held where count > limit {
            report("bounds", now, "node \(node) holds \(count) \(name), over \(limit)")
        }
    }

    // MARK: Support

    private func belief(_ observer: Int, _ subject: Int) -> Belief? {
        beliefs[observer * nodes.count + subject]
    }

    private func isSettled(_ node: Int, at now: MonotonicInstant) -> Bool {
        now - nodes[node].changedAt >= bounds.convergence
    }

    private mutating func report(_ checker: String, _ now: MonotonicInstant, _ message: String) {
        violationCount += 1
        guard violations.count < SimulationLimits.violationsMax else { return }
        violations.append(
            Violation(
                checker: checker, seconds: (now - MonotonicInstant.origin).seconds,
                message: message))
    }
}

extension MemberState {
    /// Alive or only suspected.
    var isThere: Bool { self == .alive || self == .suspect }
}
