import Gossip
public import Wire

/// Checks a run against the invariants of the membership layer, after every observation: one
/// checker for each, and a tally that shows that each had something to judge.
public struct MembershipCheckers: Sendable {
    /// What the invariants are measured against.
    public struct Bounds: Sendable, Equatable {
        /// A crash is known to every fit member within this.
        public var detection: Duration
        /// After a start or a heal, this long is allowed before all must agree again.
        public var convergence: Duration
        /// Nobody may be buried who was fit and connected for this long: the longest suspicion, so
        /// that one which began in a disturbance may still end in it.
        public var settling: Duration
        /// The stated loss: the share of datagrams, from 0 to 1, up to which nobody fit is buried
        /// and everything is noticed in time.
        public var lossMax = 0.3
        /// Whether a healthy connected member may be dead to another all the same: deaths are then
        /// only counted.
        public var allowsFalseDeaths = false
        /// Members that break the rules; nothing is promised of or to them.
        public var hostile: [Int] = []
        /// Members that can only dial out: two of them need others between them.
        public var dialsOnly: [Int] = []
        /// Records of the gone that each node keeps.
        public var tombstonesMax = GossipLimits.tombstonesMax
        /// How long the departed are remembered at least.
        public var tombstoneLifetime: Duration = .seconds(24 * 3600)
        /// A node refutes at most once in this time.
        public var probeInterval: Duration = .seconds(1)
        /// No node waits longer than this for its next tick.
        public var idleMax: Duration = .seconds(30)
        /// Nor is it called more often in a second.
        public var ticksPerSecondMax = 200
        /// Datagrams that each member may send in a second when nothing happens.
        public var datagramsPerSecondMax = 3.5
        /// How often each member may pass a claim on; nil for λ·log N of all nodes.
        public var transmissionsMax: Int?
        /// SWIM's λ.
        public var retransmitMultiplier = 4
        /// Signatures that a node checks in a second at the most, besides one for each node.
        public var signaturesPerSecondMax = 400.0
        /// Whether nothing damages or forges anything.
        public var isWireClean = false

        /// Bounds as given.
        public init(detection: Duration, convergence: Duration, settling: Duration? = nil) {
            self.detection = detection
            self.convergence = convergence
            self.settling = settling ?? convergence
        }
    }

    private var world: MembershipWorld
    private var findings = Findings()
    private var detection: DetectionChecker
    private var falseDeath: FalseDeathChecker
    private var convergence: ConvergenceChecker
    private var order: OrderChecker
    private var departure: DepartureChecker
    private var spokenFor: SpokenForChecker
    private var description = DescriptionChecker()
    private var bounds = BoundsChecker()
    private var datagramSize = DatagramSizeChecker()
    private var traffic: TrafficChecker
    private var dissemination: DisseminationChecker
    private var resistance = ResistanceChecker()
    private var timers: TimerChecker
    private var queuedRefutation = QueuedRefutationChecker()
    private var work: WorkChecker
    private var history = TraceDigest()

    /// Checkers for nodes numbered from 0.
    public init(nodes: Int, bounds: Bounds) {
        world = MembershipWorld(
            nodes: nodes, hostile: bounds.hostile, dialsOnly: bounds.dialsOnly,
            lossMax: bounds.lossMax, settling: bounds.settling)
        detection = DetectionChecker(bound: bounds.detection)
        falseDeath = FalseDeathChecker(
            settling: bounds.settling, isAllowed: bounds.allowsFalseDeaths)
        convergence = ConvergenceChecker(bound: bounds.convergence)
        order = OrderChecker(nodes: nodes, tombstonesMax: bounds.tombstonesMax)
        departure = DepartureChecker(
            lifetime: bounds.tombstoneLifetime, tombstonesMax: bounds.tombstonesMax)
        spokenFor = SpokenForChecker(nodes: nodes)
        var digits = 1
        var bound = 10
        while bound < nodes + 1 {
            digits += 1
            bound *= 10
        }
        traffic = TrafficChecker(
            quietAfter: bounds.convergence, datagramsPerSecondMax: bounds.datagramsPerSecondMax)
        dissemination = DisseminationChecker(
            transmissionsMax: bounds.transmissionsMax ?? bounds.retransmitMultiplier * digits,
            correctionInterval: bounds.probeInterval)
        timers = TimerChecker(
            nodes: nodes, idleMax: bounds.idleMax, ticksMax: bounds.ticksPerSecondMax)
        work = WorkChecker(
            probeInterval: bounds.probeInterval,
            signaturesPerSecondMax: bounds.signaturesPerSecondMax,
            isWireClean: bounds.isWireClean)
    }

