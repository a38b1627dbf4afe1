import Gossip
import Wire

extension MembershipSimulation {
    /// What came of a run. Wall time is not in it: equal runs have equal reports.
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

        /// How long changes of what nodes offer took to be known.
        public struct Dissemination: Sendable, Equatable, Encodable {
            /// Changes that were made.
            public var updates: Int
            /// Until half of the other members that were up and connected knew of a change.
            public var half: Times
            /// Until 99 of 100 did.
            public var percent99: Times
            /// Until 9999 of 10 000 did: all of them in a mesh of fewer.
            public var percent9999: Times
        }

        /// What members sent, each, on average.
        public struct Traffic: Sendable, Equatable, Encodable {
            /// Datagrams, per probe period.
            public var datagramsPerPeriod: Double
            /// Datagrams after the first minute, when all have met, per probe period; 0 for shorter
            /// runs.
            public var settledDatagramsPerPeriod: Double
            /// Packets over links, per probe period.
            public var linkPacketsPerPeriod: Double
            /// Bytes of datagrams after encryption, without IP and UDP headers, per second.
            public var datagramBytesPerSecond: Double
            /// Bytes of link packets after encryption and framing, per second.
            public var linkBytesPerSecond: Double
            /// Bytes of push–pull, per second.
            public var exchangeBytesPerSecond: Double
        }

        /// Something that happened so many times: the proof that a run was not vacuous.
        public struct Happening: Sendable, Equatable, Encodable {
            /// What.
            public var what: String
            /// How many times.
            public var count: Int
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
        /// How changes spread.
        public var dissemination: Dissemination
        /// What members sent.
        public var traffic: Traffic
        /// Push–pull exchanges in the whole run.
        public var pushPulls: Int
        /// Signatures that each member checked in a second.
        public var signaturesPerMemberPerSecond: Double
        /// Events that were simulated.
        public var events: Int
        /// What happened, and how often; what did not is left out.
        public var happenings: [Happening]
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

        /// Datagrams and packets over links that each member sent in a probe period.
        public var packetsPerMemberPerPeriod: Double {
            traffic.datagramsPerPeriod + traffic.linkPacketsPerPeriod
        }

        /// How often something happened; 0 for what never did.
        public func count(of what: String) -> Int {
            happenings.first { $0.what == what }?.count ?? 0
        }
    }

    func report() -> Report {
        let memberSeconds = max(tally.upTime.seconds, 1e-9)
        let period = configuration.gossip.probeInterval.seconds
        func perPeriod(_ count: Int) -> Double { Double(count) / memberSeconds * period }
        func perSecond(_ count: Int) -> Double { Double(count) / memberSeconds }
        let settled =
            tally.lateUpTime > .zero
            ? Double(tally.lateDatagrams) / tally.lateUpTime.seconds * period : 0
        return Report(
            nodes: configuration.nodes, seed: configuration.seed,
            seconds: configuration.duration.seconds, loss: configuration.network.loss,
            crashes: tally.crashes, detection: Report.Times(checkers.detections),
            firstDetection: Report.Times(checkers.firstDetections),
            falseDeaths: checkers.falseDeaths, falseSuspicions: checkers.falseSuspicions,
            refutations: Int(tally.refutations),
            dissemination: Report.Dissemination(
                updates: updates.count,
                half: Report.Times(updates.times(untilTenThousandths: 5_000)),
                percent99: Report.Times(updates.times(untilTenThousandths: 9_900)),
                percent9999: Report.Times(updates.times(untilTenThousandths: 9_999))),
            traffic: Report.Traffic(
                datagramsPerPeriod: perPeriod(tally.datagrams),
                settledDatagramsPerPeriod: settled,
                linkPacketsPerPeriod: perPeriod(tally.linkPackets),
                datagramBytesPerSecond: perSecond(tally.datagramBytes),
                linkBytesPerSecond: perSecond(tally.linkBytes),
                exchangeBytesPerSecond: perSecond(tally.exchangeBytes)),
            pushPulls: tally.pushPulls,
            signaturesPerMemberPerSecond: perSecond(Int(tally.signatures)), events: events,
            happenings: happenings, violationCount: checkers.violationCount,
            violations: checkers.violations,
            traceDigest: hexadecimal(trace.value.bigEndianBytes),
            replayCommand: configuration.replayCommand)
    }

    private var happenings: [Report.Happening] {
        let network = network.counters
        let all: [(String, Int)] = [
            ("crashes", tally.crashes), ("restarts", tally.restarts), ("leaves", tally.leaves),
            ("addresses reused", tally.addressesReused), ("stalls", tally.stalls),
            ("suspensions", tally.suspensions), ("slow receive loops", tally.slowLoops),
            ("things read slowly", tally.servedSlowly), ("clock steps", tally.clockSteps),
            ("key rotations", tally.keyRotations), ("partitions", tally.partitions),
            ("cuts", tally.cuts), ("clogs", tally.clogs),
            ("shrunken paths", tally.shrunkenPaths), ("blocks", tally.blocks),
            ("datagrams", tally.datagrams), ("datagrams lost", network.lost),
            ("datagrams duplicated", network.duplicated),
            ("datagrams reordered", network.reordered),
            ("datagrams corrupted", network.corrupted),
            ("datagrams replayed", network.replayed), ("datagrams cut off", network.cut),
            ("datagrams blocked", network.blocked), ("datagrams too long", network.tooLong),
            ("datagrams clogged", network.clogged),
            ("datagrams to nobody", tally.toNowhere),
            ("datagrams lost asleep", tally.lostAsleep),
            ("sockets overflown", tally.socketOverflows),
            ("not authentic", Int(tally.notAuthentic)),
            ("replays refused", Int(tally.replaysRefused)), ("malformed", Int(tally.malformed)),
            ("forged", Int(tally.forged)), ("timers deferred", tally.timersDeferred),
            ("timers early", tally.timersEarly), ("timers late", tally.timersLate),
            ("pauses noticed", Int(tally.pauses)), ("probes failed", Int(tally.probesFailed)),
            ("link packets", tally.linkPackets), ("links dialled", tally.dials),
            ("dials refused", tally.dialsRefused), ("links opened", tally.linksOpened),
            ("links closed", tally.linksClosed), ("links fallen silent", tally.linksSilent),
            ("certificates fetched", tally.certificates),
            ("certificates refused", tally.certificatesRefused),
            ("push-pulls", tally.pushPulls), ("refutations", Int(tally.refutations)),
            ("suspicions of the healthy", checkers.falseSuspicions),
        ]
        return all.filter { $0.1 > 0 }.map { Report.Happening(what: $0.0, count: $0.1) }
    }
}
