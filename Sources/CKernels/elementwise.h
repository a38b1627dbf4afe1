// Norms, activations, rotations and conversions: all that is no product and no attention.
//
// Included once by each kernels_*.c, through kernels_body.h.

#include "elementwise_functions.h"

// Norms.

static void rms_norm(const float *x, const float *weight, int64_t n, float epsilon, float *out) {
    v16 squares = splat(0.0f);
    for (int64_t i = 0; i < n; i += 16) {
        const v16 some = load_upto(x + i, n - i);
        squares = fma16(some, some, squares);
    }
    const v16 scale = splat(1.0f / __builtin_sqrtf(sum_lanes(squares) / (float)n + epsilon));
    for (int64_t i = 0; i < n; i += 16) {
        const v16 some = load_upto(x + i, n - i) * scale * load_upto(weight + i, n - i);
        store_upto(out + i, some, n - i);
    }
}

static void layer_norm(
    const float *x, const float *weight, const float *bias, int64_t n, float epsilon,
    float *out) {
    v16 sum = splat(0.0f), squares = splat(0.0f);
    for (int64_t i = 0; i < n; i += 16) sum = sum + load_upto(x + i, n - i);
    const v16 mean = splat(sum_lanes(sum) / (float)n);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const v16 some = load(x + i) - mean;
        squares = fma16(some, some, squares);
    }
    if (i < n) {
        // Lanes beyond the end would hold -mean; fma(0, 0, s) leaves them alone.
        float rest[16] = {0};
        store_part(rest, load_part(x + i, n - i) - mean, n - i);
        squares = fma16(load(rest), load(rest), squares);
    }
    const v16 scale = splat(1.0f / __builtin_sqrtf(sum_lanes(squares) / (float)n + epsilon));
    for (i = 0; i < n; i += 16) {
        const v16 some = (load_upto(x + i, n - i) - mean) * scale;
        store_upto(
            out + i, fma16(some, load_upto(weight + i, n - i), load_upto(bias + i, n - i)), n - i);
    }
}

// Activations.

static void swiglu(const float *gate, const float *up, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(
            out + i, silu(load_upto(gate + i, n - i)) * load_upto(up + i, n - i), n - i);
}

static void geglu(const float *gate, const float *up, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(
            out + i, gelu_by_tanh(load_upto(gate + i, n - i)) * load_upto(up + i, n - i), n - i);
}

static void gelu(const float *x, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(out + i, gelu_by_erf(load_upto(x + i, n - i)), n - i);
}

static void exponential(const float *x, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(out + i, exp16(load_upto(x + i, n - i)), n - i);
}

static void hyperbolic_tangent(const float *x, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(out + i, tanh16(load_upto(x + i, n - i)), n - i);
}

static void error_function(const float *x, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(out + i, erf16(load_upto(x + i, n - i)), n - i);
}

static void softmax(float *x, int64_t n) {
    v16 largest = splat(-__builtin_inff()), sum = splat(0.0f);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const v16 some = load(x + i);
        largest = choose(some > largest, some, largest);
    }
    float rest[16];
    store(rest, splat(-__builtin_inff()));
    for (int64_t k = i; k < n; k++) rest[k - i] = x[k];
    largest = choose(load(rest) > largest, load(rest), largest);
    const v16 top = splat(max_lanes(largest));
    for (i = 0; i + 16 <= n; i += 16) {
        const v16 some = exp16(load(x + i) - top);
        store(x + i, some);
        sum = sum + some;
    }
    if (i < n) {
        // e^-infinity is exactly 0.
        const v16 some = exp16(load(rest) - top);
        store_part(x + i, some, n - i);
        sum = sum + some;
    }
    const v16 total = splat(sum_lanes(sum));
    for (i = 0; i < n; i += 16) store_upto(x + i, load_upto(x + i, n - i) / total, n - i);
}

// Sums.

static void add(float *x, const float *y, int64_t n) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(x + i, load_upto(x + i, n - i) + load_upto(y + i, n - i), n - i);
}

static void add_scaled(float *x, const float *y, float scale, int64_t n) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(
            x + i, fma16(splat(scale), load_upto(y + i, n - i), load_upto(x + i, n - i)), n - i);
}

static void scale_by(float *x, float factor, int64_t n) {
    for (int64_t i = 0; i < n; i += 16)
        store_upto(x + i, load_upto(x + i, n - i) * splat(factor), n - i);
}

// Rotations: each product rounds by itself, in either arrangement of the pairs.

static void rotate(float *x, const float *cosines, const float *sines, int64_t pairs) {
    int64_t i = 0;
    for (; i + 16 <= pairs; i += 16) {
        const v16 low = load(x + 2 * i), high = load(x + 2 * i + 16);
        const v16 a = __builtin_shufflevector(
            low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const v16 b = __builtin_shufflevector(
            low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        const v16 c = load(cosines + i), s = load(sines + i);
        const v16 first = a * c - b * s, second = a * s + b * c;
        store(
            x + 2 * i,
            __builtin_shufflevector(
                first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
        store(
            x + 2 * i + 16,
            __builtin_shufflevector(
                first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
    }
    for (; i < pairs; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = a * sines[i] + b * cosines[i];
    }
}

static void rotate_halves(float *x, const float *cosines, const float *sines, int64_t pairs) {
    for (int64_t i = 0; i < pairs; i += 16) {
        const int64_t left = pairs - i;
        const v16 a = load_upto(x + i, left), b = load_upto(x + pairs + i, left);
        const v16 c = load_upto(cosines + i, left), s = load_upto(sines + i, left);
        store_upto(x + i, a * c - b * s, left);
        store_upto(x + pairs + i, a * s + b * c, left);
    }
}

// Half precision.

static void f32_to_f16(const float *x, int64_t n, uint16_t *out) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16h h = narrow_f16(load(x + i));
        memcpy(out + i, &h, sizeof h);
    }
    if (i < n) {
        v16h h = narrow_f16(load_part(x + i, n - i));
        memcpy(out + i, &h, (size_t)(n - i) * 2);
    }
}

static void f16_to_f32(const uint16_t *x, int64_t n, float *out) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store(out + i, widen_f16(load_h(x + i)));
    if (i < n) store_part(out + i, widen_f16(load_h_part(x + i, n - i)), n - i);
}
