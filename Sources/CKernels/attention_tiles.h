// The inner loops of attention: a few rows of queries against some vectors of keys or of values.
//
// Included once by each kernels_*.c, through kernels_body.h. Row counts and vector counts are
// constants where these are inlined, so that the accumulators are registers. Each accumulator is
// filled in the same order whatever the grouping.

// Rows x vectors of accumulators that fit into the registers, with room for keys and broadcasts.
#if SHOAL_VECTOR_REGISTERS >= 32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#elif SHOAL_VECTOR_REGISTERS >= 8
#define TILE_ROWS 6
#define TILE_VECTORS 1
#else
#define TILE_ROWS 2
#define TILE_VECTORS 1
#endif

/// Where the next block lies, so that it arrives while the present one is worked on: its keys while
/// scores are computed, its values while values are added. A step of a loop asks for some lines.
typedef struct {
    const uint8_t *at;
    int64_t step; ///< bytes per step; 0 at the last block
} ahead_of_use;

INLINE void ask_ahead(ahead_of_use *ahead, const int lines) {
    for (int i = 0; i < lines; i++) __builtin_prefetch(ahead->at + i * 64);
    ahead->at += ahead->step;
}

/// 16 elements of a key or value. Halves that no instruction widens were widened beforehand.
INLINE v16 load_kv(const uint8_t *at, const shoal_kv_format format) {
    if (format == SHOAL_KV_F32) return load((const float *)at);
    return widen_f16(load_h((const uint16_t *)at));
}

