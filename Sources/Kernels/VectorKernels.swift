import CKernels

// Everything that is neither a product nor attention: one call per vector. Pointers must be valid for the counts
// given; no two overlap unless the text says they may.

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

    /// `out = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias`; `out` may be `x`.
    public func layerNorm(
        _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>,
        count: Int, epsilon: Float, into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.layer_norm(x, weight, bias, Int64(count), epsilon, out)
    }

    /// `out = gelu(gate) * up`, gelu in its tanh form; `out` may be either.
    public func geGLU(
        gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.geglu(gate, up, Int64(count), out)
    }

    /// `out = gelu(x)`, the form with the error function; `out` may be `x`.
    public func gelu(
        _ x: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.gelu(x, Int64(count), out)
    }

    /// `x += y`.
    public func add(
        _ y: UnsafePointer<Float>, count: Int, to x: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.add(x, y, Int64(count))
    }

    /// `x += scale * y`, each with one rounding.
    public func addScaled(
        _ y: UnsafePointer<Float>, scale: Float, count: Int, to x: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.add_scaled(x, y, scale, Int64(count))
    }

    /// `x *= factor`.
    public func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
        functions.pointee.scale(x, factor, Int64(count))
    }

    /// `x` becomes `e^(x - max(x))` divided by the sum of these.
    public func softmax(_ x: UnsafeMutablePointer<Float>, count: Int) {
        functions.pointee.softmax(x, Int64(count))
    }

    /// Rotates the pairs `(x[2i], x[2i + 1])` by angles given as cosines and sines.
    public func rotate(
        _ x: UnsafeMutablePointer<Float>, cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>, pairs: Int
    ) {
        functions.pointee.rotate(x, cosines, sines, Int64(pairs))
    }

    /// Rotates the pairs `(x[i], x[i + pairs])` by angles given as cosines and sines.
    public func rotateHalves(
        _ x: UnsafeMutablePointer<Float>, cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>, pairs: Int
    ) {
        functions.pointee.rotate_halves(x, cosines, sines, Int64(pairs))
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

    /// `out = tanh(x)`, within 2e-7.
    public func hyperbolicTangent(
        _ x: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.hyperbolic_tangent(x, Int64(count), out)
    }

    /// `out = erf(x)`, within 2e-7.
    public func errorFunction(
        _ x: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>
    ) {
        functions.pointee.error_function(x, Int64(count), out)
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
