import Foundation

extension MembershipFigures {
    /// The report for people.
    public var text: String {
        var lines = ["Goals", ""]
        for goal in goals {
            lines.append("\(goal.isReached ? "reached" : "MISSED ")  \(goal.goal)")
            lines.append("         \(goal.measured)")
        }
        for isRefused in [true, false] {
            lines += [
                "",
                "Seconds until a death is known: the host "
                    + (isRefused ? "refuses links (the process ended)" : "is silent (power cut)"),
                "",
            ]
            lines += table(
                ["members", "loss", "deaths", "first p50", "p99", "all p50", "p99", "missed"],
                detection.filter { $0.isRefused == isRefused }.map {
                    [
                        "\($0.nodes)", percent($0.loss), "\($0.crashes)", fixed($0.first.median),
                        fixed($0.first.percentile99), fixed($0.all.median),
                        fixed($0.all.percentile99), "\($0.missed)",
                    ]
                })
        }
        lines += ["", "Seconds until a change of what a member offers is known", ""]
        lines += table(
            ["members", "loss", "changes", "half p50", "99.99 % p50", "p99", "Serf", "missed"],
            dissemination.map {
                [
                    "\($0.nodes)", percent($0.loss), "\($0.updates)", fixed($0.halfMedian),
                    fixed($0.nearlyAllMedian), fixed($0.nearlyAllPercentile99),
                    $0.serf.map(fixed) ?? "–", "\($0.missed)",
                ]
            })
        for ailment in [FalsePositivePoint.Ailment.stalled, .blocked] {
            let points = falsePositives.filter { $0.ailment == ailment }
            let ailing = points.first?.ailing ?? 0
            lines += ["", "Healthy members taken for dead while \(ailing) \(ailment.words)", ""]
            lines += table(
                [
                    "members", "loss", "member-hours", "false deaths", "per hour", "plain SWIM",
                    "per hour", "times fewer", "suspicions", "plain SWIM",
                ],
                points.map {
                    [
                        "\($0.nodes)", percent($0.loss), fixed($0.memberHours),
                        "\($0.shoal.deaths)", fixed(Double($0.shoal.deaths) / $0.memberHours),
                        "\($0.plain.deaths)", fixed(Double($0.plain.deaths) / $0.memberHours),
                        ($0.shoal.deaths == 0 ? "> " : "") + fixed($0.leastRatio),
                        "\($0.shoal.suspicions)", "\($0.plain.suspicions)",
                    ]
                })
        }
        lines += ["", "What a member of an idle mesh sends", ""]
        lines += table(
            [
                "members", "loss", "datagrams/period", "bytes/s", "link packets/period",
                "link bytes/s", "signatures/s",
            ],
            idle.map {
                [
                    "\($0.nodes)", percent($0.loss), fixed($0.datagramsPerPeriod),
                    fixed($0.datagramBytesPerSecond), fixed($0.linkPacketsPerPeriod),
                    fixed($0.linkBytesPerSecond), fixed($0.signaturesPerSecond),
                ]
            })
        return lines.joined(separator: "\n") + "\n"
    }

    private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }

    private func percent(_ share: Double) -> String { decimal(100 * share) + " %" }

    private func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let widths = head.indices.map { column in
            ([head] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([head] + rows).map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
                .joined(separator: "  ")
        }
    }
}

extension FalsePositivePoint.Ailment {
    /// What the ailing do.
    var words: String {
        switch self {
        case .stalled: "stand still"
        case .blocked: "are blocked"
        }
    }
}
