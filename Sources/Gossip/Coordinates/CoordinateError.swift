import Wire

/// How well coordinates predict round trips: the relative errors over many pairs of nodes.
public struct CoordinateError: Sendable, Equatable, Codable {
    /// Over how many pairs; pairs without a round trip have no relative error and are left out.
    public var pairs: Int
    /// The mean of |estimated − actual| ÷ actual; 0 for no pairs, like those that follow.
    public var mean: Double
    /// The median.
    public var median: Double
    /// What 95 % of the pairs are no worse than.
    public var percentile95: Double
    /// The worst.
    public var max: Double

    /// Measures `pairs`, each a round trip as coordinates estimate it and as it is.
    public static func measure(
        pairs: some Sequence<(estimated: Duration, actual: Duration)>
    ) -> CoordinateError {
        var errors: [Double] = []
        for (estimated, actual) in pairs where actual > .zero {
            errors.append((estimated - actual).seconds.magnitude / actual.seconds)
        }
        guard !errors.isEmpty else {
            return CoordinateError(pairs: 0, mean: 0, median: 0, percentile95: 0, max: 0)
        }
        errors.sort()
        // Nearest rank: the smallest value that so many per cent do not exceed.
        func rank(_ perCent: Int) -> Double { errors[(errors.count * perCent + 99) / 100 - 1] }
        return CoordinateError(
            pairs: errors.count, mean: errors.reduce(0, +) / Double(errors.count),
            median: rank(50), percentile95: rank(95), max: rank(100))
    }

    /// Measures every pair of `coordinates` against `actual`, the round trip between the nodes with
    /// these numbers.
    public static func measure(
        _ coordinates: [Coordinate], actual: (Int, Int) -> Duration
    ) -> CoordinateError {
        var pairs: [(estimated: Duration, actual: Duration)] = []
        for a in coordinates.indices {
            for b in coordinates.indices where b > a {
                pairs.append((coordinates[a].distance(to: coordinates[b]), actual(a, b)))
            }
        }
        return measure(pairs: pairs)
    }
}
