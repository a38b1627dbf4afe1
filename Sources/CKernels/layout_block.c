// Panels of the formats in blocks of 32. A file's block is d, m (Q4_1, Q5_1), a word of fifth bits
// (Q5_0, Q5_1), then codes, column k in the low nibble of byte k, column 16 + k in the high one. A
// panel's block is d of 16 rows, m of 16 rows if any, the field of upper bits if any, that of the
// lower 4 (or 8) bits. Q8_0 is stored as w + 128.
#include "layout.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// The values -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113.
const uint8_t shoal_iq4_nl_codes[16] = {
    1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};

typedef struct {
    int low, high; ///< bits of a code
    int offset;
    bool min;
} form;

static form form_of(shoal_format format) {
    switch (format) {
    case SHOAL_Q8_0: return (form){8, 0, 128, false};
    case SHOAL_Q4_0: return (form){4, 0, 8, false};
    case SHOAL_Q4_1: return (form){4, 0, 0, true};
    case SHOAL_Q5_0: return (form){4, 1, 16, false};
    case SHOAL_Q5_1: return (form){4, 1, 0, true};
    default: return (form){4, 0, 128, false}; // IQ4_NL
    }
}

/// One row's block.
typedef struct {
    uint16_t d, m;
    union {
        uint8_t codes[SHOAL_BLOCK];
        uint32_t words[SHOAL_BLOCK / 4];
    };
} row_block;

static row_block from_file(shoal_format format, const uint8_t *p) {
    const form f = form_of(format);
    row_block b = {0};
    memcpy(&b.d, p, 2);
    p += 2;
    if (f.min) {
        memcpy(&b.m, p, 2);
        p += 2;
    }
    if (f.low == 8) {
        for (int k = 0; k < SHOAL_BLOCK; k++) b.codes[k] = p[k] ^ 0x80;
        return b;
    }
    uint32_t fifth = 0;
    if (f.high) {
        memcpy(&fifth, p, 4);
        p += 4;
    }
    for (int k = 0; k < 16; k++) {
        b.codes[k] = (uint8_t)((p[k] & 15) | (fifth >> k & 1) << 4);
        b.codes[16 + k] = (uint8_t)(p[k] >> 4 | (fifth >> (16 + k) & 1) << 4);
    }
    return b;
}

static void pack(shoal_format format, const uint8_t *block, int64_t row, uint8_t *out) {
    const form f = form_of(format);
    const row_block b = from_file(format, block);
    memcpy(out + row * 2, &b.d, 2);
    if (f.min) memcpy(out + 32 + row * 2, &b.m, 2);
    out += f.min ? 64 : 32;
    shoal_put_field(out, row, b.words, f.low, f.high);
    shoal_put_field(out + f.high * 64, row, b.words, 0, f.low);
}

static void values(shoal_format format, const row_block *b, float *out) {
    const form f = form_of(format);
    const float d = shoal_half(b->d), m = f.min ? shoal_half(b->m) : 0.0f;
    for (int k = 0; k < SHOAL_BLOCK; k++) {
        const int code = format == SHOAL_IQ4_NL ? shoal_iq4_nl_codes[b->codes[k]] : b->codes[k];
        out[k] = d * (float)(code - f.offset);
        if (f.min) out[k] = out[k] + m;
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
    if (f.min) memcpy(&b.m, block + 32 + row * 2, 2);
    block += f.min ? 64 : 32;
    shoal_get_field(block, row, b.words, f.low, f.high);
    shoal_get_field(block + f.high * 64, row, b.words, 0, f.low);
    values(format, &b, out);
}

shoal_layout shoal_layout_block(shoal_format format) {
    const form f = form_of(format);
    return (shoal_layout){
        SHOAL_BLOCK, (f.min ? 4 : 2) + (f.low + f.high) * (SHOAL_BLOCK / 8), pack, unpack,
        unpack_packed};
}
