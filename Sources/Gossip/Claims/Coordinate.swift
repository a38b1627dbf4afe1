public import Wire

/// Bounds on coordinates: what is outside is refused, wherever it comes from.
public enum CoordinateLimits {
    /// The farthest from the origin along one dimension, in seconds.
    public static let componentSecondsMax: Float = 10
    /// The greatest height, in seconds.
    public static let heightSecondsMax: Float = 10
    /// The greatest adjustment, either way, in seconds.
    public static let adjustmentSecondsMax: Float = 10
    /// The greatest error estimate.
    public static let errorMax: Float = 1.5
}

/// A place on the map of round trips (Vivaldi; Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004): the
/// distance of two coordinates predicts the round trip between their nodes. In seconds.
public struct Coordinate: Sendable, Hashable {
    /// Where the node is in the Euclidean part, which stands for the core of the network.
    public var vector: SIMD8<Float>
    /// What the node's own access adds to every round trip.
    public var height: Float
    /// What the model gets wrong about this node on average (Ledlie, Gardner, Seltzer, NSDI 2007).
    public var adjustment: Float
    /// How far the node trusts the rest, from 0.
    public var error: Float

    /// A coordinate as given.
    public init(vector: SIMD8<Float>, height: Float, adjustment: Float, error: Float) {
        self.vector = vector
        self.height = height
        self.adjustment = adjustment
        self.error = error
    }

    /// Whether every part is a number within ``CoordinateLimits``.
    public var isValid: Bool {
        for index in 0..<8 {
            guard vector[index].isFinite,
                vector[index].magnitude <= CoordinateLimits.componentSecondsMax
            else { return false }
        }
        return height >= 0 && height <= CoordinateLimits.heightSecondsMax
            && adjustment.magnitude <= CoordinateLimits.adjustmentSecondsMax
            && error >= 0 && error <= CoordinateLimits.errorMax
    }
}

extension Coordinate: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        for index in 0..<8 { writer.writeFloat(vector[index]) }
        writer.writeFloat(height)
        writer.writeFloat(adjustment)
        writer.writeFloat(error)
    }

    /// See ``WireCodable/init(from:)``. Refuses what is not ``isValid``.
    public init(from reader: inout ByteReader) throws(WireError) {
        var vector = SIMD8<Float>.zero
        for index in 0..<8 { vector[index] = try reader.readFloat() }
        self.init(
            vector: vector, height: try reader.readFloat(), adjustment: try reader.readFloat(),
            error: try reader.readFloat())
        guard isValid else { throw .invalid(field: "coordinate") }
    }
}
