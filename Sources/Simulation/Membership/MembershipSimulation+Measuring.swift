import Gossip
import Wire

extension MembershipSimulation {
    /// Counts of what happened in a run.
    struct Tally: Sendable {
        var crashes = 0
        var restarts = 0
        var leaves = 0
        var addressesReused = 0
        var stalls = 0
        var suspensions = 0
        var slowLoops = 0
        var clockSteps = 0
        var keyRotations = 0
        var partitions = 0
        var cuts = 0
        var clogs = 0
        var shrunkenPaths = 0
        var blocks = 0

        var datagrams = 0
        var datagramBytes = 0
        var linkPackets = 0
        var linkBytes = 0
        var pushPulls = 0
        var exchangeBytes = 0
        var toNowhere = 0
        var injected = 0
        var lostAsleep = 0
        var socketOverflows = 0
        var servedSlowly = 0
        var ticks = 0
        var timersDeferred = 0
        var timersEarly = 0
        var timersLate = 0
        var dials = 0
        var dialsRefused = 0
        var linksOpened = 0
        var linksClosed = 0
        var linksSilent = 0
        var certificates = 0
        var certificatesRefused = 0

        /// What endpoints counted, over all their starts that ended.
        var endpoints = EndpointTotals()
    }

    /// What endpoints count.
    struct EndpointTotals: Sendable {
        var upTime: Duration = .zero
        var refutations: UInt64 = 0
        var signatures: UInt64 = 0
        var malformed: UInt64 = 0
        var forged: UInt64 = 0
        var pauses: UInt64 = 0
        var probesFailed: UInt64 = 0
        var relayed: UInt64 = 0
        var relayedReceived: UInt64 = 0
        var unknownClaims: UInt64 = 0
        var notAuthentic: UInt64 = 0
        var replaysRefused: UInt64 = 0
        var overLimit: UInt64 = 0

        mutating func add(_ counters: EndpointCounters, upTime time: Duration) {
            upTime += time
            refutations += counters.gossip.refutations
            signatures += counters.gossip.signaturesChecked
            malformed += counters.gossip.malformed + counters.datagrams.malformed
            forged += counters.gossip.forged
            pauses += counters.gossip.pauses
            probesFailed += counters.gossip.probesFailed
            relayed += counters.gossip.relayed
            unknownClaims += counters.gossip.unknownClaims
            relayedReceived += counters.endpoint.relayedReceived
            notAuthentic += counters.datagrams.notAuthentic
            replaysRefused += counters.datagrams.replayed
            overLimit +=
                counters.gossip.overLimit + counters.datagrams.overLimit
                + counters.endpoint.linkOverLimit
        }
    }

    /// What rates are made of.
    struct Totals: Sendable {
        var upTime: Duration = .zero
        var datagrams = 0
        var datagramBytes = 0
        var linkPackets = 0
        var linkBytes = 0
        var exchangeBytes = 0
        var pushPulls = 0
        var signatures: UInt64 = 0
        var refutations: UInt64 = 0
        var falseDeaths = 0
        var falseSuspicions = 0
    }

    /// Counts what an endpoint did, when its start ends.
    mutating func settle(_ node: Int) {
        let counters = peek(node) { $0.counters }
        tally.endpoints.add(counters, upTime: now - nodes[node].upSince)
    }

    /// What all endpoints counted so far.
    mutating func endpointTotals() -> EndpointTotals {
        var totals = tally.endpoints
        for node in nodes.indices where nodes[node].isUp {
            totals.add(peek(node) { $0.counters }, upTime: now - nodes[node].upSince)
        }
        return totals
    }

    /// Everything so far.
    mutating func totals() -> Totals {
        let endpoints = endpointTotals()
        return Totals(
            upTime: endpoints.upTime, datagrams: tally.datagrams,
            datagramBytes: tally.datagramBytes, linkPackets: tally.linkPackets,
            linkBytes: tally.linkBytes, exchangeBytes: tally.exchangeBytes,
            pushPulls: tally.pushPulls, signatures: endpoints.signatures,
            refutations: endpoints.refutations, falseDeaths: checkers.falseDeaths,
            falseSuspicions: checkers.falseSuspicions)
    }

    /// How far off the round trips are that coordinates estimate.
    mutating func coordinateError() -> CoordinateError {
        var pairs: [(estimated: Duration, actual: Duration)] = []
        var random = SeededRandom(seed: configuration.seed, stream: 13 << 40)
        let up = nodes.indices.filter { nodes[$0].isUp }
        guard up.count > 1 else { return CoordinateError.measure(pairs: pairs) }
        for _ in 0..<SimulationLimits.coordinatePairs {
            let a = up[random.index(below: up.count)]
            let b = up[random.index(below: up.count)]
            let other = id(b)
            guard a != b,
                let estimated = peek(a, { $0.core.view(of: other)?.estimatedRoundTrip })
            else { continue }
            pairs.append((estimated, network.roundTrip(a, b)))
        }
        return CoordinateError.measure(pairs: pairs)
    }
}

/// How long changes of what nodes offer take to be known.
struct UpdateMeasurement: Sendable {
    private struct Update: Sendable {
        var software: String
        var at: MonotonicInstant
        /// How many others could know of it.
        var expected: Int
        var knowing: Set<Int> = []
        /// When they did, in order.
        var times: [Duration] = []
    }

    private var updates: [Update] = []
    /// The last update of each node that had one.
    private var latest: [Int: Int] = [:]

    /// How many there were.
    var count: Int { updates.count }

    /// A node offers something new.
    mutating func begin(
        _ node: Int, _ metadata: MemberMetadata, expected: Int, at now: MonotonicInstant
    ) {
        latest[node] = updates.count
        updates.append(Update(software: metadata.software, at: now, expected: expected))
    }

    /// A node's view of another changed.
    mutating func note(
        observer: Int, subject: Int, view: MemberView, at now: MonotonicInstant
    ) {
        guard !latest.isEmpty, let number = latest[subject],
            view.metadata?.software == updates[number].software,
            updates[number].times.count < updates[number].expected,
            updates[number].knowing.insert(observer).inserted
        else { return }
        updates[number].times.append(now - updates[number].at)
    }

    /// For each update, the time until so many parts in ten thousand of the others knew of it; those
    /// that never got so far are left out.
    func times(untilTenThousandths share: Int) -> [Duration] {
        updates.compactMap { update in
            guard update.expected > 0 else { return nil }
            let needed = max(1, (update.expected * share + 9_999) / 10_000)
            return needed <= update.times.count ? update.times[needed - 1] : nil
        }
    }
}
