// The 8-bit codes of inputs, in blocks of 32 and of 256.
//
// Included once by each kernels_*.c, through kernels_body.h. The rule, for either length:
// scale = largest magnitude / 127; code = x / scale, rounded to nearest even, within +-127.
#pragma STDC FP_CONTRACT OFF

/// The magnitudes of both as integers, the larger in each lane: a NaN is larger than everything and
/// is not lost.
INLINE v16i larger(v16i so_far, v16 x) {
    return __builtin_elementwise_max(so_far, bits(x) & 0x7fffffff);
}

INLINE float code_scale(v16i magnitudes) {
    return __builtin_bit_cast(float, __builtin_reduce_max(magnitudes)) / 127.0f;
}

/// False where nothing is to be encoded; or the scale is infinite or NaN and alone carries that on.
INLINE bool codes_exist(float scale) {
    const int32_t magnitude = __builtin_bit_cast(int32_t, scale);
    return magnitude != 0 && magnitude < 0x7f800000;
}

/// Stores 16 codes and returns them.
INLINE v16i encode_16(const float *x, float scale, int8_t *codes) {
    const v16 shift = splat(0x1.8p23f), limit = splat(127.0f);
    v16 y = load(x) / splat(scale);
    y = choose(y > limit, limit, choose(y < -limit, -limit, y));
    v16i code = bits(y + shift) - bits(shift);
    v16b narrow = __builtin_convertvector(code, v16b);
    memcpy(codes, &narrow, 16);
    return code;
}

static void quantise(const float *x, int64_t cols, int8_t *codes, float *scales, int32_t *sums) {
    for (int64_t b = 0; b < cols / SHOAL_BLOCK; b++, x += SHOAL_BLOCK, codes += SHOAL_BLOCK) {
        scales[b] = code_scale(larger(larger(splat_i(0), load(x)), load(x + 16)));
        if (!codes_exist(scales[b])) {
            memset(codes, 0, SHOAL_BLOCK);
            sums[b] = 0;
            continue;
        }
        v16i low = encode_16(x, scales[b], codes), high = encode_16(x + 16, scales[b], codes + 16);
        sums[b] = -128 * __builtin_reduce_add(low + high);
    }
}

/// A word of two sums, 16 bits each.
INLINE int32_t pair(int32_t low, int32_t high) {
    return (int32_t)((uint32_t)(low & 0xffff) | (uint32_t)high << 16);
}

static void quantise_k(
    const float *x, int64_t cols, int8_t *codes, float *scales, int32_t *sums, int32_t *pairs) {
    for (int64_t b = 0; b < cols / SHOAL_K_BLOCK; b++) {
        int32_t s[SHOAL_K_SUMS];
        v16i magnitudes = splat_i(0);
        for (int i = 0; i < SHOAL_K_BLOCK; i += 16) magnitudes = larger(magnitudes, load(x + i));
        scales[b] = code_scale(magnitudes);
        if (codes_exist(scales[b])) {
            for (int i = 0; i < SHOAL_K_SUMS; i++)
                s[i] = __builtin_reduce_add(encode_16(x + i * 16, scales[b], codes + i * 16));
        } else {
            memset(codes, 0, SHOAL_K_BLOCK);
            memset(s, 0, sizeof s);
        }
        for (int i = 0; i < SHOAL_K_SUMS; i++) sums[i] = -128 * s[i];
        for (int q = 0; q < 4; q++)
            for (int i = 0; i < 2; i++)
                pairs[q * 2 + i] = pair(s[q * 4 + i], s[q * 4 + i + 2]);
        for (int q = 0; q < 2; q++)
            for (int i = 0; i < 2; i++) {
                const int32_t *t = s + q * 8 + i * 2;
                pairs[SHOAL_K_PAIRS_16 + q * 2 + i] = pair(t[0] + t[1], t[4] + t[5]);
            }
        x += SHOAL_K_BLOCK;
        codes += SHOAL_K_BLOCK;
        sums += SHOAL_K_SUMS;
        pairs += SHOAL_K_PAIRS;
    }
}

static void residual(
    float *x, int64_t cols, const int8_t *codes, const float *scales, int64_t block) {
    for (int64_t i = 0; i < cols; i += 16) {
        v16b narrow;
        memcpy(&narrow, codes + i, 16);
        v16 code = __builtin_convertvector(narrow, v16);
        store(x + i, fma16(-code, splat(scales[i / block]), load(x + i)));
    }
}
