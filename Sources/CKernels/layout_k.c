// Panels of the K formats, in blocks of 256. A panel's block is d of 16 rows, dmin of 16 rows if
// any, the bytes of scales as the file has them, four of each row at a time, then for each group of
// 32 columns the field of upper bits if any and that of the lower bits.
#include "layout.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { GROUPS = SHOAL_K_BLOCK / SHOAL_BLOCK };

typedef struct {
    int low, high; ///< bits of a code
    int offset;
    int scale_bytes;
    bool min;
    int d_at, scales_at; ///< in a file's block; dmin follows d
} form;

static form form_of(shoal_format format) {
    switch (format) {
    case SHOAL_Q2_K: return (form){2, 0, 0, 16, true, 80, 0};
    case SHOAL_Q3_K: return (form){2, 1, 4, 12, false, 108, 96};
    case SHOAL_Q4_K: return (form){4, 0, 0, 12, true, 0, 4};
    case SHOAL_Q5_K: return (form){4, 1, 0, 12, true, 0, 4};
    default: return (form){4, 2, 32, 16, false, 208, 192}; // Q6_K
    }
}

/// One row's block.
typedef struct {
    uint16_t d, dmin;
    uint8_t scales[16]; ///< as in the file
    union {
        uint8_t codes[SHOAL_K_BLOCK];
        uint32_t words[SHOAL_K_BLOCK / 4];
    };
} row_block;

/// The code of column 32 * g + l, for all g and l. What a byte holds differs between formats.
static void codes_from_file(shoal_format format, const uint8_t *p, uint8_t *codes) {
    for (int g = 0; g < GROUPS; g++, codes += SHOAL_BLOCK)
        for (int l = 0; l < SHOAL_BLOCK; l++) {
            int low, high = 0;
            switch (format) {
            case SHOAL_Q2_K: low = p[16 + g / 4 * 32 + l] >> 2 * (g % 4) & 3; break;
            case SHOAL_Q3_K:
                low = p[32 + g / 4 * 32 + l] >> 2 * (g % 4) & 3;
                high = (p[l] >> g & 1) << 2;
                break;
            case SHOAL_Q4_K: low = p[16 + g / 2 * 32 + l] >> 4 * (g % 2) & 15; break;
            case SHOAL_Q5_K:
                low = p[48 + g / 2 * 32 + l] >> 4 * (g % 2) & 15;
                high = (p[16 + l] >> g & 1) << 4;
                break;
            default: // Q6_K
                low = p[g / 4 * 64 + g % 2 * 32 + l] >> 4 * (g % 4 / 2) & 15;
                high = (p[128 + g / 4 * 32 + l] >> 2 * (g % 4) & 3) << 4;
            }
            codes[l] = (uint8_t)(low | high);
        }
}

static row_block from_file(shoal_format format, const uint8_t *p) {
    const form f = form_of(format);
    row_block b = {0};
    memcpy(&b.d, p + f.d_at, 2);
    if (f.min) memcpy(&b.dmin, p + f.d_at + 2, 2);
    memcpy(b.scales, p + f.scales_at, (size_t)f.scale_bytes);
    codes_from_file(format, p, b.codes);
    return b;
}

static int64_t head_bytes(form f) { return (f.min ? 64 : 32) + f.scale_bytes * SHOAL_LANES; }

static void pack(shoal_format format, const uint8_t *block, int64_t row, uint8_t *out) {
    const form f = form_of(format);
    const row_block b = from_file(format, block);
    memcpy(out + row * 2, &b.d, 2);
    if (f.min) memcpy(out + 32 + row * 2, &b.dmin, 2);
    for (int i = 0; i < f.scale_bytes; i += 4)
        memcpy(out + (f.min ? 64 : 32) + i * SHOAL_LANES + row * 4, b.scales + i, 4);
    out += head_bytes(f);
    for (int g = 0; g < GROUPS; g++, out += (f.low + f.high) * 64) {
        shoal_put_field(out, row, b.words + g * 8, f.low, f.high);
        shoal_put_field(out + f.high * 64, row, b.words + g * 8, 0, f.low);
    }
}

/// Scale and minimum of sub-block j.
static void scale_at(shoal_format format, const uint8_t *s, int j, int *scale, int *min) {
    *min = 0;
    switch (format) {
    case SHOAL_Q2_K:
        *scale = s[j] & 15;
        *min = s[j] >> 4;
        break;
    case SHOAL_Q3_K:
        *scale = ((s[j % 8] >> 4 * (j / 8) & 15) | (s[8 + j % 4] >> 2 * (j / 4) & 3) << 4) - 32;
        break;
    case SHOAL_Q6_K: *scale = (int8_t)s[j]; break;
    default: // Q4_K, Q5_K
        *scale = j < 4 ? s[j] & 63 : (s[4 + j] & 15) | s[j - 4] >> 6 << 4;
        *min = j < 4 ? s[4 + j] & 63 : s[4 + j] >> 4 | s[j] >> 6 << 4;
    }
}

static void values(shoal_format format, const row_block *b, float *out) {
    const form f = form_of(format);
    const float d = shoal_half(b->d), dmin = f.min ? shoal_half(b->dmin) : 0.0f;
    const int length = format == SHOAL_Q4_K || format == SHOAL_Q5_K ? 32 : 16;
    for (int k = 0; k < SHOAL_K_BLOCK; k++) {
        int scale, min;
        scale_at(format, b->scales, k / length, &scale, &min);
        // Both products are exact: at most 24 bits.
        out[k] = d * (float)scale * (float)(b->codes[k] - f.offset);
        if (f.min) out[k] = out[k] - dmin * (float)min;
    }
}

static void unpack(shoal_format format, const uint8_t *block, float *out) {
    const row_block b = from_file(format, block);
    values(format, &b, out);
}

static void unpack_packed(shoal_format format, const uint8_t *block, int64_t row, float *out) {
    const form f = form_of(format);
    row_block b = {0};
    memcpy(&b.d, block + row * 2, 2);
    if (f.min) memcpy(&b.dmin, block + 32 + row * 2, 2);
    for (int i = 0; i < f.scale_bytes; i += 4)
        memcpy(b.scales + i, block + (f.min ? 64 : 32) + i * SHOAL_LANES + row * 4, 4);
    block += head_bytes(f);
    for (int g = 0; g < GROUPS; g++, block += (f.low + f.high) * 64) {
        shoal_get_field(block, row, b.words + g * 8, f.low, f.high);
        shoal_get_field(block + f.high * 64, row, b.words + g * 8, 0, f.low);
    }
    values(format, &b, out);
}

shoal_layout shoal_layout_k(shoal_format format) {
    const form f = form_of(format);
    return (shoal_layout){
        SHOAL_K_BLOCK,
        (f.min ? 4 : 2) + f.scale_bytes + (f.low + f.high) * (SHOAL_K_BLOCK / 8), pack, unpack,
        unpack_packed};
}
