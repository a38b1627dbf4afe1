public import Gossip
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

        /// What members sent, each, on average, from the time on that counting began.
        public struct Traffic: Sendable, Equatable, Encodable {
            /// The seconds that members were up meanwhile, added up: to add rates of several runs.
            public var memberSeconds: Double
            /// Datagrams, per probe period.
            public var datagramsPerPeriod: Double
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
        /// Times that one was dead to a node that was stalled, suspended or slow itself, in the
        /// whole run.
        public var falseDeathsToImpaired: Int
        /// Times that a healthy, connected member was suspected by another.
        public var falseSuspicions: Int
        /// Incarnations spent on refuting suspicions.
        public var refutations: Int
        /// How changes spread.
        public var dissemination: Dissemination
        /// What members sent.
        public var traffic: Traffic
        /// Push–pull exchanges.
        public var pushPulls: Int
        /// Signatures that each member checked in a second.
        public var signaturesPerMemberPerSecond: Double
        /// The most signatures that one node checked in a second, over some seconds.
        public var signaturesPerSecondPeak: Double
        /// How far off coordinates were at the end; relative.
        public var coordinates: CoordinateError
        /// Events that were simulated.
        public var events: Int
        /// What happened, and how often; what did not is left out.
        public var happenings: [Happening]
        /// What each checker judged.
        public var checkers: [CheckerTally]
        /// How many invariants were broken.
        public var violationCount: Int
        /// The first of them.
        public var violations: [Violation]
        /// A digest of all that happened: equal for equal runs.
        public var traceDigest: String
        /// A digest of what every honest node believed, and when.
        public var historyDigest: String
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

    mutating func report() -> Report {
        let endpoints = endpointTotals()
        let all = totals()
        let memberSeconds = max((all.upTime - baseline.upTime).seconds, 1e-9)
        let period = configuration.gossip.probeInterval.seconds
        func perSecond(_ count: Int) -> Double { Double(count) / memberSeconds }
        return Report(
            nodes: configuration.nodes, seed: configuration.seed,
            seconds: configuration.duration.seconds, loss: configuration.network.loss,
            crashes: tally.crashes, detection: Report.Times(checkers.detections),
            firstDetection: Report.Times(checkers.firstDetections),
            falseDeaths: all.falseDeaths - baseline.falseDeaths,
            falseDeathsToImpaired: checkers.falseDeathsToImpaired,
            falseSuspicions: all.falseSuspicions - baseline.falseSuspicions,
            refutations: Int(all.refutations - baseline.refutations),
            dissemination: Report.Dissemination(
                updates: updates.count,
                half: Report.Times(updates.times(untilTenThousandths: 5_000)),
                percent99: Report.Times(updates.times(untilTenThousandths: 9_900)),
                percent9999: Report.Times(updates.times(untilTenThousandths: 9_999))),
            traffic: Report.Traffic(
                memberSeconds: memberSeconds,
                datagramsPerPeriod: perSecond(all.datagrams - baseline.datagrams) * period,
                linkPacketsPerPeriod: perSecond(all.linkPackets - baseline.linkPackets) * period,
                datagramBytesPerSecond: perSecond(all.datagramBytes - baseline.datagramBytes),
                linkBytesPerSecond: perSecond(all.linkBytes - baseline.linkBytes),
                exchangeBytesPerSecond: perSecond(all.exchangeBytes - baseline.exchangeBytes)),
            pushPulls: all.pushPulls - baseline.pushPulls,
            signaturesPerMemberPerSecond: perSecond(Int(all.signatures - baseline.signatures)),
            signaturesPerSecondPeak: checkers.signaturesPerSecondPeak,
            coordinates: coordinateError(), events: events,
            happenings: happenings(endpoints), checkers: checkers.tally,
            violationCount: checkers.violationCount,
            violations: checkers.violations,
            traceDigest: hexadecimal(trace.value.bigEndianBytes),
            historyDigest: hexadecimal(checkers.historyDigest.bigEndianBytes),
            replayCommand: configuration.replayCommand)
    }

    private func happenings(_ endpoints: EndpointTotals) -> [Report.Happening] {
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
            ("not authentic", Int(endpoints.notAuthentic)),
            ("replays refused", Int(endpoints.replaysRefused)),
            ("malformed", Int(endpoints.malformed)),
            ("forged", Int(endpoints.forged)), ("timers deferred", tally.timersDeferred),
            ("timers early", tally.timersEarly), ("timers late", tally.timersLate),
            ("pauses noticed", Int(endpoints.pauses)),
            ("probes failed", Int(endpoints.probesFailed)),
            ("datagrams relayed", Int(endpoints.relayed)),
            ("datagrams through relays", Int(endpoints.relayedReceived)),
            ("claims of unknown kinds", Int(endpoints.unknownClaims)),
            ("over limits", Int(endpoints.overLimit)),
            ("datagrams by outsiders", tally.injected),
            ("link packets", tally.linkPackets), ("links dialled", tally.dials),
            ("dials refused", tally.dialsRefused), ("links opened", tally.linksOpened),
            ("links closed", tally.linksClosed), ("links fallen silent", tally.linksSilent),
            ("certificates fetched", tally.certificates),
            ("certificates refused", tally.certificatesRefused),
            ("push-pulls", tally.pushPulls), ("refutations", Int(endpoints.refutations)),
            ("suspicions of the healthy", checkers.falseSuspicions),
        ]
        return all.filter { $0.1 > 0 }.map { Report.Happening(what: $0.0, count: $0.1) }
    }
}
