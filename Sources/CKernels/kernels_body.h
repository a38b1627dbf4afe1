// The kernels, written once over vectors of 16 lanes and compiled once per instruction set.
//
// Not a header in the usual sense: kernels_portable.c, kernels_avx2.c and kernels_avx512.c each
// include it with their own target attributes, after defining
//   SHOAL_F16_HARDWARE  1 if conversions between F16 and F32 are instructions;
//   SHOAL_TILE_COLUMNS  inputs that one pass over the weights serves;
//   q8_block, q4_block  the integer product of one block, the only part that differs.
// The lanes of a vector never meet except in the trees below, so how many of them one
// instruction holds cannot change a bit. Rules of "shoal-numerics-1":
//   - a product has one accumulator per output row, filled in column (or block) order;
//   - F32, F16, BF16: acc = fma(weight, input, acc), weights widened exactly;
//   - Q8_0, Q4_0: acc = fma(float(integer sum), weight scale * input scale, acc) per block;
//   - sums and maxima across a vector: element i belongs to lane i mod 16, lanes fold 8, 4, 2, 1.
#pragma STDC FP_CONTRACT OFF

#define INLINE static inline __attribute__((always_inline))

typedef float v16 __attribute__((ext_vector_type(16)));
typedef int32_t v16i __attribute__((ext_vector_type(16)));
typedef uint16_t v16h __attribute__((ext_vector_type(16)));
typedef int8_t v16b __attribute__((ext_vector_type(16)));

INLINE v16 splat(float x) { return (v16)(x); }
INLINE v16i splat_i(int32_t x) { return (v16i)(x); }
INLINE v16i bits(v16 x) { return __builtin_bit_cast(v16i, x); }
INLINE v16 from_bits(v16i x) { return __builtin_bit_cast(v16, x); }
INLINE v16 fma16(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }

/// mask ? a : b, where a mask lane is all ones or all zeros.
INLINE v16i select_i(v16i mask, v16i a, v16i b) { return (mask & a) | (~mask & b); }
INLINE v16 choose(v16i mask, v16 a, v16 b) { return from_bits(select_i(mask, bits(a), bits(b))); }

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
    // 2^n in two factors, so that only the last product rounds a subnormal result.
    v16i k = bits(shifted) - bits(shift);
    v16i half = k >> 1;
    v16 first = from_bits((half + 127) << 23);
    v16 second = from_bits((k - half + 127) << 23);
    return p * first * second;
}

static void exponential(const float *x, int64_t n, float *out) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store(out + i, exp16(load(x + i)));
    if (i < n) store_part(out + i, exp16(load_part(x + i, n - i)), n - i);
}

// Products.

INLINE v16 weights_f32(const uint8_t *panel, int64_t k) {
    return load((const float *)panel + k * 16);
}
INLINE v16 weights_f16(const uint8_t *panel, int64_t k) {
    return widen_f16(load_h((const uint16_t *)panel + k * 16));
}
INLINE v16 weights_bf16(const uint8_t *panel, int64_t k) {
    return widen_bf16(load_h((const uint16_t *)panel + k * 16));
}

INLINE void store_rows(float *out, v16 acc, int64_t rows_left) {
    if (rows_left >= 16)
        store(out, acc);
    else
        store_part(out, acc, rows_left);
}

// A product over `panels` panels and `columns` inputs at once, both constants where this is
// inlined; the accumulators are then registers. Grouping does not change any one of them.
#define FLOAT_TILE(NAME, WEIGHTS)                                                                 \
    INLINE void NAME##_tile(                                                                      \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, int64_t column, float *out, \
        int64_t stride, const int panels, const int columns) {                                    \
        v16 acc[2][SHOAL_TILE_COLUMNS];                                                           \
        for (int p = 0; p < panels; p++)                                                          \
            for (int c = 0; c < columns; c++) acc[p][c] = splat(0.0f);                            \
        const float *x = in->values + column * in->cols;                                          \
        const uint8_t *w = m->panels + panel * m->panel_bytes;                                    \
        for (int64_t k = 0; k < m->cols; k++) {                                                   \
            for (int p = 0; p < panels; p++) {                                                    \
                v16 weight = WEIGHTS(w + p * m->panel_bytes, k);                                  \
                for (int c = 0; c < columns; c++)                                                 \
                    acc[p][c] = fma16(weight, splat(x[c * in->cols + k]), acc[p][c]);             \
            }                                                                                     \
        }                                                                                         \
        for (int p = 0; p < panels; p++)                                                          \
            for (int c = 0; c < columns; c++)                                                     \
                store_rows(                                                                       \
                    out + (column + c) * stride + (panel + p) * 16, acc[p][c],                    \
                    m->rows - (panel + p) * 16);                                                  \
    }

