// Matrix products, and the 8-bit codes of their inputs.
//
// Included once by each kernels_*.c, through kernels_body.h.
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
