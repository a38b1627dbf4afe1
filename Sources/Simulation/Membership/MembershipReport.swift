import Wire

extension MembershipSimulation {
    /// What came of a run.
    public struct Report: Sendable, Equatable, Encodable {
        /// A distribution of times, in seconds.
        public struct Times: Sendable, Equatable, Encodable {
            /// How many.
            public var count: Int
            /// The median; 0 when there are none.
            public var median: Double
            /// What 99 of 100 stay below.
            public var percentile99: Double
            /// The longest.
            public var longest: Double

            init(_ durations: [Duration]) {
                let sorted = durations.map(\.seconds).sorted()
                count = sorted.count
                func at(_ share: Double) -> Double {
                    guard !sorted.isEmpty else { return 0 }
                    return sorted[Int(Double(sorted.count - 1) * share)]
                }
                median = at(0.5)
                percentile99 = at(0.99)
                longest = at(1)
            }
        }

        /// How many nodes there were.
        public var nodes: Int
        /// The seed.
        public var seed: UInt64
        /// Simulated seconds.
        public var seconds: Double
        /// The share of datagrams lost.
        public var loss: Double
        /// Processes that were ended.
        public var crashes: Int
        /// From a crash until a member knew, for each member that had to.
        public var detection: Times
        /// From a crash until the first member knew.
        public var firstDetection: Times
        /// Times that a healthy, connected member was dead to another.
        public var falseDeaths: Int
        /// Times that a healthy, connected member was suspected by another.
        public var falseSuspicions: Int
        /// Incarnations spent on refuting suspicions.
        public var refutations: Int
        /// Datagrams and packets over links that each member sent in a second.
        public var datagramsPerMemberPerSecond: Double
        /// Their bytes, before encryption.
        public var bytesPerMemberPerSecond: Double
        /// Push–pull exchanges in the whole run.
        public var pushPulls: Int
        /// Signatures that each member checked in a second.
        public var signaturesPerMemberPerSecond: Double
        /// Events that were simulated.
        public var events: Int
        /// How many invariants were broken.
        public var violationCount: Int
        /// The first of them.
        public var violations: [Violation]
        /// A digest of all that happened: equal for equal runs.
        public var traceDigest: String
        /// Runs this again.
        public var replayCommand: String

        /// Whether every invariant held.
        public var isClean: Bool { violationCount == 0 }

        /// The report for people.
        public var text: String {
            func times(_ times: Times) -> String {
                guard times.count > 0 else { return "none" }
                return "median \(decimal(times.median, places: 2)) s, "
                    + "99 % \(decimal(times.percentile99, places: 2)) s, "
                    + "longest \(decimal(times.longest, places: 2)) s (\(times.count))"
            }
            let rows: [(String, String)] = [
                (
                    "run",
                    "\(nodes) nodes, \(decimal(seconds / 60, places: 2)) min, seed \(seed), "
                        + "loss \(decimal(loss * 100, places: 2)) %, \(events) events"
                ),
                ("crashes", "\(crashes)"),
                ("first to know", times(firstDetection)),
                ("all know", times(detection)),
                (
                    "false alarms",
                    "\(falseDeaths) deaths, \(falseSuspicions) suspicions, "
                        + "\(refutations) refutations"
                ),
                (
                    "traffic",
                    "\(decimal(datagramsPerMemberPerSecond, places: 2)) packets and "
                        + "\(decimal(bytesPerMemberPerSecond, places: 0)) bytes per member "
                        + "and second, \(pushPulls) full exchanges"
                ),
                (
                    "signatures",
                    "\(decimal(signaturesPerMemberPerSecond, places: 3)) checked per member "
                        + "and second"
                ),
                ("digest", traceDigest),
                ("replay", replayCommand),
                ("invariants", isClean ? "all held" : "\(violationCount) BROKEN"),
            ]
            var lines = rows.map { name, value in
                name + String(repeating: " ", count: 16 - name.count) + value
            }
            for violation in violations {
                lines.append(
                    "  at \(decimal(violation.seconds, places: 3)) s  \(violation.checker): "
                        + violation.message)
            }
            return lines.joined(separator: "\n")
        }
    }
}
