/// One panel: curves over the size of the mesh, with axes, a legend and what is to be reached.
struct Chart {
    /// A curve.
    struct Series {
        var name: String
        /// One of the style sheet's four.
        var color: Int
        var isDashed = false
        /// Size of the mesh, value, and the top of a bar that stands on the point, if any.
        var points: [(x: Double, y: Double, high: Double?)]
    }

    /// A line that should not be crossed.
    struct Goal {
        var name: String
        /// Size of the mesh and value; equal ones in a row are joined.
        var points: [(x: Double, y: Double)]

        /// The level pieces.
        var pieces: [[(x: Double, y: Double)]] {
            points.reduce(into: []) { pieces, point in
                if let last = pieces.last?.last, last.y == point.y {
                    pieces[pieces.count - 1].append(point)
                } else {
                    pieces.append([point])
                }
            }
        }
    }

    var title: String
    var note: String
    /// With its unit.
    var yTitle: String
    var sizes: [Double]
    var isLogarithmic = false
    /// On a logarithmic axis 0 is drawn here, as ``note`` tells.
    var floor: Double = 0
    var series: [Series]
    var goals: [Goal] = []

    private static let margin = (left: 62.0, right: 16.0, top: 46.0, bottom: 46.0)

    func draw(into svg: inout SVG, x: Double, y: Double, width: Double, height: Double) {
        let margin = Self.margin
        let legendHeight = 16.0 * Double((legend.count + 1) / 2)
        let left = x + margin.left
        let right = x + width - margin.right
        let top = y + margin.top
        let bottom = y + height - margin.bottom - legendHeight
        let across = Scale.logarithmic(ticks: sizes)
        let up = vertical
        func place(_ point: (x: Double, y: Double)) -> (Double, Double) {
            (
                left + (right - left) * across.position(point.x),
                bottom - (bottom - top) * up.position(isLogarithmic ? max(point.y, floor) : point.y)
            )
        }

        svg.text(title, at: (x + 12, y + 20), "title")
        svg.text(note, at: (x + 12, y + 36), "faint")
        for tick in up.ticks {
            let at = bottom - (bottom - top) * up.position(tick)
            svg.line((left, at), (right, at), "grid")
            svg.text(up.label(tick), at: (left - 6, at + 4), "faint", anchor: .end)
        }
        for tick in across.ticks {
            let at = left + (right - left) * across.position(tick)
            svg.line((at, bottom), (at, bottom + 4), "axis")
            svg.text(across.label(tick), at: (at, bottom + 17), "faint", anchor: .middle)
        }
        svg.line((left, bottom), (right, bottom), "axis")
        svg.line((left, top), (left, bottom), "axis")
        svg.text(
            "members", at: ((left + right) / 2, bottom + 33), "faint", anchor: .middle)
        svg.text(
            yTitle, at: (x + 16, (top + bottom) / 2), "faint", anchor: .middle, isUpright: true)

        for one in series {
            for point in one.points {
                guard let high = point.high else { continue }
                svg.line(
                    place((point.x, point.y)), place((point.x, high)), "thin c\(one.color)")
            }
            let places = one.points.map { place(($0.x, $0.y)) }
            svg.polyline(places, "curve c\(one.color)" + (one.isDashed ? " dashed" : ""))
            for place in places where !one.isDashed {
                svg.dot(place, radius: 3, "c\(one.color)")
            }
        }
        for piece in goals.flatMap(\.pieces) {
            var places = piece.map(place)
            // One alone is drawn as a short line around its size.
            if places.count == 1 { places = [-12, 12].map { (places[0].0 + $0, places[0].1) } }
            svg.polyline(places, "goal")
        }
        drawLegend(into: &svg, x: left, y: bottom + 50, width: right - left)
    }

    private var vertical: Scale {
        let values =
            series.flatMap { $0.points.flatMap { [$0.y, $0.high ?? $0.y] } }
            + goals.flatMap { $0.points.map(\.y) }
        let most = values.max() ?? 1
        guard isLogarithmic else { return .linear(to: most) }
        return .logarithmic(from: floor, to: max(most, floor * 10))
    }

    private var legend: [(name: String, classes: String)] {
        series.map { ($0.name, "curve c\($0.color)" + ($0.isDashed ? " dashed" : "")) }
            + goals.map { ($0.name, "goal") }
    }

    private func drawLegend(into svg: inout SVG, x: Double, y: Double, width: Double) {
        for (index, entry) in legend.enumerated() {
            let at = (
                x + (index % 2 == 0 ? 0 : width / 2), y + 16 * Double(index / 2)
            )
            svg.line((at.0, at.1 - 4), (at.0 + 22, at.1 - 4), entry.classes)
            svg.text(entry.name, at: (at.0 + 28, at.1))
        }
    }
}
