import Gossip

extension MembershipSimulation.Report {
    /// The report for people.
    public var text: String {
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

    private var rows: [(String, String)] {
        func times(_ times: Times) -> String {
            guard times.count > 0 else { return "none" }
            return "median \(decimal(times.median, places: 2)) s, "
                + "99 % \(decimal(times.percentile99, places: 2)) s, "
                + "longest \(decimal(times.longest, places: 2)) s (\(times.count))"
        }
        func number(_ value: Double, _ places: Int = 2) -> String {
            decimal(value, places: places)
        }
        var rows: [(String, String)] = [
            (
                "run",
                "\(nodes) nodes, \(number(seconds / 60)) min, seed \(seed), "
                    + "loss \(number(loss * 100)) %, \(events) events"
            ),
            ("crashes", "\(crashes)"), ("first to know", times(firstDetection)),
            ("all know", times(detection)),
            (
                "false alarms",
                "\(falseDeaths) deaths, \(falseDeathsToImpaired) more to stalled, sleeping or slow "
                    + "nodes, \(falseSuspicions) suspicions, \(refutations) refutations"
            ),
        ]
        if dissemination.updates > 0 {
            rows += [
                ("news to 50 %", times(dissemination.half)),
                ("news to 99 %", times(dissemination.percent99)),
                ("news to 99.99 %", times(dissemination.percent9999)),
            ]
        }
        rows += [
            (
                "sent",
                "\(number(traffic.datagramsPerPeriod)) datagrams and "
                    + "\(number(traffic.linkPacketsPerPeriod)) link packets per member and period"
            ),
            (
                "bytes",
                "\(number(traffic.datagramBytesPerSecond, 0)) in datagrams, "
                    + "\(number(traffic.linkBytesPerSecond, 0)) over links, "
                    + "\(number(traffic.exchangeBytesPerSecond, 0)) in \(pushPulls) full "
                    + "exchanges, per member and second"
            ),
            (
                "signatures",
                "\(number(signaturesPerMemberPerSecond, 3)) checked per member and second"
            ),
            (
                "coordinates",
                coordinates.pairs == 0
                    ? "nothing to measure"
                    : "off by \(number(coordinates.median * 100)) % in the median, "
                        + "\(number(coordinates.percentile95 * 100)) % for 95 of 100 pairs"
            ),
            ("happened", happenings.map { "\($0.count) \($0.what)" }.joined(separator: ", ")),
            ("judged", checkers.map { "\($0.checker) \($0.judged)" }.joined(separator: ", ")),
            ("digest", traceDigest), ("replay", replayCommand),
            ("invariants", isClean ? "all held" : "\(violationCount) BROKEN"),
        ]
        return rows
    }
}
