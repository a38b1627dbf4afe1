public import Gossip
import Wire

extension MembershipSimulation {
    /// Who in a run means harm.
    public enum Hostility: String, Sendable, CaseIterable {
        /// The last nodes: each has its keys and a valid certificate.
        case member
        /// Somebody on the network, who sees every datagram and may send any.
        case outsider
    }

    /// All that a run depends on.
    public struct Configuration: Sendable, Equatable {
        /// How many nodes.
        public var nodes: Int
        /// The same seed gives the same run.
        public var seed: UInt64
        /// Simulated time.
        public var duration: Duration
        /// How the network treats datagrams.
        public var network = NetworkConditions()
        /// The protocol's periods and rules.
        public var gossip = GossipConfiguration()
        /// So many nodes, the first ones, are everyone's seeds.
        public var seeds = 1
        /// Whether all begin knowing each other, rather than by joining through the seeds.
        public var isWarm = false
        /// So many crashes are spread over the run, each followed by a restart half of the times.
        public var crashes = 0
        /// Minutes from the start at which half of the nodes are cut off for ``partitionLength``.
        public var partitionAt: Duration?
        /// How long that lasts.
        public var partitionLength: Duration = .seconds(60)
        /// Faults besides.
        public var faults: [Fault] = []
        /// So many nodes, the last ones, can only dial out.
        public var outboundOnly = 0
        /// So many nodes, the first ones, have all their datagrams dropped.
        public var datagramsBlocked = 0
        /// So many nodes, the last ones, stand still again and again.
        public var stalled = 0
        /// For how long each time.
        public var stallLength: ClosedRange<Duration> = .milliseconds(100) ... .seconds(30)
        /// How long they run between.
        public var stallGap: ClosedRange<Duration> = .seconds(20) ... .seconds(60)
        /// How much too late timers run, drawn for each; below zero is too early.
        public var timerLateness: ClosedRange<Duration> = .zero ... .zero
        /// What gossip versions nodes speak, by node, in turn; empty for those of this build.
        public var versions: [ClosedRange<UInt8>] = []
        /// So many changes of what a node offers are spread over the run and their way through the
        /// mesh is measured.
        public var updates = 0
        /// Whether a hostile outsider's datagrams come before the originals that it copies, rather
        /// than after them.
        public var outsiderOvertakes = false
        /// Whether it also sends again what the network lost, so that it arrives after all, however
        /// late.
        public var outsiderRevives = true
        /// Whether the checkers look into packets, which are then left readable.
        public var inspectsPackets = false
        /// Who means harm; nil for nobody.
        public var hostile: Hostility?
        /// How many, if they are members: the last ones.
        public var hostiles = 1
        /// What hostile members do, in turn.
        public var attacks = Attack.allCases
        /// A defect built into every node, to see that the checkers find it; nil for none.
        public var sabotage: Sabotage?
        /// Traffic, signatures and false alarms are counted from here on.
        public var countFrom: Duration = .zero
        /// Whether a crashed node's host closes its connections and refuses new ones, rather than
        /// falling silent with it.
        public var refusesAfterCrash = true
        /// Whether deaths of healthy members are only counted, not reported as violations.
        public var allowsFalseDeaths = false
        /// A crash must be known to all within this; nil for what the protocol promises.
        public var detectionBound: Duration?
        /// After a start or a heal all must agree within this.
        public var convergenceBound: Duration = .seconds(90)
        /// What each node offers, by node; nil for one model each.
        var placement: [[OfferedModel]]?

        /// A run without faults.
        public init(nodes: Int, seed: UInt64, duration: Duration) {
            self.nodes = nodes
            self.seed = seed
            self.duration = duration
        }

        /// Datagrams lost, from 0 to 1.
        public var loss: Double {
            get { network.loss }
            set { network.loss = newValue }
        }

        /// Whether a node can be dialled.
        func isDirect(_ node: Int) -> Bool { node < nodes - outboundOnly }

        /// Those that mean harm.
        var hostileNodes: Range<Int> {
            hostile == .member ? max(0, nodes - hostiles)..<nodes : nodes..<nodes
        }

        /// Whether a node stands still again and again.
        func isStalled(_ node: Int) -> Bool { node >= nodes - stalled }

