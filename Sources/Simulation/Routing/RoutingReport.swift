import Gossip
import Wire

extension RoutingSimulation {
    /// What came of a run.
    public struct Report: Sendable, Equatable, Encodable {
        /// How many requests ended in one way.
        public struct Failures: Sendable, Equatable, Encodable {
            /// The way.
            public var kind: String
            /// How many.
            public var count: Int
        }

        /// How many nodes there were.
        public var nodes: Int
        /// The seed.
        public var seed: UInt64
        /// Simulated seconds during which clients asked.
        public var seconds: Double
        /// The share of datagrams lost.
        public var loss: Double
        /// Processes that were ended.
        public var crashes: Int
        /// Requests that clients began.
        public var requests: Int
        /// Whole answers that the entry node gave itself.
        public var answeredHere: Int
        /// Whole answers that came from another node.
        public var forwarded: Int
        /// Requests that were sent to more than one node.
        public var retried: Int
        /// Whole answers among them.
        public var retriedAndAnswered: Int
        /// Requests without a whole answer, by how they ended, in order of the kind's name.
        public var failures: [Failures]
        /// Tokens that clients got.
        public var tokens: Int
        /// From a request to its first token at the client.
        public var firstToken: MembershipSimulation.Report.Times
        /// Events that were simulated, those of the membership included.
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
            let failed = failures.map { "\($0.count) \($0.kind)" }.joined(separator: ", ")
            let rows: [(String, String)] = [
                (
                    "run",
                    "\(nodes) nodes, \(decimal(seconds / 60, places: 2)) min, seed \(seed), "
                        + "loss \(decimal(loss * 100, places: 2)) %, \(events) events"
                ),
                ("crashes", "\(crashes)"),
                ("requests", "\(requests)"),
                (
                    "answered",
                    "\(answeredHere + forwarded): \(answeredHere) here, \(forwarded) forwarded"
                ),
                ("retried", "\(retried), \(retriedAndAnswered) of them answered"),
                ("not answered", failures.isEmpty ? "none" : failed),
                (
                    "first token",
                    firstToken.count == 0
                        ? "none"
                        : "median \(decimal(firstToken.median, places: 3)) s, "
                            + "99 % \(decimal(firstToken.percentile99, places: 3)) s, "
                            + "longest \(decimal(firstToken.longest, places: 3)) s"
                ),
                ("tokens", "\(tokens)"),
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

    func report() -> Report {
        let answered = requests.filter { request in
            if case .completed? = request.outcome { true } else { false }
        }
        var failures: [String: Int] = [:]
        for request in requests {
            let kind = request.outcome?.kind ?? "never ended"
            if kind != "completed" { failures[kind, default: 0] += 1 }
        }
        let here = answered.count { $0.answeredBy == $0.entry }
        return Report(
            nodes: configuration.nodes, seed: configuration.seed,
            seconds: configuration.duration.seconds, loss: configuration.network.loss,
            crashes: mesh.tally.crashes, requests: requests.count, answeredHere: here,
            forwarded: answered.count - here, retried: requests.count { $0.attempts > 1 },
            retriedAndAnswered: answered.count { $0.attempts > 1 },
            failures: failures.sorted { $0.key < $1.key }.map {
                Report.Failures(kind: $0.key, count: $0.value)
            },
            tokens: requests.reduce(0) { $0 + $1.tokens },
            firstToken: .init(requests.compactMap(\.firstToken)), events: events + mesh.events,
            violationCount: checkers.violationCount, violations: checkers.violations,
            traceDigest: hexadecimal(trace.value.bigEndianBytes),
            replayCommand: configuration.replayCommand)
    }
}
