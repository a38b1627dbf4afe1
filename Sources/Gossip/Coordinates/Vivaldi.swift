public import Wire

/// The constants of ``VivaldiNode``. Times are in seconds where they are numbers.
public enum VivaldiLimits {
    /// How much one observation moves the error estimate at most (Dabek et al., c_e).
    static let errorShare: Float = 0.25
    /// How much of what it is wrong by one observation moves the node at most (c_c).
    static let moveShare: Float = 0.25
    /// The longest round trip that is taken for one.
    public static let roundTripMax: Duration = .seconds(10)
    /// Round trips remembered for each peer.
    static let samplesPerPeer = 3
    /// The most peers that round trips are remembered of.
    public static let peersMax = 128
    /// Observations that the adjustment is the mean of (Ledlie et al. call it the window).
    static let adjustmentWindow = 20
    /// Peers whose last residuals bound the next one.
    static let residualsMax = 21
    /// A residual counts up to so many times the median of the last ones…
    static let residualSpread: Float = 6
    /// …or up to this, where that is less.
    static let residualSecondsMin: Float = 100e-6
    /// The farthest that one observation moves a node.
    static let stepSecondsMax: Float = 0.05
    /// A peer moves a node at most once in this time.
    public static let moveInterval: Duration = .milliseconds(400)
    /// A peer is never taken to be more than so many times surer of its place than the node is.
    static let confidenceRatioMax: Float = 4
    /// At this distance from the origin a node is drawn back by the same distance, at others by the
    /// square (Ledlie et al., section 5.2): only as much as stops everybody from drifting together.
    static let gravityRadius: Float = 150
    /// Nearer than this, two places have no direction from each other.
    static let coincidenceSeconds: Float = 1e-6
}

/// One node's place on the map, which it finds by its own round trips to others and the places they
/// claim: Vivaldi with height (Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004), with the latency
/// filter, the adjustment and gravity of Ledlie, Gardner and Seltzer (NSDI 2007).
///
/// Only additions, multiplications, divisions and square roots, in one order: the same observations
/// and the same random numbers give the same place on every machine.
///
/// The round trip is measured here and can't be shortened by its peer, but it can be delayed, and
/// the claimed place and confidence can be anything within ``CoordinateLimits``. So what one peer
/// can do is bounded: what is far off from what peers are wrong by of late counts the less the
/// farther off it is; a peer counts once in ``VivaldiLimits/moveInterval``; claiming certainty gives
/// it at most four parts in five of the weight. A node that truly moved is ignored likewise, and
/// finds its new place by itself, since to it everybody is off. Peers that shift everybody slowly
/// together shift honest members alike, which leaves the distances between those as they are.
public struct VivaldiNode: Sendable {
    /// The node's place now; always valid.
    public private(set) var coordinate = Coordinate.origin
    private var filter = LatencyFilter()
    /// What the map without adjustment was wrong by, a ring.
    private var surplus: [Float] = []
    private var oldest = 0

    /// A node that has measured nothing yet.
    public init() {}

    /// How many peers' round trips are remembered; at most ``VivaldiLimits/peersMax``.
    public var peerCount: Int { filter.peerCount }

    /// Takes in one measured round trip to `peer`, which claims to be at `place`.
    ///
    /// A round trip that is negative or over ``VivaldiLimits/roundTripMax``, or a place outside
    /// ``CoordinateLimits``, changes nothing. Randomness is used only where two nodes are at the
    /// same place, for a direction to part in.
    public mutating func observe(
        _ roundTrip: Duration, of peer: NodeID, at place: Coordinate, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        guard place.isValid, roundTrip >= .zero, roundTrip <= VivaldiLimits.roundTripMax else {
            return
        }
        let (measured, mayMove) = filter.add(Float(roundTrip.seconds), of: peer, at: now)
        guard mayMove else { return }
        let predicted = coordinate.seconds(to: place)
        let bound = filter.bound(on: measured - predicted, of: peer)
        let residual = (measured - predicted).dampened(beyond: bound)
        let weight = weight(against: place)
        updateError(residual, measured: measured, weight: weight)
        let step = VivaldiLimits.moveShare * weight * residual
        push(by: step.clamped(to: VivaldiLimits.stepSecondsMax), from: place, using: &generator)
        updateAdjustment(measured, to: place, bound: bound)
        sink()
    }

