import Gossip
import Wire

extension MembershipSimulation {
    /// Counts of what happened in a run.
    struct Tally: Sendable {
        /// Datagrams are also counted apart after this, in nanoseconds: when all have met.
        static let warmUp: Int64 = 60_000_000_000

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
        var lateDatagrams = 0
        var datagramBytes = 0
        var linkPackets = 0
        var linkBytes = 0
        var pushPulls = 0
        var exchangeBytes = 0
        var toNowhere = 0
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

        // What endpoints counted, over all their starts.
        var upTime: Duration = .zero
        var lateUpTime: Duration = .zero
        var refutations: UInt64 = 0
        var signatures: UInt64 = 0
        var malformed: UInt64 = 0
        var forged: UInt64 = 0
        var pauses: UInt64 = 0
        var probesFailed: UInt64 = 0
        var notAuthentic: UInt64 = 0
        var replaysRefused: UInt64 = 0
    }

    /// Counts what an endpoint did, when its start ends or the run does.
    mutating func settle(_ node: Int) {
        let gossip = nodes[node].endpoint.core.counters
        let datagrams = nodes[node].endpoint.datagramCounters
        tally.refutations += gossip.refutations
        tally.signatures += gossip.signaturesChecked
        tally.malformed += gossip.malformed + datagrams.malformed
        tally.forged += gossip.forged
        tally.pauses += gossip.pauses
        tally.probesFailed += gossip.probesFailed
        tally.notAuthentic += datagrams.notAuthentic
        tally.replaysRefused += datagrams.replayed
        let since = nodes[node].upSince
        tally.upTime += now - since
        let warm = MonotonicInstant(nanoseconds: Tally.warmUp)
        if now > warm { tally.lateUpTime += now - max(since, warm) }
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
