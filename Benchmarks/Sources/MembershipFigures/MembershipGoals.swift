import Foundation

/// Something to be reached.
public struct MembershipGoal: Sendable, Encodable {
    /// What, in words.
    public var goal: String
    /// Whether it is.
    public var isReached: Bool
    /// What was measured, and by how much it falls short.
    public var measured: String
}

extension MembershipFigures {
    /// Median seconds within which all members know of a death, without loss.
    static func detectionGoal(nodes: Int, isRefused: Bool) -> Double? {
        switch nodes {
        // With nobody else to ask, only the refused stream is a second opinion.
        case ...3: isRefused ? 4 : 8
        case ...16: 4
        case ...128: 8
        default: nil
        }
    }

    /// Datagrams that a member of an idle mesh may send in a period.
    static let idleGoal = 2.2
    /// How many times fewer false positives than plain SWIM there are to be.
    static let ratioGoal = 100.0

    func judged() -> [MembershipGoal] {
        [true, false].map { detectionJudged(isRefused: $0) } + [0, 0.25].map(disseminationJudged)
            + [falseDeathsJudged, ratioJudged(nil), ratioJudged(.blocked), idleJudged]
    }

    private func detectionJudged(isRefused: Bool) -> MembershipGoal {
        let points = detection.filter { $0.loss == 0 && $0.isRefused == isRefused }
        let all = points.compactMap { point in
            Self.detectionGoal(nodes: point.nodes, isRefused: isRefused).map { (point, $0) }
        }
        let bad = all.filter { $0.0.first.median > $0.1 || $0.0.all.median > $0.1 }
        let worst = all.map { point, goal in
            "N = \(point.nodes): first \(decimal(point.first.median)), all "
                + "\(decimal(point.all.median)) of \(decimal(goal))"
                + (bad.contains { $0.0.nodes == point.nodes }
                    ? " (\(decimal(point.all.median - goal)) s too long)" : "")
        }
        let small = isRefused ? "4 s at N ≤ 16" : "8 s at N = 2, 3; 4 s at N ≤ 16"
        return MembershipGoal(
            goal: "death known, median, when "
                + (isRefused
                    ? "the host refuses the stream probe" : "the host is silent")
                + ": \(small); 8 s at N ≤ 128",
            isReached: bad.isEmpty && !all.isEmpty
                && points.allSatisfy { $0.missed == 0 },
            measured: worst.joined(separator: "; "))
    }

    private func disseminationJudged(loss: Double) -> MembershipGoal {
        let points = dissemination.filter { $0.loss == loss && $0.serf != nil }
        let bad = points.filter { $0.nearlyAllMedian > $0.serf ?? 0 || $0.missed > 0 }
        return MembershipGoal(
            goal: "99.99 % know of a change no later than on Serf's curve, at "
                + "\(decimal(100 * loss)) % loss",
            isReached: bad.isEmpty && !points.isEmpty,
            measured: points.map { point in
                "N = \(point.nodes): \(decimal(point.nearlyAllMedian)) s of "
                    + "\(decimal(point.serf ?? 0))"
                    + (point.missed > 0 ? ", \(point.missed) missed" : "")
            }.joined(separator: "; "))
    }

    private var falseDeathsJudged: MembershipGoal {
        let deaths = falsePositives.reduce(0) { $0 + $1.shoal.deaths }
        let hours = falsePositives.reduce(0) { $0 + $1.memberHours }
        return MembershipGoal(
            goal: "no healthy member taken for dead while \(falsePositives.first?.ailing ?? 0) "
                + "stand still again and again, at any loss, or are blocked",
            isReached: deaths == 0 && !falsePositives.isEmpty,
            measured: "\(deaths) false deaths in \(decimal(hours)) member-hours")
    }

    /// - Parameter ailment: In which runs; nil for all.
    private func ratioJudged(_ ailment: FalsePositivePoint.Ailment?) -> MembershipGoal {
        let points = falsePositives.filter { ailment == nil || $0.ailment == ailment }
        let shoal = points.reduce(0) { $0 + $1.shoal.deaths }
        let plain = points.reduce(0) { $0 + $1.plain.deaths }
        let ratio = Double(plain) / Double(max(1, shoal))
        return MembershipGoal(
            goal: "at least \(decimal(Self.ratioGoal)) times fewer false deaths than plain SWIM in "
                + (ailment == .blocked
                    ? "the runs without loss in which members are blocked" : "the same runs"),
            isReached: ratio >= Self.ratioGoal,
            measured: "\(shoal) against \(plain): \(shoal == 0 ? "more than " : "")"
                + "\(decimal(ratio)) times fewer")
    }

    private var idleJudged: MembershipGoal {
        let points = idle.filter { $0.loss == 0 }
        let most = points.map(\.datagramsPerPeriod).max() ?? 0
        return MembershipGoal(
            goal: "at most \(decimal(Self.idleGoal)) datagrams per member and period when idle, "
                + "without loss",
            isReached: most <= Self.idleGoal && !points.isEmpty,
            measured: "at most \(decimal(most))"
                + (most > Self.idleGoal ? ", \(decimal(most - Self.idleGoal)) too many" : ""))
    }
}

/// Two decimals, without those that say nothing.
func decimal(_ value: Double) -> String { SVG.number(value) }
