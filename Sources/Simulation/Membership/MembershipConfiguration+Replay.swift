import Gossip
import Wire

extension MembershipSimulation.Configuration {
    /// The command that runs this again. Only what the command line has no option for, changes of
    /// the periods of ``gossip``, is not in it.
    public var replayCommand: String {
        // What was drawn from the seed is drawn again.
        var base = Self(nodes: nodes, seed: seed, duration: duration)
        base.hostile = hostile
        base.gossip.features = gossip.features
        if base != self, base.drawingFaults() == self {
            return base.longReplayCommand + " --faults all"
        }
        return longReplayCommand
    }

    /// With everything that is not as it is by itself.
    private var longReplayCommand: String {
        let plain = Self(nodes: nodes, seed: seed, duration: duration)
        var words = ["shoal simulate membership", "--nodes \(nodes)", "--seed \(seed)"]
        words.append(Self.length(duration))
        func add(_ option: String, _ value: String, if isNeeded: Bool) {
            if isNeeded { words.append("--\(option) \(value)") }
        }
        func share(_ option: String, _ value: Double) {
            add(option, Self.number(value), if: value != 0)
        }
        func count(_ option: String, _ value: Int, unless standard: Int = 0) {
            add(option, "\(value)", if: value != standard)
        }
        func range(
            _ option: String, _ value: ClosedRange<Duration>, unless standard: ClosedRange<Duration>
        ) {
            let ends = [value.lowerBound, value.upperBound].map(\.decimalSeconds)
            add(option, ends.joined(separator: "..."), if: value != standard)
        }
        share("loss", network.loss)
        share("duplication", network.duplication)
        share("reordering", network.reordering)
        share("corruption", network.corruption)
        share("replay", network.replay)
        range("latency", network.latency, unless: plain.network.latency)
        add("span", network.span.decimalSeconds, if: network.span != .zero)
        if let mtu = network.mtu { count("mtu", mtu, unless: -1) }
        count("seeds", seeds, unless: plain.seeds)
        count("crashes", crashes)
        if let partitionAt {
            add("partition-at", partitionAt.decimalSeconds, if: true)
            add("partition-seconds", partitionLength.decimalSeconds, if: true)
        }
        count("outbound-only", outboundOnly)
        count("datagrams-blocked", datagramsBlocked)
        count("stalled", stalled)
        range("stall-seconds", stallLength, unless: plain.stallLength)
        range("stall-gap", stallGap, unless: plain.stallGap)
        range("timer-lateness", timerLateness, unless: plain.timerLateness)
        let versions = versions.map { "\($0.lowerBound)-\($0.upperBound)" }
        add("versions", versions.joined(separator: ","), if: !versions.isEmpty)
        count("updates", updates)
        if let hostile { add("hostile", hostile.rawValue, if: true) }
        count("hostiles", hostiles, unless: plain.hostiles)
        let attacks = attacks.map(\.rawValue).joined(separator: ",")
        add("attacks", attacks, if: self.attacks != plain.attacks)
        if let sabotage { add("sabotage", sabotage.rawValue, if: true) }
        add("count-from", countFrom.decimalSeconds, if: countFrom != .zero)
        count(
            "tombstones", gossip.tombstonesMax, unless: plain.gossip.tombstonesMax)
        add(
            "activity-interval", gossip.activityInterval.decimalSeconds,
            if: gossip.activityInterval != plain.gossip.activityInterval)
        for fault in faults { add("fault", "\(fault)", if: true) }
        add(
            "convergence-bound", convergenceBound.decimalSeconds,
            if: convergenceBound != plain.convergenceBound)
        if let detectionBound { add("detection-bound", detectionBound.decimalSeconds, if: true) }
        let flags = [
            ("plain-swim", gossip.features.isEmpty), ("inspect-packets", inspectsPackets),
            ("warm-start", isWarm),
            ("silent-hosts", !refusesAfterCrash),
            ("allow-false-deaths", allowsFalseDeaths),
        ]
        words += flags.filter(\.1).map { "--\($0.0)" }
        return words.joined(separator: " ")
    }

    private static func length(_ duration: Duration) -> String {
        let nanoseconds = duration.nanoseconds
        return nanoseconds % 60 == 0
            ? "--minutes \(Duration.decimal(nanoseconds / 60))"
            : "--seconds \(duration.decimalSeconds)"
    }

    /// A number as it is read back exactly.
    private static func number(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
