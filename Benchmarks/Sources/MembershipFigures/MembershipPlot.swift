extension MembershipFigures {
    /// All curves in one drawing, as SVG.
    ///
    /// - Parameter caption: Printed below, such as the command that made it.
    public func svg(caption: String) -> String {
        let columns = 2
        let size = (width: 520.0, height: 400.0)
        let panels = charts
        let rows = (panels.count + columns - 1) / columns
        var svg = SVG(
            width: size.width * Double(columns), height: 84 + size.height * Double(rows))
        let title = "Shoal's membership in the simulator"
        svg.text(title, at: (12, 30), "head")
        svg.text(
            "Latency 1–20 ms each way, a probe each second, gossip each 200 ms to 3 members. "
                + "Dotted: what is to be reached.", at: (12, 50), "faint")
        for (index, chart) in panels.enumerated() {
            chart.draw(
                into: &svg, x: size.width * Double(index % columns),
                y: 60 + size.height * Double(index / columns), width: size.width,
                height: size.height)
        }
        svg.text(caption, at: (12, svg.height - 10), "faint")
        return svg.document(
            title: title,
            description: goals.map { "\($0.goal): \($0.isReached ? "reached" : "missed")" }
                .joined(separator: ". "))
    }

    private var charts: [Chart] {
        [
            detectionChart("Death seen first", isRefused: true) { $0.first },
            detectionChart("Death seen by all", isRefused: true) { $0.all },
            detectionChart("Death seen first", isRefused: false) { $0.first },
            detectionChart("Death seen by all", isRefused: false) { $0.all },
            disseminationChart, falsePositiveChart(.stalled), falsePositiveChart(.blocked),
            idleChart(
                "Datagrams of an idle member", "datagrams per second",
                goal: Self.idleGoal
            ) { $0.datagramsPerPeriod },
            idleChart("Bytes of an idle member", "bytes per second", goal: nil) {
                $0.datagramBytesPerSecond + $0.linkBytesPerSecond
            },
        ]
    }

    private var sizes: [Double] { Set(idle.map(\.nodes)).sorted().map(Double.init) }
    private var losses: [Double] { Set(idle.map(\.loss)).sorted() }

    private func series(
        _ values: (_ loss: Double) -> [(x: Double, y: Double, high: Double?)]
    ) -> [Chart.Series] {
        losses.enumerated().map { index, loss in
            Chart.Series(
                name: "\(decimal(100 * loss)) % lost", color: index % 4, points: values(loss))
        }
    }

    private func detectionChart(
        _ title: String, isRefused: Bool, _ times: (DetectionPoint) -> Times
    ) -> Chart {
        let goals = sizes.compactMap { size in
            Self.detectionGoal(nodes: Int(size), isRefused: isRefused).map { (x: size, y: $0) }
        }
        return Chart(
            title: title + (isRefused ? ": the process ended" : ": the machine is silent"),
            note: "median of deaths; bars to the 99th percentile", yTitle: "seconds",
            sizes: sizes,
            series: series { loss in
                detection.filter { $0.loss == loss && $0.isRefused == isRefused }.map {
                    let times = times($0)
                    return (Double($0.nodes), times.median, times.percentile99)
                }
            }, goals: [Chart.Goal(name: "goal for the median at 0 %", points: goals)])
    }

    private var disseminationChart: Chart {
        var lines = series { loss in
            dissemination.filter { $0.loss == loss }.map {
                (Double($0.nodes), $0.nearlyAllMedian, $0.nearlyAllPercentile99)
            }
        }
        for (index, loss) in losses.enumerated() {
            let points = dissemination.filter { $0.loss == loss }.compactMap { point in
                point.serf.map { (x: Double(point.nodes), y: $0, high: Double?.none) }
            }
            guard !points.isEmpty else { continue }
            lines.append(
                Chart.Series(
                    name: "Serf's curve, \(decimal(100 * loss)) % lost", color: index % 4,
                    isDashed: true, points: points))
        }
        return Chart(
            title: "A change known to 99.99 % of the members",
            note: "median of changes; bars to the 99th percentile", yTitle: "seconds",
            sizes: sizes, series: lines)
    }

    private func falsePositiveChart(_ ailment: FalsePositivePoint.Ailment) -> Chart {
        let falsePositives = falsePositives.filter { $0.ailment == ailment }
        let hours = falsePositives.map(\.memberHours).max() ?? 1
        // Below one death in the longest run there is nothing to see.
        let floor = 0.1 / hours
        func rate(_ deaths: Int, _ point: FalsePositivePoint) -> Double {
            max(floor, Double(deaths) / point.memberHours)
        }
        let own = series { loss in
            falsePositives.filter { $0.loss == loss }.map {
                (Double($0.nodes), rate($0.shoal.deaths, $0), nil)
            }
        }
        let plain = series { loss in
            falsePositives.filter { $0.loss == loss }.map {
                (Double($0.nodes), rate($0.plain.deaths, $0), nil)
            }
        }.map { series in
            var series = series
            series.name = "plain SWIM, " + series.name
            series.isDashed = true
            return series
        }
        let ailing = falsePositives.first?.ailing ?? 0
        return Chart(
            title: "Healthy members taken for dead while \(ailing) \(ailment.words)",
            note: "on the lowest line: none", yTitle: "per member and hour",
            sizes: Set(falsePositives.map(\.nodes)).sorted().map(Double.init),
            isLogarithmic: true, floor: floor, series: own + plain)
    }

    private func idleChart(
        _ title: String, _ yTitle: String, goal: Double?, _ value: (IdlePoint) -> Double
    ) -> Chart {
        let goals = goal.map { goal in
            [Chart.Goal(name: "goal at 0 %", points: sizes.map { ($0, goal) })]
        }
        return Chart(
            title: title,
            note: goal == nil ? "datagrams, links and push–pull together" : "nothing happens",
            yTitle: yTitle, sizes: sizes,
            series: series { loss in
                idle.filter { $0.loss == loss }.map { (Double($0.nodes), value($0), nil) }
            }, goals: goals ?? [])
    }
}
