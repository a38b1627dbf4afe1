import Foundation

/// How values of one axis become pixels.
struct Scale {
    /// Equal steps, or equal ratios.
    enum Kind {
        case linear, logarithmic
    }

    let kind: Kind
    let range: ClosedRange<Double>
    /// Where lines and labels are.
    let ticks: [Double]

    /// From 0 to a round number that is at least `most`.
    static func linear(to most: Double) -> Scale {
        let step = roundStep(above: max(most, 1e-9) / 6)
        let count = Int((max(most, 1e-9) / step).rounded(.up))
        return Scale(
            kind: .linear, range: 0...step * Double(count),
            ticks: (0...count).map { step * Double($0) })
    }

    /// Powers of ten around the values.
    static func logarithmic(from least: Double, to most: Double) -> Scale {
        let low = Int(log10(least).rounded(.down))
        let high = max(low + 1, Int(log10(most).rounded(.up)))
        return Scale(
            kind: .logarithmic, range: pow(10, Double(low))...pow(10, Double(high)),
            ticks: (low...high).map { pow(10, Double($0)) })
    }

    /// These values, equal ratios apart by equal distances.
    static func logarithmic(ticks: [Double]) -> Scale {
        let least = ticks.min() ?? 1
        let most = max(ticks.max() ?? 10, least * 2)
        return Scale(kind: .logarithmic, range: least...most, ticks: ticks)
    }

    /// The share of the axis at which a value lies; values outside lie at its ends.
    func position(_ value: Double) -> Double {
        let inside = min(max(value, range.lowerBound), range.upperBound)
        switch kind {
        case .linear: return (inside - range.lowerBound) / (range.upperBound - range.lowerBound)
        case .logarithmic:
            return log(inside / range.lowerBound) / log(range.upperBound / range.lowerBound)
        }
    }

    func label(_ tick: Double) -> String {
        switch tick {
        case 0: "0"
        case 1e6...: SVG.number(tick / 1e6) + " M"
        case 1e4...: SVG.number(tick / 1e3) + " k"
        case ..<0.01: String(format: "%.0e", tick).replacingOccurrences(of: "e-0", with: "e-")
        default: SVG.number(tick)
        }
    }

    private static func roundStep(above value: Double) -> Double {
        let power = pow(10, log10(value).rounded(.down))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value * 0.999 } ?? 10 * power
    }
}