    /// The share of the observation that this node rather than the other is to be corrected by.
    private func weight(against place: Coordinate) -> Float {
        let own = coordinate.error
        let other = max(place.error, own / VivaldiLimits.confidenceRatioMax)
        let sum = own + other
        return sum > 0 ? own / sum : 0.5
    }

    private mutating func updateError(_ residual: Float, measured: Float, weight: Float) {
        let relative = residual.magnitude / max(measured, VivaldiLimits.coincidenceSeconds)
        let share = VivaldiLimits.errorShare * weight
        coordinate.error = min(
            CoordinateLimits.errorMax, relative * share + coordinate.error * (1 - share))
    }

    /// Moves away from `place`, or towards it when `force`, in seconds, is negative.
    private mutating func push(
        by force: Float, from place: Coordinate,
        using generator: inout some RandomNumberGenerator
    ) {
        let difference = coordinate.vector - place.vector
        let apart = difference.length
        guard apart > VivaldiLimits.coincidenceSeconds else {
            move(by: Self.direction(using: &generator) * force)
            return
        }
        move(by: difference * (force / apart))
        // The height goes with the share that heights have in the distance (section 5.4); near
        // places would throw it anywhere, so it moves no farther than the vector does.
        let rise = force * ((coordinate.height + place.height) / apart)
        let height = coordinate.height + rise.clamped(to: force.magnitude)
        coordinate.height = max(
            CoordinateLimits.heightSecondsMin, min(CoordinateLimits.heightSecondsMax, height))
    }

    private mutating func move(by step: SIMD8<Float>) {
        let limit = SIMD8<Float>(repeating: CoordinateLimits.componentSecondsMax)
        coordinate.vector = (coordinate.vector + step).clamped(
            lowerBound: -limit, upperBound: limit)
    }

    /// A direction of length 1, drawn.
    private static func direction(using generator: inout some RandomNumberGenerator) -> SIMD8<Float>
    {
        var vector = SIMD8<Float>.zero
        for index in 0..<8 {
            // 24 bits, which is what a Float holds exactly.
            vector[index] = Float(Int32(generator.next() >> 40) - (1 << 23))
        }
        let length = vector.length
        return length > 0 ? vector / length : SIMD8(1, 0, 0, 0, 0, 0, 0, 0)
    }

    private mutating func updateAdjustment(
        _ measured: Float, to place: Coordinate, bound: Float
    ) {
        let window = VivaldiLimits.adjustmentWindow
        // Twice the adjustment is what this is expected to be; it counts as far as ``bound`` off.
        let expected = 2 * coordinate.adjustment
        let found = measured - coordinate.unadjustedSeconds(to: place)
        let wrong = expected + (found - expected).dampened(beyond: bound)
        if surplus.count < window {
            surplus.append(wrong)
        } else {
            surplus[oldest] = wrong
            oldest = (oldest + 1) % window
        }
        // Half of the mean: the other end corrects for the other half. Over the whole window from
        // the beginning, so that the first observations, when all is wrong, count for little.
        let mean = surplus.reduce(0, +) / Float(window)
        coordinate.adjustment = (mean / 2).clamped(to: CoordinateLimits.adjustmentSecondsMax)
    }

    /// Gravity.
    private mutating func sink() {
        let distance = coordinate.vector.length
        guard distance > VivaldiLimits.coincidenceSeconds else { return }
        let ratio = distance / VivaldiLimits.gravityRadius
        move(by: coordinate.vector * (-(ratio * ratio) / distance))
    }
}

extension Float {
    /// This, or `bound` with its sign where it is farther from 0.
    fileprivate func clamped(to bound: Float) -> Float { Swift.max(-bound, Swift.min(bound, self)) }

    /// This, or where it is farther from 0 than `bound`, the less the farther it is.
    fileprivate func dampened(beyond bound: Float) -> Float {
        magnitude <= bound ? self : bound / self * bound
    }
}
