// Vectors of 16 lanes: loads, half precision, the trees that fold lanes, and e^x.
//
// Included once by each kernels_*.c, through kernels_body.h.
#pragma STDC FP_CONTRACT OFF

#include "vectors.h"

INLINE v16 splat(float x) { return (v16)(x); }
INLINE v16i splat_i(int32_t x) { return (v16i)(x); }
INLINE v16i bits(v16 x) { return __builtin_bit_cast(v16i, x); }
INLINE v16 from_bits(v16i x) { return __builtin_bit_cast(v16, x); }
INLINE v16 fma16(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }

/// mask ? a : b, where a mask lane is all ones or all zeros.
INLINE v16i select_i(v16i mask, v16i a, v16i b) { return (mask & a) | (~mask & b); }
INLINE v16 choose(v16i mask, v16 a, v16 b) { return mask ? a : b; }

INLINE v16 load(const float *p) {
    v16 x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE void store(float *p, v16 x) { memcpy(p, &x, sizeof x); }
/// The first n < 16 elements, the rest zeros.
INLINE v16 load_part(const float *p, int64_t n) {
    float lanes[16] = {0};
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return load(lanes);
}
INLINE void store_part(float *p, v16 x, int64_t n) {
    float lanes[16];
    store(lanes, x);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}
/// The next 16 elements, or the `left` that remain.
INLINE v16 load_upto(const float *p, int64_t left) {
    return left >= 16 ? load(p) : load_part(p, left);
}
INLINE void store_upto(float *p, v16 x, int64_t left) {
    if (left >= 16)
        store(p, x);
    else
        store_part(p, x, left);
}

// Half precision.

#if SHOAL_F16_HARDWARE
typedef _Float16 v16f16 __attribute__((ext_vector_type(16)));
INLINE v16 widen_f16(v16h h) {
    return __builtin_convertvector(__builtin_bit_cast(v16f16, h), v16);
}
INLINE v16h narrow_f16(v16 x) {
    return __builtin_bit_cast(v16h, __builtin_convertvector(x, v16f16));
}
#else
INLINE v16 widen_f16(v16h h) {
    v16i wide = __builtin_convertvector(h, v16i);
    v16i sign = (wide & 0x8000) << 16;
    v16i rest = wide & 0x7fff;
    v16i normal = (rest << 13) + splat_i(112 << 23);
    v16i special = normal + splat_i(112 << 23);
    // Subnormals are multiples of 2^-24: exact as integers and as the product.
    v16i tiny = bits(__builtin_convertvector(rest, v16) * splat(0x1p-24f));
    // A signalling NaN becomes quiet, as the instruction makes it.
    special |= select_i(rest > 0x7c00, splat_i(0x00400000), splat_i(0));
    v16i value = select_i(rest >= 0x7c00, special, select_i(rest < 0x0400, tiny, normal));
    return from_bits(value | sign);
}
INLINE v16h narrow_f16(v16 x) {
    v16i sign = (bits(x) >> 16) & 0x8000;
    v16i rest = bits(x) & 0x7fffffff;
    v16i odd = (rest >> 13) & 1;
    v16i normal = ((rest + 0xfff + odd) >> 13) - splat_i(112 << 10);
    // Adding 1/2 leaves the value in units of 2^-24, the spacing of subnormals, rounded to even.
    v16i tiny = bits(from_bits(rest) + splat(0.5f)) - bits(splat(0.5f));
    v16i nan = splat_i(0x7e00) | ((rest >> 13) & 0x3ff);
    v16i value = select_i(rest < 0x38800000, tiny, normal);
    value = select_i(rest >= 0x477ff000, splat_i(0x7c00), value);
    value = select_i(rest > 0x7f800000, nan, value);
    return __builtin_convertvector(value | sign, v16h);
}
#endif

INLINE v16h load_h(const uint16_t *p) {
    v16h x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE v16h load_h_part(const uint16_t *p, int64_t n) {
    uint16_t lanes[16] = {0};
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return load_h(lanes);
}
INLINE v16 widen_bf16(v16h h) { return from_bits(__builtin_convertvector(h, v16i) << 16); }

// Trees.

INLINE float sum_lanes(v16 x) {
    float a[16];
    store(a, x);
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++) a[i] = a[i] + a[i + width];
    return a[0];
}
INLINE float max_lanes(v16 x) {
    float a[16];
    store(a, x);
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++) a[i] = a[i] > a[i + width] ? a[i] : a[i + width];
    return a[0];
}
INLINE int32_t max_lanes_i(v16i x) {
    int32_t a[16];
    memcpy(a, &x, sizeof a);
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++) a[i] = a[i] > a[i + width] ? a[i] : a[i + width];
    return a[0];
}

// e^x by e^x = 2^n e^r, n the integer nearest x log2 e, |r| <= ln 2 / 2, and
// e^r = 1 + (r + r^2 q(r)), q of degree 4 interpolating at Chebyshev nodes (relative error of the
// polynomial 1.1e-8). Error below 1 unit in the last place over the whole range, subnormal
// results included; 0 below -104, infinite above 89, NaN for NaN.
INLINE v16 exp16(v16 x) {
    const v16 shift = splat(0x1.8p23f); // adding it leaves an integer in the low bits
    x = choose(x > splat(89.0f), splat(89.0f), x);
    x = choose(x < splat(-104.0f), splat(-104.0f), x);
    v16 shifted = fma16(x, splat(0x1.715476p+0f), shift);
    v16 n = shifted - shift;
    v16 r = fma16(n, splat(-0x1.62e4p-1f), x);
    r = fma16(n, splat(-0x1.7f7d1cp-20f), r);
    v16 q = splat(0x1.6d110ap-10f);
    q = fma16(q, r, splat(0x1.120b6ep-7f));
    q = fma16(q, r, splat(0x1.55551ap-5f));
    q = fma16(q, r, splat(0x1.5554dcp-3f));
    q = fma16(q, r, splat(0.5f));
    v16 p = fma16(q, r * r, r) + splat(1.0f);
#if defined(SHOAL_ISA_AVX512VNNI)
    // p * 2^n with one rounding, as below.
    return (v16)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    // 2^n in two factors, so that only the last product rounds a subnormal result.
    v16i k = bits(shifted) - bits(shift);
    v16i half = k >> 1;
    v16 first = from_bits((half + 127) << 23);
    v16 second = from_bits((k - half + 127) << 23);
    return p * first * second;
#endif
}