/// Scores of `rows` queries with 16 * `vectors` keys: one accumulator per key, dimensions in
/// ascending order. `queries` has rows of `p`, `out` of 64.
INLINE void score_tile(
    const uint8_t *keys, const float *queries, int64_t d, int64_t p, float *out,
    ahead_of_use *ahead, const shoal_kv_format format, const int rows, const int vectors) {
    const int64_t line = format == SHOAL_KV_F32 ? 64 : 32, group = d * line;
    v16 acc[TILE_ROWS][TILE_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) acc[r][v] = splat(0.0f);
    for (int64_t i = 0; i < d; i++) {
        v16 key[TILE_VECTORS];
        for (int v = 0; v < vectors; v++) key[v] = load_kv(keys + v * group + i * line, format);
        ask_ahead(ahead, format == SHOAL_KV_F32 ? 4 : 2);
        for (int r = 0; r < rows; r++) {
            const v16 query = splat(queries[r * p + i]);
            for (int v = 0; v < vectors; v++) acc[r][v] = fma16(query, key[v], acc[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) store(out + r * SHOAL_KEY_BLOCK + v * 16, acc[r][v]);
}

/// As `score_tile`, on 8-bit codes: per 32 dimensions an exact integer sum, widened, times the
/// product of both scales, added. `queries` has rows of d / 4 words of 4 codes, `scales` and
/// `starts` of d / 32; `key_scales` and `keys` begin at the first of the groups of 16 keys.
INLINE void score_tile_q8(
    const uint8_t *keys, const uint8_t *key_scales, const int32_t *queries, const float *scales,
    const int32_t *starts, int64_t d, float *out, ahead_of_use *ahead, const int rows,
    const int vectors) {
    const int64_t blocks = d / SHOAL_KV_CODES;
    v16 acc[TILE_ROWS][TILE_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) acc[r][v] = splat(0.0f);
    for (int64_t b = 0; b < blocks; b++) {
        v16i dots[TILE_ROWS][TILE_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++) dots[r][v] = splat_i(starts[r * blocks + b]);
        for (int64_t line = b * 8; line < b * 8 + 8; line++) {
            v64 key[TILE_VECTORS];
            for (int v = 0; v < vectors; v++) key[v] = load_line(keys + v * d * 16 + line * 64);
            ask_ahead(ahead, 2);
            for (int r = 0; r < rows; r++) {
                const int32_t query = queries[r * blocks * 8 + line];
                for (int v = 0; v < vectors; v++) dots[r][v] = dot_wide(dots[r][v], key[v], query);
            }
        }
        for (int v = 0; v < vectors; v++) {
            const uint8_t *halves = key_scales + (v * blocks + b) * 32;
            const v16 scale = widen_f16(load_h((const uint16_t *)halves));
            for (int r = 0; r < rows; r++)
                acc[r][v] = fma16(
                    __builtin_convertvector(dots[r][v], v16), scale * splat(scales[r * blocks + b]),
                    acc[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) store(out + r * SHOAL_KEY_BLOCK + v * 16, acc[r][v]);
}

/// Adds weight * value of the keys `from`..<`to` to 16 * `vectors` dimensions of `rows` sums: one
/// accumulator per dimension, keys in ascending order. `weights` has rows of 64, `sums` of `p`.
INLINE void value_tile(
    const uint8_t *values, int64_t stride, const float *weights, int64_t from, int64_t to,
    float *sums, int64_t p, ahead_of_use *ahead, const shoal_kv_format format, const int rows,
    const int vectors) {
    const int64_t line = format == SHOAL_KV_F32 ? 64 : 32;
    v16 acc[TILE_ROWS][TILE_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) acc[r][v] = load(sums + r * p + v * 16);
    for (int64_t j = from; j < to; j++) {
        v16 value[TILE_VECTORS];
        for (int v = 0; v < vectors; v++)
            value[v] = load_kv(values + j * stride + v * line, format);
        ask_ahead(ahead, format == SHOAL_KV_F32 ? 4 : 2);
        for (int r = 0; r < rows; r++) {
            const v16 weight = splat(weights[r * SHOAL_KEY_BLOCK + j]);
            for (int v = 0; v < vectors; v++) acc[r][v] = fma16(weight, value[v], acc[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) store(sums + r * p + v * 16, acc[r][v]);
}

// CALL(rows, vectors) with both as constants.
#if TILE_ROWS == 6
#define FOR_ROWS(ROWS, CALL, VECTORS)                                                             \
    switch (ROWS) {                                                                               \
    case 1: CALL(1, VECTORS); break;                                                              \
    case 2: CALL(2, VECTORS); break;                                                              \
    case 3: CALL(3, VECTORS); break;                                                              \
    case 4: CALL(4, VECTORS); break;                                                              \
    case 5: CALL(5, VECTORS); break;                                                              \
    default: CALL(6, VECTORS); break;                                                             \
    }
#else
#define FOR_ROWS(ROWS, CALL, VECTORS)                                                             \
    switch (ROWS) {                                                                               \
    case 1: CALL(1, VECTORS); break;                                                              \
    default: CALL(2, VECTORS); break;                                                             \
    }
#endif

/// Scores of up to TILE_ROWS queries with the groups of keys `from`..<`to`.
INLINE void score_rows(
    const uint8_t *keys, const float *queries, int64_t d, int64_t p, int rows, int64_t from,
    int64_t to, float *out, ahead_of_use *ahead, const shoal_kv_format format) {
    const int64_t group = d * (format == SHOAL_KV_F32 ? 64 : 32);
    int64_t g = from;
#define CALL(R, V) score_tile(keys + g * group, queries, d, p, out + g * 16, ahead, format, R, V)
    for (; g + TILE_VECTORS <= to; g += TILE_VECTORS) FOR_ROWS(rows, CALL, TILE_VECTORS)
#if TILE_VECTORS > 2
    for (; g + 2 <= to; g += 2) FOR_ROWS(rows, CALL, 2)
#endif
#if TILE_VECTORS > 1
    for (; g < to; g++) FOR_ROWS(rows, CALL, 1)
#endif
#undef CALL
}

INLINE void score_rows_q8(
    const uint8_t *keys, const uint8_t *key_scales, const int32_t *queries, const float *scales,
    const int32_t *starts, int64_t d, int rows, int64_t from, int64_t to, float *out,
    ahead_of_use *ahead) {
    const int64_t scale_bytes = d / SHOAL_KV_CODES * 32;
    int64_t g = from;
#define CALL(R, V)                                                                                \
    score_tile_q8(                                                                                \
        keys + g * 16 * d, key_scales + g * scale_bytes, queries, scales, starts, d, out + g * 16, \
        ahead, R, V)
#if TILE_VECTORS > 1
    for (; g + 2 <= to; g += 2) FOR_ROWS(rows, CALL, 2)
#endif
    for (; g < to; g++) FOR_ROWS(rows, CALL, 1)
#undef CALL
}

/// Weighted values of the keys `from`..<`to` for up to TILE_ROWS rows and all dimensions.
INLINE void value_rows(
    const uint8_t *values, int64_t p, const float *weights, int rows, int64_t from, int64_t to,
    float *sums, ahead_of_use *ahead, const shoal_kv_format format) {
    const int64_t element = format == SHOAL_KV_F32 ? 4 : 2, stride = p * element;
    int64_t i = 0;
#define CALL(R, V)                                                                                \
    value_tile(values + i * element, stride, weights, from, to, sums + i, p, ahead, format, R, V)
    for (; i + TILE_VECTORS * 16 <= p; i += TILE_VECTORS * 16) FOR_ROWS(rows, CALL, TILE_VECTORS)
#if TILE_VECTORS > 2
    for (; i + 32 <= p; i += 32) FOR_ROWS(rows, CALL, 2)
#endif
#if TILE_VECTORS > 1
    for (; i < p; i += 16) FOR_ROWS(rows, CALL, 1)
#endif
#undef CALL
}
