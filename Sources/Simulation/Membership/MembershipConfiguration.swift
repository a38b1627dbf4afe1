import Gossip
import Wire

extension MembershipSimulation {
    /// A fault, at a time of the run.
    public struct Fault: Sendable, Equatable {
        /// What goes wrong.
        public enum Kind: Sendable, Equatable {
            /// The process ends without a word; its host refuses connections.
            case crash(Int)
            /// The process is started again, with the next generation.
            case restart(Int)
            /// The node says goodbye and stops.
            case leave(Int)
            /// The process stands still for so long, as when a machine sleeps.
            case pause(Int, Duration)
            /// These nodes and the others don't reach each other.
            case partition([Int])
            /// They do again.
            case heal
        }

        /// When.
        public var at: Duration
        /// What.
        public var kind: Kind

        /// A fault as given.
        public init(at: Duration, _ kind: Kind) {
            self.at = at
            self.kind = kind
        }
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

        /// Why the configuration cannot be run; nil when it can.
        public var problem: String? {
            let limit = SimulationLimits.nodesMax
            if !(1...limit).contains(nodes) { return "nodes must be from 1 to \(limit)" }
            if duration <= .zero { return "the duration must be positive" }
            let shares = [network.loss, network.duplication, network.reordering]
            if !shares.allSatisfy({ (0...1).contains($0) }) { return "shares are from 0 to 1" }
            if crashes < 0 { return "crashes cannot be negative" }
            if outboundOnly < 0 || outboundOnly >= nodes && outboundOnly > 0 {
                return "at least one node must accept links"
            }
            if datagramsBlocked < 0 || datagramsBlocked > nodes {
                return "no more nodes can have their datagrams blocked than there are"
            }
            return nil
        }

        /// The command that runs this again. Faults given one by one, and conditions that the
        /// command line has no option for, are not in it.
        public var replayCommand: String {
            var words = [
                "shoal simulate membership", "--nodes \(nodes)", "--seed \(seed)",
                "--minutes \(decimal(duration.seconds / 60, places: 6))",
                "--loss \(decimal(network.loss, places: 6))",
            ]
            if network.duplication > 0 {
                words.append("--duplication \(decimal(network.duplication, places: 6))")
            }
            if network.reordering > 0 {
                words.append("--reordering \(decimal(network.reordering, places: 6))")
            }
            if crashes > 0 { words.append("--crashes \(crashes)") }
            if let partitionAt {
                words.append("--partition-at \(decimal(partitionAt.seconds, places: 3))")
                words.append("--partition-seconds \(decimal(partitionLength.seconds, places: 3))")
            }
            if outboundOnly > 0 { words.append("--outbound-only \(outboundOnly)") }
            if datagramsBlocked > 0 { words.append("--datagrams-blocked \(datagramsBlocked)") }
            return words.joined(separator: " ")
        }

        /// Everything that will go wrong, in order of time.
        func schedule() -> [Fault] {
            var all = faults
            var random = SeededRandom(seed: seed, stream: 2 << 40)
            if crashes > 0, nodes > 1 {
                // Not while nodes still start, nor so late that nobody could notice.
                let first = min(Duration.seconds(30), duration / 4)
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