// BLOCK gives the integer products of one block of 16 rows with `columns` inputs.
#define BLOCK_TILE(NAME, BLOCK, CODE_BYTES)                                                       \
    INLINE void NAME##_tile(                                                                      \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, int64_t column, float *out, \
        int64_t stride, const int panels, const int columns) {                                    \
        const int64_t blocks = m->cols / SHOAL_BLOCK;                                             \
        v16 acc[2][SHOAL_TILE_COLUMNS];                                                           \
        for (int p = 0; p < panels; p++)                                                          \
            for (int c = 0; c < columns; c++) acc[p][c] = splat(0.0f);                            \
        const int8_t *x = in->codes + column * in->cols;                                          \
        const float *scales = in->scales + column * blocks;                                       \
        const int32_t *sums = in->sums + column * blocks;                                         \
        const uint8_t *w = m->panels + panel * m->panel_bytes;                                    \
        for (int64_t b = 0; b < blocks; b++) {                                                    \
            for (int p = 0; p < panels; p++) {                                                    \
                const uint8_t *base = w + p * m->panel_bytes;                                     \
                const uint8_t *halves = base + blocks * (CODE_BYTES) + b * 32;                    \
                v16 scale = widen_f16(load_h((const uint16_t *)halves));                          \
                v16i products[SHOAL_TILE_COLUMNS];                                                \
                BLOCK(                                                                            \
                    base + b * (CODE_BYTES), x + b * SHOAL_BLOCK, in->cols, sums + b, blocks,     \
                    products, columns);                                                           \
                for (int c = 0; c < columns; c++)                                                 \
                    acc[p][c] = fma16(                                                            \
                        __builtin_convertvector(products[c], v16),                                \
                        scale * splat(scales[c * blocks + b]), acc[p][c]);                        \
            }                                                                                     \
        }                                                                                         \
        for (int p = 0; p < panels; p++)                                                          \
            for (int c = 0; c < columns; c++)                                                     \
                store_rows(                                                                       \
                    out + (column + c) * stride + (panel + p) * 16, acc[p][c],                    \
                    m->rows - (panel + p) * 16);                                                  \
    }

#define PRODUCT(NAME)                                                                             \
    static void product_##NAME(                                                                   \
        const shoal_matrix *m, const shoal_inputs *in, int64_t begin, int64_t end, float *out,    \
        int64_t stride) {                                                                         \
        for (int64_t p = begin; p < end; p += 2) {                                                \
            const bool pair = p + 2 <= end;                                                       \
            int64_t c = 0;                                                                        \
            for (; c + SHOAL_TILE_COLUMNS <= in->count; c += SHOAL_TILE_COLUMNS) {                \
                NAME##_tile(m, in, p, c, out, stride, 1, SHOAL_TILE_COLUMNS);                     \
                if (pair) NAME##_tile(m, in, p + 1, c, out, stride, 1, SHOAL_TILE_COLUMNS);       \
            }                                                                                     \
            for (; c < in->count; c++) {                                                          \
                if (pair)                                                                         \
                    NAME##_tile(m, in, p, c, out, stride, 2, 1);                                  \
                else                                                                              \
                    NAME##_tile(m, in, p, c, out, stride, 1, 1);                                  \
            }                                                                                     \
        }                                                                                         \
    }

FLOAT_TILE(f32, weights_f32)
FLOAT_TILE(f16, weights_f16)
FLOAT_TILE(bf16, weights_bf16)
BLOCK_TILE(q8_0, q8_block, 512)
BLOCK_TILE(q4_0, q4_block, 256)
PRODUCT(f32)
PRODUCT(f16)
PRODUCT(bf16)
PRODUCT(q8_0)
PRODUCT(q4_0)

// Activations: scale = largest magnitude / 127; code = x / scale, nearest even, within +-127.
static void quantise(const float *x, int64_t cols, int8_t *codes, float *scales, int32_t *sums) {
    const v16 shift = splat(0x1.8p23f);
    for (int64_t b = 0; b < cols / SHOAL_BLOCK; b++) {
        v16 low = load(x + b * 32), high = load(x + b * 32 + 16);
        // As integers, so that a NaN is larger than everything and is not lost.
        v16i a = bits(low) & 0x7fffffff, c = bits(high) & 0x7fffffff;
        float scale = __builtin_bit_cast(float, max_lanes_i(select_i(a > c, a, c))) / 127.0f;
        scales[b] = scale;
        int32_t magnitude = __builtin_bit_cast(int32_t, scale);
        if (magnitude == 0 || magnitude >= 0x7f800000) {
            // Nothing to encode; or infinite or NaN, which the scale alone carries on.
            memset(codes + b * 32, 0, 32);
            sums[b] = 0;
            continue;
        }
        v16 limit = splat(127.0f);
        low = low / splat(scale);
        high = high / splat(scale);
        low = choose(low > limit, limit, choose(low < -limit, -limit, low));
        high = choose(high > limit, limit, choose(high < -limit, -limit, high));
        v16i i = bits(low + shift) - bits(shift), j = bits(high + shift) - bits(shift);
        v16b narrow = __builtin_convertvector(i, v16b);
        memcpy(codes + b * 32, &narrow, 16);
        narrow = __builtin_convertvector(j, v16b);
        memcpy(codes + b * 32 + 16, &narrow, 16);
        int32_t sum = 0;
        i += j;
        for (int l = 0; l < 16; l++) sum += i[l];
        sums[b] = sum;
    }
}

