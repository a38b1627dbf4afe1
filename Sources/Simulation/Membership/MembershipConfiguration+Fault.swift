import Wire

extension MembershipSimulation {
    /// A fault, at a time of the run.
    public struct Fault: Sendable, Equatable {
        /// What goes wrong. Nodes are numbered from 0.
        public enum Kind: Sendable, Equatable {
            /// The process ends without a word; its host refuses connections or falls silent, as
            /// the configuration says.
            case crash(Int)
            /// The host falls silent with its process, whatever the configuration says.
            case lose(Int)
            /// The process is started again, with the next generation.
            case restart(Int)
            /// The same, at the address that another node has or last had; that one, if it is up,
            /// finds itself at an address of its own that nobody knew before.
            case restartElsewhere(Int, at: Int)
            /// All processes end at once, and start again after so long.
            case restartAll(after: Duration)
            /// Every seed's host falls silent, for good.
            case loseSeeds
            /// The node says goodbye and stops.
            case leave(Int)
            /// The process stands still for so long; its sockets fill meanwhile.
            case pause(Int, Duration)
            /// The machine sleeps for so long: datagrams are lost, and its monotonic clock stands
            /// still.
            case suspend(Int, Duration)
            /// The process takes so long for each datagram or packet, for so long.
            case slow(Int, each: Duration, Duration)
            /// The wall clock is set so many seconds ahead, or back.
            case stepClock(Int, seconds: Int)
            /// The node replaces its link key.
            case rotateKey(Int)
            /// These nodes and the others don't reach each other.
            case partition([Int])
            /// Neither do the nodes of different groups, nor those in none.
            case split([[Int]])
            /// Some paths let nothing pass, or no datagrams.
            case cut(Cut)
            /// The paths from some nodes to others hold everything for so long, then deliver it.
            case clog(from: [Int], to: [Int], Duration)
            /// Datagrams longer than so many bytes vanish on the paths of these nodes.
            case shrink([Int], mtu: Int)
            /// All datagrams of these nodes are dropped.
            case block([Int])
            /// Partition, cuts, shrunken paths and blocks end.
            case heal
            /// The node has something new to offer: no fault, but its spreading is measured.
            case update(Int)
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

        /// The last nodes of so many are blocked again and again, their timers running on: nothing
        /// that they send goes out, nor does anything come in, until all of it does at once. It is
        /// the anomaly that Lifeguard was measured with (arXiv 1707.00788, section V).
        ///
        /// - Parameters:
        ///   - count: How many are blocked.
        ///   - nodes: Of how many.
        ///   - first: When they are for the first time.
        ///   - length: For how long each time.
        ///   - gap: How long they run freely between.
        ///   - end: They are free again by then.
        public static func blockades(
            of count: Int, among nodes: Int, from first: Duration, length: Duration, gap: Duration,
            until end: Duration
        ) -> [Fault] {
            let all = Array(0..<nodes)
            let some = Array(all.suffix(count))
            var faults: [Fault] = []
            var at = first
            while at + length <= end {
                faults.append(Fault(at: at, .clog(from: all, to: some, length)))
                faults.append(Fault(at: at, .clog(from: some, to: all, length)))
                at += length + gap
            }
            return faults
        }

        /// Why it cannot happen among so many nodes; nil when it can.
        func problem(nodes: Int) -> String? {
            if at < .zero { return "a fault cannot happen before the start" }
            if !kind.nodes.allSatisfy({ (0..<nodes).contains($0) }) {
                return "a fault names a node that is not there: \(self)"
            }
            if !kind.lengths.allSatisfy({ $0 >= .zero }) {
                return "a fault cannot last for less than no time: \(self)"
            }
            return nil
        }
    }
}

extension MembershipSimulation.Fault.Kind {
    /// Every node that it names.
    public var nodes: [Int] {
        switch self {
        case .crash(let node), .lose(let node), .restart(let node), .leave(let node),
            .rotateKey(let node), .update(let node):
            [node]
        case .pause(let node, _), .suspend(let node, _), .slow(let node, _, _),
            .stepClock(let node, _):
            [node]
        case .restartElsewhere(let node, let other): [node, other]
        case .restartAll, .loseSeeds, .heal: []
        case .partition(let group), .shrink(let group, _), .block(let group): group
        case .split(let groups): groups.flatMap(\.self)
        case .cut(let cut): cut.from + cut.to
        case .clog(let from, let to, _): from + to
        }
    }

    fileprivate var lengths: [Duration] {
        switch self {
        case .pause(_, let length), .suspend(_, let length), .clog(_, _, let length),
            .restartAll(let length):
            [length]
        case .slow(_, let each, let length): [each, length]
        default: []
        }
    }
}