        /// Why the configuration cannot be run; nil when it can.
        public var problem: String? {
            let limit = SimulationLimits.nodesMax
            if !(1...limit).contains(nodes) { return "nodes must be from 1 to \(limit)" }
            let longest = SimulationLimits.durationMax
            if duration <= .zero || duration > longest {
                return
                    "the duration must be above 0 and at most \(longest.decimalSeconds) seconds"
            }
            if let problem = network.problem { return problem }
            if !(1...nodes).contains(seeds) { return "seeds must be from 1 to the nodes there are" }
            if crashes < 0 || updates < 0 || crashes + updates > SimulationLimits.faultsMax {
                return "crashes and updates must be from 0 to \(SimulationLimits.faultsMax)"
            }
            if faults.count > SimulationLimits.faultsMax {
                return "there can be no more than \(SimulationLimits.faultsMax) faults"
            }
            if !(0..<nodes).contains(outboundOnly) {
                return "at least one node must accept links"
            }
            if !(0...nodes).contains(datagramsBlocked) {
                return "no more nodes can have their datagrams blocked than there are"
            }
            if !(0..<nodes).contains(stalled) { return "at least one node must not be stalled" }
            if hostile == .member, !(1..<nodes).contains(hostiles) {
                return "at least one node must be honest, and one not"
            }
            if countFrom < .zero { return "counting cannot begin before the start" }
            if stallLength.lowerBound < .zero || stallGap.lowerBound <= .zero {
                return "stalls must last for 0 seconds or more, and more than 0 must lie between"
            }
            if timerLateness.lowerBound < .seconds(-60) || timerLateness.upperBound > .seconds(60) {
                return "timers may be no more than 60 seconds early or late"
            }
            if partitionLength < .zero || partitionAt ?? .zero < .zero {
                return "a partition cannot begin before the start, nor last for less than no time"
            }
            return faults.lazy.compactMap { $0.problem(nodes: nodes) }.first
        }

        /// Everything that will go wrong, in order of time.
        func schedule() -> [Fault] {
            var all = faults
            var random = SeededRandom(seed: seed, stream: 2 << 40)
            // Not while nodes still start, nor so late that nobody could notice.
            let first = min(Duration.seconds(isWarm ? 5 : 30), duration / 4)
            if crashes > 0, nodes > 1 {
                let step = (duration - first - first) / crashes
                for index in 0..<crashes {
                    let at = first + step * index + step / 4
                    // Spread over the nodes, but never all: node 0 is the seed of the others.
                    let node = 1 + (index + Int(random.next() % UInt64(nodes))) % (nodes - 1)
                    all.append(Fault(at: at, .crash(node)))
                    let back = random.duration(in: .seconds(1)...max(.seconds(2), step / 2))
                    if random.happens(0.5) { all.append(Fault(at: at + back, .restart(node))) }
                }
            }
            if let partitionAt {
                let group = Array(0..<nodes).shuffled(using: &random).prefix(nodes / 2)
                all.append(Fault(at: partitionAt, .partition(group.sorted())))
                all.append(Fault(at: partitionAt + partitionLength, .heal))
            }
            if updates > 0 {
                let step = (duration - first - min(first, .seconds(15))) / updates
                for index in 0..<updates {
                    let node = Int(random.below(Int64(nodes)))
                    all.append(Fault(at: first + step * index, .update(node)))
                }
            }
            return all.enumerated().sorted { ($0.1.at, $0.0) < ($1.1.at, $1.0) }.map(\.1)
        }

        /// What the protocol promises (SWIM's round-robin bound of 2N − 1 periods, cut short by the
        /// whole mesh probing at once, and the longest suspicion), with room for lost messages.
        var bounds: MembershipCheckers.Bounds {
            var scale = 1.0
            var bound = 10
            while bound < nodes {
                scale += 1
                bound *= 10
            }
            let protocolBound = 10 + 8 * scale + Double(2 * min(nodes, 10))
            let room = 1 + 4 * network.loss
            var bounds = MembershipCheckers.Bounds(
                detection: detectionBound ?? .milliseconds(Int64(protocolBound * room * 1000)),
                convergence: convergenceBound)
            bounds.allowsFalseDeaths = allowsFalseDeaths
            bounds.hostile = Array(hostileNodes)
            bounds.isWireClean = network.corruption == 0 && network.replay == 0 && hostile == nil
            bounds.probeInterval = gossip.probeInterval
            bounds.tombstoneLifetime = gossip.tombstoneLifetime
            bounds.tombstonesMax = gossip.tombstonesMax
            bounds.settling = .seconds(45)
            // A probe that fails is tried again through others: some fifteen datagrams. It fails
            // when either way loses one, or is slower than the time that a probe has.
            let isSlow = network.latency.upperBound * 2 > gossip.probeTimeout
            let late = isSlow ? 0.5 : 2 * network.reordering
            let failing = min(1, 2 * (network.loss + network.corruption) + late)
            bounds.datagramsPerSecondMax = 3.5 + 20 * failing
            // Each answers what hostile members ask, and passes on for them, within its rates.
            bounds.datagramsPerSecondMax += 600 * Double(hostileNodes.count) / Double(nodes)
            // A copy that comes before the original, from elsewhere, is answered to two places; and
            // each hello may draw an answer.
            if hostile == .outsider {
                bounds.datagramsPerSecondMax = 1.5 * bounds.datagramsPerSecondMax + 1
            }
            bounds.dialsOnly = (0..<nodes).filter { !isDirect($0) }
            return bounds
        }
    }
}

/// A number with at most so many decimals, without trailing zeros; Foundation is not imported here.
func decimal(_ value: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = value.magnitude * scale + 0.5
    guard scaled < 1e15 else { return "\(value)" }
    let whole = Int64(scaled)
    let unit = Int64(scale)
    var text = (value < 0 && whole > 0 ? "-" : "") + "\(whole / unit)"
    var fraction = String(whole % unit)
    fraction = String(repeating: "0", count: max(0, places - fraction.count)) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    if !fraction.isEmpty { text += "." + fraction }
    return text
}
