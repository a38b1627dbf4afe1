import Gossip
import Wire

extension RoutingSimulation {
    /// All that a run depends on.
    public struct Configuration: Sendable, Equatable {
        /// How many nodes.
        public var nodes: Int
        /// The same seed gives the same run.
        public var seed: UInt64
        /// Simulated time during which clients ask.
        public var duration: Duration
        /// How the network treats datagrams; links pay for loss with time.
        public var network = NetworkConditions()
        /// So many crashes are spread over the run, each followed by a restart.
        public var crashes = 0
        /// Requests that begin in one second, in the whole mesh.
        public var requestsPerSecond = 4.0
        /// How many models there are, each on one to four of the nodes.
        public var models = 5
        /// How many requests an executor holds, the one that runs included.
        public var queueLimit = 4
        /// The share of executions that fail by themselves.
        public var failures = 0.01
        /// The share of clients who go away before the end.
        public var cancellations = 0.02
        /// One way between the two nodes that are farthest apart, on top of the latency.
        public var span: Duration = .milliseconds(40)
        /// Whether a crashed node's host refuses connections, rather than staying silent.
        public var refusesAfterCrash = true
        /// A model must be known to a node that is up, once its holder is up, within this.
        public var convergenceBound: Duration = .seconds(90)
        /// Whether a healthy holder may be unknown: true where the loss is beyond what is promised.
        public var allowsFalseDeaths = false

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
            let limit = SimulationLimits.routingNodesMax
            if !(1...limit).contains(nodes) { return "nodes must be from 1 to \(limit)" }
            let modelsMax = SimulationLimits.modelsMax
            if !(1...modelsMax).contains(models) { return "models must be from 1 to \(modelsMax)" }
            let rateMax = SimulationLimits.requestsPerSecondMax
            guard requestsPerSecond > 0, requestsPerSecond <= rateMax else {
                return
                    "requests per second must be above 0 and at most \(decimal(rateMax, places: 0))"
            }
            let requestsMax = SimulationLimits.requestsMax
            if duration.seconds * requestsPerSecond > Double(requestsMax) {
                return "a run has at most \(requestsMax) requests"
            }
            if queueLimit < 1 { return "an executor must hold at least one request" }
            let shares = [failures, cancellations]
            if !shares.allSatisfy({ (0...1).contains($0) }) { return "shares are from 0 to 1" }
            if span < .zero { return "the span cannot be negative" }
            return membership.problem
        }

        /// The command that runs this again. Conditions that the command line has no option for are
        /// not in it.
        public var replayCommand: String {
            [
                "shoal simulate routing", "--nodes \(nodes)", "--seed \(seed)",
                "--minutes \(decimal(duration.seconds / 60, places: 2))",
                "--loss \(decimal(network.loss, places: 4))", "--crashes \(crashes)",
            ].joined(separator: " ")
        }

        /// The membership under the requests.
        var membership: MembershipSimulation.Configuration {
            var membership = MembershipSimulation.Configuration(
                nodes: nodes, seed: seed, duration: duration)
            membership.network = network
            membership.crashes = crashes
            membership.refusesAfterCrash = refusesAfterCrash
            membership.allowsFalseDeaths = allowsFalseDeaths
            membership.convergenceBound = convergenceBound
            return membership
        }

        /// The models, in order of their numbers.
        var offers: [OfferedModel] {
            (0..<models).map { number in
                let words = (0..<4).map { mixed(UInt64(number * 4 + $0) &+ 0x5eed) }
                let digest = ModelDigest(words.flatMap(\.bigEndianBytes))
                return OfferedModel(
                    digest: digest ?? ModelDigest(number: UInt64(number)),
                    name: "model-\(number)", contextLength: RoutingSimulation.contextLength)
            }
        }

        /// Who holds what, by node.
        func placement() -> [[OfferedModel]] {
            var random = SeededRandom(seed: seed, stream: 5 << 40)
            var placement = Array(repeating: [OfferedModel](), count: nodes)
            for offer in offers {
                let copies = min(nodes, Int.random(in: 1...4, using: &random))
                for node in Array(0..<nodes).shuffled(using: &random).prefix(copies) {
                    placement[node].append(offer)
                }
            }
            return placement
        }
    }
}
