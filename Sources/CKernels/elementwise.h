// Norms, activations, rotations and conversions: all that is no product and no attention.
//
// Included once by each kernels_*.c, through kernels_body.h.
static void rms_norm(const float *x, const float *weight, int64_t n, float epsilon, float *out) {
    v16 squares = splat(0.0f);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) squares = fma16(load(x + i), load(x + i), squares);
    if (i < n) {
        v16 tail = load_part(x + i, n - i);
        squares = fma16(tail, tail, squares);
    }
    v16 scale = splat(1.0f / __builtin_sqrtf(sum_lanes(squares) / (float)n + epsilon));
    for (i = 0; i + 16 <= n; i += 16) store(out + i, load(x + i) * scale * load(weight + i));
    if (i < n)
        store_part(
            out + i, load_part(x + i, n - i) * scale * load_part(weight + i, n - i), n - i);
}

INLINE v16 silu(v16 x) { return x / (splat(1.0f) + exp16(-x)); }

static void swiglu(const float *gate, const float *up, int64_t n, float *out) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store(out + i, silu(load(gate + i)) * load(up + i));
    if (i < n)
        store_part(out + i, silu(load_part(gate + i, n - i)) * load_part(up + i, n - i), n - i);
}

static void add(float *x, const float *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = x[i] + y[i];
}

static void rotate(float *x, const float *cosines, const float *sines, int64_t pairs) {
    for (int64_t i = 0; i < pairs; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = a * sines[i] + b * cosines[i];
    }
}

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