static void residual(float *x, int64_t cols, const int8_t *codes, const float *scales) {
    for (int64_t i = 0; i < cols; i += 16) {
        v16b narrow;
        memcpy(&narrow, codes + i, 16);
        v16 code = __builtin_convertvector(narrow, v16);
        store(x + i, fma16(-code, splat(scales[i / SHOAL_BLOCK]), load(x + i)));
    }
}

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

// Attention in blocks of 64 keys at absolute positions, merged in order (online softmax,
// Milakov and Gimelshein 2018): a query's result depends on its position and the keys before it,
// never on the other queries of the pass.

INLINE v16 load_kv(const void *row, int64_t i, const shoal_kv_type type) {
    if (type == SHOAL_KV_F32) return load((const float *)row + i);
    return widen_f16(load_h((const uint16_t *)row + i));
}
INLINE v16 load_kv_part(const void *row, int64_t i, int64_t n, const shoal_kv_type type) {
    if (type == SHOAL_KV_F32) return load_part((const float *)row + i, n);
    return widen_f16(load_h_part((const uint16_t *)row + i, n));
}

INLINE void attend(const shoal_attention *a, const shoal_kv_type type) {
    const int64_t n = a->head_dim, element = type == SHOAL_KV_F32 ? 4 : 2;
    const int64_t whole = n & ~(int64_t)15;
    float largest[SHOAL_GROUP_MAX], total[SHOAL_GROUP_MAX];
    for (int64_t h = 0; h < a->group; h++) {
        largest[h] = -__builtin_inff();
        total[h] = 0.0f;
    }
    memset(a->out, 0, (size_t)(a->group * n) * sizeof(float));
    for (int64_t first = 0; first < a->position_count; first += SHOAL_KEY_BLOCK) {
        const int64_t left = a->position_count - first;
        const int64_t count = left < SHOAL_KEY_BLOCK ? left : SHOAL_KEY_BLOCK;
        const uint8_t *keys = (const uint8_t *)a->keys + first * n * element;
        const uint8_t *values = (const uint8_t *)a->values + first * n * element;
        for (int64_t h = 0; h < a->group; h++) {
            const float *query = a->queries + h * n;
            float *out = a->out + h * n;
            float p[SHOAL_KEY_BLOCK];
            for (int64_t j = 0; j < count; j++) {
                const uint8_t *key = keys + j * n * element;
                v16 dot = splat(0.0f);
                for (int64_t i = 0; i < whole; i += 16)
                    dot = fma16(load(query + i), load_kv(key, i, type), dot);
                if (whole < n)
                    dot = fma16(
                        load_part(query + whole, n - whole),
                        load_kv_part(key, whole, n - whole, type), dot);
                p[j] = sum_lanes(dot) * a->scale;
            }
            for (int64_t j = count; j < SHOAL_KEY_BLOCK; j++) p[j] = -__builtin_inff();
            v16 peak = load(p);
            for (int j = 16; j < SHOAL_KEY_BLOCK; j += 16)
                peak = choose(load(p + j) > peak, load(p + j), peak);
            float block = max_lanes(peak);
            float now = block > largest[h] ? block : largest[h];
            v16 sum = splat(0.0f);
            for (int j = 0; j < SHOAL_KEY_BLOCK; j += 16) {
                v16 e = exp16(load(p + j) - splat(now));
                store(p + j, e);
                sum = sum + e;
            }
            v16 keep = exp16(splat(largest[h] - now));
            largest[h] = now;
            total[h] = __builtin_fmaf(total[h], keep[0], sum_lanes(sum));
            int64_t i = 0;
            for (; i < whole; i += 16) {
                v16 acc = load(out + i) * keep;
                for (int64_t j = 0; j < count; j++)
                    acc = fma16(splat(p[j]), load_kv(values + j * n * element, i, type), acc);
                store(out + i, acc);
            }
            if (i < n) {
                v16 acc = load_part(out + i, n - i) * keep;
                for (int64_t j = 0; j < count; j++)
                    acc = fma16(
                        splat(p[j]), load_kv_part(values + j * n * element, i, n - i, type), acc);
                store_part(out + i, acc, n - i);
            }
        }
    }
    for (int64_t h = 0; h < a->group; h++)
        for (int64_t i = 0; i < n; i++) a->out[h * n + i] = a->out[h * n + i] / total[h];
}

static void attention(const shoal_attention *a) {
    if (a->type == SHOAL_KV_F32)
        attend(a, SHOAL_KV_F32);
    else
        attend(a, SHOAL_KV_F16);
}

#define SHOAL_TABLE(NAME)                                                                         \
    {                                                                                             \
        .name = NAME,                                                                             \
        .product = {product_f32, product_f16, product_bf16, product_q8_0, product_q4_0},          \
        .quantise = quantise, .residual = residual, .rms_norm = rms_norm, .swiglu = swiglu, .add = add,                 \
        .rotate = rotate, .attention = attention, .f32_to_f16 = f32_to_f16,                       \
        .f16_to_f32 = f16_to_f32, .exponential = exponential,                                     \
    }
