import Wire

extension CoordinateLimits {
    /// The least height, in seconds: a height is multiplied when it grows, so that it never comes
    /// back from nothing.
    static let heightSecondsMin: Float = 10e-6
}

extension Coordinate {
    /// Where a node begins: at the origin, sure of nothing.
    public static let origin = Coordinate(
        vector: .zero, height: CoordinateLimits.heightSecondsMin, adjustment: 0,
        error: CoordinateLimits.errorMax)

    /// The round trip predicted between the nodes at this coordinate and at `other`, both of which
    /// are valid: the distance of the vectors, both heights (Dabek et al., section 5.4), and both
    /// adjustments where something is left with them (Ledlie et al., section 4). The same both ways.
    public func distance(to other: Coordinate) -> Duration {
        .nanoseconds(Int64(Double(seconds(to: other)) * 1e9))
    }

    /// ``distance(to:)`` in seconds.
    func seconds(to other: Coordinate) -> Float {
        let bare = unadjustedSeconds(to: other)
        let adjusted = bare + (adjustment + other.adjustment)
        return adjusted > 0 ? adjusted : bare
    }

    /// The same without the adjustments, which are what this gets wrong.
    func unadjustedSeconds(to other: Coordinate) -> Float {
        (vector - other.vector).length + (height + other.height)
    }
}

extension SIMD8<Float> {
    /// The Euclidean length. Added up in an order of its own: the order of `sum()` is the library's
    /// affair, and runs replay bit for bit.
    var length: Float {
        let squares = self * self
        let low = (squares[0] + squares[1]) + (squares[2] + squares[3])
        let high = (squares[4] + squares[5]) + (squares[6] + squares[7])
        return (low + high).squareRoot()
    }
}
