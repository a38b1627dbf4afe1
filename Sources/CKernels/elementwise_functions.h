// Functions of each lane alone, by polynomials of their own: no C library gives the same bits
// everywhere.
//
// Included once by each kernels_*.c, through elementwise.h.

INLINE v16 silu(v16 x) { return x / (splat(1.0f) + exp16(-x)); }

INLINE v16 magnitude(v16 x) { return from_bits(bits(x) & 0x7fffffff); }

/// |x| with the sign of `of`.
INLINE v16 with_sign(v16 x, v16 of) { return from_bits(bits(x) | (bits(of) & splat_i(INT32_MIN))); }

// tanh x = x + x^3 T(x^2) for |x| <= 0.625, T of degree 4 interpolating at Chebyshev nodes
// (relative error 1.8e-8), else 1 - 2 / (e^2x + 1). Absolute error below 1.5e-7.
INLINE v16 tanh16(v16 x) {
    const v16 m = magnitude(x), square = x * x;
    v16 t = splat(-0x1.9017ecp-8f);
    t = fma16(t, square, splat(0x1.581fa2p-6f));
    t = fma16(t, square, splat(-0x1.b928dep-5f));
    t = fma16(t, square, splat(0x1.110e2ep-3f));
    t = fma16(t, square, splat(-0x1.555552p-2f));
    const v16 small = fma16(t, square * x, x);
    const v16 large = splat(1.0f) - splat(2.0f) / (exp16(m + m) + splat(1.0f));
    return choose(m > splat(0.625f), with_sign(large, x), small);
}

// erfc(z) e^(z^2) = t Q(t), t = 1 / (1 + z / 2), for z >= 0; Q of degree 8 interpolating at
// Chebyshev nodes up to z = 10.5 (relative error 6e-8), beyond which e^(-z^2) is 0.
INLINE v16 erfc_scaled(v16 z) {
    const v16 t = splat(1.0f) / fma16(z, splat(0.5f), splat(1.0f));
    v16 q = splat(-0x1.dfa164p-5f);
    q = fma16(q, t, splat(0x1.21167cp-2f));
    q = fma16(q, t, splat(-0x1.eeb4c2p-2f));
    q = fma16(q, t, splat(0x1.18ac2ep-2f));
    q = fma16(q, t, splat(-0x1.8f79e2p-6f));
    q = fma16(q, t, splat(0x1.9d9564p-3f));
    q = fma16(q, t, splat(0x1.f22824p-3f));
    q = fma16(q, t, splat(0x1.2123c0p-2f));
    q = fma16(q, t, splat(0x1.20db5cp-2f));
    return q * t;
}

// erf x = x E(x^2) for |x| <= 0.8, E of degree 5 interpolating at Chebyshev nodes (absolute error
// 2.5e-9), else 1 - erfc. Absolute error below 2e-7.
INLINE v16 erf16(v16 x) {
    const v16 m = magnitude(x), square = x * x;
    v16 e = splat(-0x1.573c68p-11f);
    e = fma16(e, square, splat(0x1.4d6152p-8f));
    e = fma16(e, square, splat(-0x1.b772fep-6f));
    e = fma16(e, square, splat(0x1.ce2844p-4f));
    e = fma16(e, square, splat(-0x1.81272ep-2f));
    e = fma16(e, square, splat(0x1.20dd74p+0f));
    const v16 large = splat(1.0f) - erfc_scaled(m) * exp16(-square);
    return choose(m > splat(0.8f), with_sign(large, x), e * x);
}

/// x times the normal distribution function, x (1 + erf(x / sqrt 2)) / 2. The lower tail comes
/// from erfc itself, so it does not vanish in a difference.
INLINE v16 gelu_by_erf(v16 x) {
    const v16 m = magnitude(x);
    const v16 tail = splat(0.5f) * erfc_scaled(m * splat(0x1.6a09e6p-1f))
        * exp16(x * x * splat(-0.5f));
    return x * choose(x > splat(0.0f), splat(1.0f) - tail, tail);
}

/// x (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3) (Hendrycks and Gimpel 2016), which is
/// x / (1 + e^-2u). Argument and value are rounded to half precision, and from 10 on it is x or 0:
/// the models that use this form are run, and their reference logits made, with a table of halves.
INLINE v16 gelu_by_tanh(v16 wide) {
    const v16 x = widen_f16(narrow_f16(wide)), end = splat(10.0f);
    const v16 cubic = fma16(x * x, splat(0x1.6e4e26p-5f), splat(1.0f));
    const v16 y = x / (splat(1.0f) + exp16(x * cubic * splat(-0x1.988454p+0f)));
    const v16 inner = choose(wide <= -end, splat(0.0f), widen_f16(narrow_f16(y)));
    return choose(wide >= end, wide, inner);
}
