import CKernels

// Everything that is not a product: one call per vector. Pointers must be valid for the counts
// given; no two overlap unless the text says they may.

/// The arguments of ``KernelTable/attend(_:)``.
///
/// Keys are taken in blocks of 64 at absolute positions, merged in order, so the result depends on
/// the position and the keys before it alone.
public struct AttentionTask {
    /// `group` vectors of `headDimension` elements.
    public var queries: UnsafePointer<Float>
    /// Rows of `headDimension` elements, one per position, position 0 first.
    public var keys: UnsafeRawPointer
    /// As `keys`.
    public var values: UnsafeRawPointer
    /// Whether keys and values are halves; else singles.
    public var isHalf: Bool
    /// Positions seen: the query's own is the last.
    public var positionCount: Int
    /// Elements of a head.
    public var headDimension: Int
    /// Query heads, 1...``KernelsLimits/headsPerGroupMax``.
    public var group: Int
    /// What a score is multiplied by.
    public var scale: Float
    /// `group` vectors of `headDimension` elements; may not overlap the inputs.
    public var out: UnsafeMutablePointer<Float>

    /// All arguments in order.
    public init(
        queries: UnsafePointer<Float>, keys: UnsafeRawPointer, values: UnsafeRawPointer,
        isHalf: Bool, positionCount: Int, headDimension: Int, group: Int, scale: Float,
        out: UnsafeMutablePointer<Float>
    ) {
        self.queries = queries
        self.keys = keys
        self.values = values
        self.isHalf = isHalf
        self.positionCount = positionCount
        self.headDimension = headDimension
        self.group = group
        self.scale = scale
        self.out = out
    }
}

extension KernelTable {
    /// `out = x / sqrt(mean(x^2) + epsilon) * weight`; `out` may be `x`.
    public func rmsNorm(
        _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, count: Int, epsilon: Float,
        into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.rms_norm(x, weight, Int64(count), epsilon, out)
    }

    /// `out = silu(gate) * up`; `out` may be either.
    public func swiGLU(
        gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.swiglu(gate, up, Int64(count), out)
    }

    /// `x += y`.
    public func add(
        _ y: UnsafePointer<Float>, count: Int, to x: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.add(x, y, Int64(count))
    }

    /// Rotates the pairs `(x[2i], x[2i + 1])` by angles given as cosines and sines.
    public func rotate(
        _ x: UnsafeMutablePointer<Float>, cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>, pairs: Int
    ) {
        functions.pointee.rotate(x, cosines, sines, Int64(pairs))
    }

    /// Attention of one position, for the query heads that share one key head.
    public func attend(_ task: AttentionTask) {
        precondition(1...KernelsLimits.headsPerGroupMax ~= task.group, "too many heads in a group")
        var attention = shoal_attention(
            queries: task.queries, keys: task.keys, values: task.values,
            type: task.isHalf ? SHOAL_KV_F16 : SHOAL_KV_F32,
            position_count: Int64(task.positionCount), head_dim: Int64(task.headDimension),
            group: Int64(task.group), scale: task.scale, out: task.out)
        functions.pointee.attention(&attention)
    }

    /// Rounds singles to halves, to nearest even.
    public func narrow(
        _ x: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<UInt16>
    ) {
        functions.pointee.f32_to_f16(x, Int64(count), out)
    }

    /// Widens halves to singles, exactly.
    public func widen(
        _ x: UnsafePointer<UInt16>, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.f16_to_f32(x, Int64(count), out)
    }

    /// `out = e^x`, within one unit in the last place.
    public func exponential(
        _ x: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.exponential(x, Int64(count), out)
    }
}

/// Elementary functions in double precision that give the same bits on every machine.
///
/// For tables computed once. Relative error below 1e-15 (exp, log, pow near their reduction
/// points lose at most a few units in the last place); sine and cosine within 1e-15 absolutely.
public enum Elementary {
    /// The natural logarithm.
    public static func log(_ x: Double) -> Double { shoal_log(x) }
    /// `e^x`.
    public static func exp(_ x: Double) -> Double { shoal_exp(x) }
    /// `base^y`, for positive `base`.
    public static func pow(_ base: Double, _ y: Double) -> Double { shoal_pow(base, y) }
    /// Sine and cosine, for `|x|` up to 2^23.
    public static func sinCos(_ x: Double) -> (sine: Double, cosine: Double) {
        var (sine, cosine) = (0.0, 0.0)
        shoal_sincos(x, &sine, &cosine)
        return (sine, cosine)
    }
}