    /// Takes in what happened at `now`. Each observation goes to the checkers that judge it.
    public mutating func observe(_ observation: MembershipObservation, at now: MonotonicInstant) {
        switch observation {
        case .datagram:
            datagramSize.observe(observation, in: world, at: now, &findings)
            traffic.observe(observation, in: world, at: now, &findings)
        case .packet: datagramSize.observe(observation, in: world, at: now, &findings)
        case .packed, .carried:
            dissemination.observe(observation, in: world, at: now, &findings)
        case .ticked: timers.observe(observation, in: world, at: now, &findings)
        case .held: bounds.observe(observation, in: world, at: now, &findings)
        case .resisted: resistance.observe(observation, in: world, at: now, &findings)
        case .worked:
            work.observe(observation, in: world, at: now, &findings)
            // Comes regularly: what is due is judged by it.
            detection.observe(observation, in: world, at: now, &findings)
            convergence.observe(observation, in: world, at: now, &findings)
        case .remembers: departure.observe(observation, in: world, at: now, &findings)
        case .described: description.observe(observation, in: world, at: now, &findings)
        case .claimed:
            order.observe(observation, in: world, at: now, &findings)
            spokenFor.observe(observation, in: world, at: now, &findings)
        case .believed(let observer, let subject, let belief, _):
            detection.observe(observation, in: world, at: now, &findings)
            falseDeath.observe(observation, in: world, at: now, &findings)
            order.observe(observation, in: world, at: now, &findings)
            departure.observe(observation, in: world, at: now, &findings)
            spokenFor.observe(observation, in: world, at: now, &findings)
            dissemination.observe(observation, in: world, at: now, &findings)
            queuedRefutation.observe(observation, in: world, at: now, &findings)
            description.observe(observation, in: world, at: now, &findings)
            world.believe(observer, subject, belief, at: now)
            remember(observer, subject, belief, at: now)
        case .started, .crashed, .left, .stopped, .impaired, .recovered, .split, .healed,
            .cut, .mended, .hindered, .conditions:
            world.observe(observation, at: now)
            detection.observe(observation, in: world, at: now, &findings)
            convergence.observe(observation, in: world, at: now, &findings)
            order.observe(observation, in: world, at: now, &findings)
            departure.observe(observation, in: world, at: now, &findings)
            description.observe(observation, in: world, at: now, &findings)
            dissemination.observe(observation, in: world, at: now, &findings)
            timers.observe(observation, in: world, at: now, &findings)
            work.observe(observation, in: world, at: now, &findings)
        }
    }

    /// To be called when the run ends.
    public mutating func finish(at now: MonotonicInstant) {
        detection.finish(in: world, at: now, &findings)
        convergence.finish(in: world, at: now, &findings)
        timers.finish(in: world, at: now, &findings)
    }

    private mutating func remember(
        _ observer: Int, _ subject: Int, _ belief: Belief, at now: MonotonicInstant
    ) {
        guard world.nodes[observer].isHonest else { return }
        history.add(UInt64(bitPattern: now.nanoseconds))
        history.add(UInt64(observer) << 32 | UInt64(subject))
        history.add(UInt64(belief.state.rawValue) << 32 | UInt64(belief.incarnation))
        history.add(belief.generation)
    }

    // MARK: What came of it

    /// The first of what was found.
    public var violations: [Violation] { findings.violations }
    /// How many there were, those not listed included.
    public var violationCount: Int { findings.count }
    /// For each crash and each member that had to notice, the time it took.
    public var detections: [Duration] { detection.detections }
    /// For each crash, the time until the first member noticed.
    public var firstDetections: [Duration] { detection.firstDetections }
    /// Times that a healthy, connected member was dead to another healthy one.
    public var falseDeaths: Int { falseDeath.deaths }
    /// Times that one was dead to a node that was stalled, suspended or slow.
    public var falseDeathsToImpaired: Int { falseDeath.deathsToImpaired }
    /// Times that a running, connected member was suspected by another.
    public var falseSuspicions: Int { falseDeath.suspicions }
    /// The most signatures that a node checked in a second, over some seconds.
    public var signaturesPerSecondPeak: Double { work.signaturesPerSecondPeak }
    /// A digest of every change of belief of every honest node, with its time: equal where two
    /// runs' histories are.
    public var historyDigest: UInt64 { history.value }

    /// What each checker had to do. One that judged nothing proved nothing.
    public var tally: [CheckerTally] {
        let all: [any MembershipChecker] = [
            detection, falseDeath, convergence, order, departure, spokenFor, description, bounds,
            datagramSize, traffic, dissemination, resistance, timers, queuedRefutation, work,
        ]
        return all.map { checker in
            let name = type(of: checker).name
            return CheckerTally(
                checker: name, judged: checker.judged, broken: findings.counts[name] ?? 0)
        }
    }

    /// Verdicts on others while some third node was impaired.
    public var verdictsBesideImpaired: Int { falseDeath.judgedBesideImpaired }
}
