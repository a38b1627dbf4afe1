// Writing a key and a value into a KV block, and what attention prepares from queries and blocks.
//
// Included once by each kernels_*.c, through kernels_body.h.

/// 32 values as codes: code = x / scale, nearest even, within +-127. With `half` the scale, largest
/// magnitude / 127, is rounded to a half before it is used, because a block keeps it so. A scale
/// of zero has codes of zero; so has one that is infinite or NaN, which carries that on alone.
INLINE float encode32(const float *x, int8_t *codes, const bool half) {
    const v16 shift = splat(0x1.8p23f), limit = splat(127.0f);
    const v16 low = load(x), high = load(x + 16);
    // As integers, so that a NaN is larger than everything and is not lost.
    const v16i a = bits(low) & 0x7fffffff, b = bits(high) & 0x7fffffff;
    float scale = __builtin_bit_cast(float, max_lanes_i(a > b ? a : b)) / 127.0f;
    if (half) scale = widen_f16(narrow_f16(splat(scale)))[0];
    const int32_t magnitude = __builtin_bit_cast(int32_t, scale);
    if (magnitude == 0 || magnitude >= 0x7f800000) {
        memset(codes, 0, SHOAL_KV_CODES);
        return scale;
    }
    for (int i = 0; i < SHOAL_KV_CODES; i += 16) {
        v16 code = load(x + i) / splat(scale);
        code = code > limit ? limit : code;
        code = code < -limit ? -limit : code;
        const v16b narrow = __builtin_convertvector(bits(code + shift) - bits(shift), v16b);
        memcpy(codes + i, &narrow, 16);
    }
    return scale;
}

INLINE uint16_t half_of(float x) { return narrow_f16(splat(x))[0]; }

static void store_q8(
    uint8_t *block, int64_t slot, int64_t d, const float *key, const float *value) {
    const block_layout at = layout_of(SHOAL_KV_Q8, d);
    const int64_t blocks = d / SHOAL_KV_CODES, group = slot / 16, lane = slot % 16;
    for (int64_t b = 0; b < blocks; b++) {
        int8_t codes[SHOAL_KV_CODES];
        uint16_t scale = half_of(encode32(key + b * SHOAL_KV_CODES, codes, true));
        for (int i = 0; i < SHOAL_KV_CODES; i++) codes[i] = (int8_t)(codes[i] ^ 0x80);
        for (int i = 0; i < SHOAL_KV_CODES; i += 4)
            memcpy(
                block + group * 16 * d + (b * SHOAL_KV_CODES + i) * 16 + lane * 4, codes + i, 4);
        memcpy(block + at.key_scales + ((group * blocks + b) * 16 + lane) * 2, &scale, 2);

        scale = half_of(encode32(value + b * SHOAL_KV_CODES, codes, true));
        memcpy(block + at.values + slot * d + b * SHOAL_KV_CODES, codes, SHOAL_KV_CODES);
        memcpy(block + at.value_scales + (b * SHOAL_KEY_BLOCK + slot) * 2, &scale, 2);
    }
}

// Elements of other slots are never written, not even as they were: another thread may be at
// work on them.
static void store_kv(
    shoal_kv_format format, void *to, int64_t slot, int64_t d, const float *key,
    const float *value) {
    uint8_t *block = to;
    const int64_t values = layout_of(format, d).values, p = padded_dim(d);
    const int64_t group = slot / 16, lane = slot % 16;
    switch (format) {
    case SHOAL_KV_F32: {
        float *keys = (float *)block + group * 16 * d + lane;
        for (int64_t i = 0; i < d; i++) keys[i * 16] = key[i];
        float *row = (float *)(block + values) + slot * p;
        memcpy(row, value, (size_t)d * 4);
        memset(row + d, 0, (size_t)(p - d) * 4);
        break;
    }
    case SHOAL_KV_F16: {
        uint16_t *keys = (uint16_t *)block + group * 16 * d + lane;
        uint16_t *row = (uint16_t *)(block + values) + slot * p;
        for (int64_t i = 0; i < d; i += 16) {
            const int64_t n = d - i < 16 ? d - i : 16;
            uint16_t halves[16];
            v16h h = narrow_f16(n == 16 ? load(key + i) : load_part(key + i, n));
            memcpy(halves, &h, sizeof h);
            for (int64_t k = 0; k < n; k++) keys[(i + k) * 16] = halves[k];
            h = narrow_f16(n == 16 ? load(value + i) : load_part(value + i, n));
            memcpy(row + i, &h, sizeof h);
        }
        break;
    }
    case SHOAL_KV_Q8: store_q8(block, slot, d, key, value); break;
    }
}

/// Rows of a pass: row r is head r % group of query r / group.
INLINE const float *query_row(const shoal_attention *a, int64_t row) {
    return a->queries + row / a->group * a->query_stride + row % a->group * a->head_dim;
}

INLINE float *out_row(const shoal_attention *a, int64_t row) {
    return a->out + row / a->group * a->out_stride + row % a->group * a->head_dim;
}

/// A query's codes, as `score_tile_q8` takes them. Sums of products start from what makes those
/// with a key of zeros vanish: an instruction set may take stored codes, 128 for zero, as they are.
INLINE void encode_query(
    const float *query, int64_t d, int8_t *out, float *scales, int32_t *starts) {
    for (int64_t b = 0; b < d / SHOAL_KV_CODES; b++) {
        int8_t *codes = out + b * SHOAL_KV_CODES;
        scales[b] = encode32(query + b * SHOAL_KV_CODES, codes, false);
        v16i zeros = splat_i(0);
        for (int i = 0; i < SHOAL_KV_CODES; i += 4)
            zeros = dot_wide(zeros, (v64)(uint8_t)(128), four(codes + i));
        starts[b] = -zeros[0];
    }
}

/// Halves widened for those who have no instruction for it: positions `from`..<`to` of a block.
INLINE void widen_halves(const uint8_t *from, int64_t count, float *out) {
    for (int64_t i = 0; i < count; i += 16)
        store(out + i, widen_f16(load_h((const uint16_t *)from + i)));
}

/// value = scale * code, once for all rows: keys `from`..<`to` of a block. Those `ahead` bytes away
/// are used next.
INLINE void widen_values_q8(
    const uint8_t *codes, const uint8_t *scales, int64_t d, int64_t from, int64_t to,
    int64_t ahead, float *out) {
    for (int64_t b = 0; b < d / SHOAL_KV_CODES; b++) {
        float scale[SHOAL_KEY_BLOCK];
        widen_halves(scales + b * SHOAL_KEY_BLOCK * 2, SHOAL_KEY_BLOCK, scale);
        for (int64_t j = from; j < to; j++) {
            const int64_t at = j * d + b * SHOAL_KV_CODES;
            if (b % 2 == 0) __builtin_prefetch(codes + ahead + at);
            for (int i = 0; i < SHOAL_KV_CODES; i += 16) {
                v16b narrow;
                memcpy(&narrow, codes + at + i, 16);
                store(out + at + i, __builtin_convertvector(narrow, v16) * splat(scale[j]));
            }
        }
    }
}
