import Wire

/// A distribution of times, in seconds.
public struct Times: Sendable, Encodable {
    /// How many there are.
    public var count: Int
    /// Half of them are no longer.
    public var median: Double
    /// 99 of 100 are no longer; the longest when there are fewer.
    public var percentile99: Double
    /// The longest.
    public var longest: Double

    init(_ durations: [Duration]) {
        let sorted = durations.map(\.seconds).sorted()
        count = sorted.count
        /// The least value that so many of the values do not exceed.
        func at(_ share: Double) -> Double {
            let rank = Int((share * Double(sorted.count)).rounded(.up))
            return sorted.isEmpty ? 0 : sorted[max(0, rank - 1)]
        }
        median = at(0.5)
        percentile99 = at(0.99)
        longest = at(1)
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
