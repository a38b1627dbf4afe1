// Panels of F32, F16 and BF16: a block is one element.
#include "layout.h"

#include <string.h>

static void pack_4(shoal_format format, const uint8_t *block, int64_t row, uint8_t *out) {
    (void)format;
    memcpy(out + row * 4, block, 4);
}
static void pack_2(shoal_format format, const uint8_t *block, int64_t row, uint8_t *out) {
    (void)format;
    memcpy(out + row * 2, block, 2);
}

static void unpack(shoal_format format, const uint8_t *block, float *out) {
    uint16_t half;
    uint32_t word;
    switch (format) {
    case SHOAL_F32: memcpy(out, block, 4); break;
    case SHOAL_F16:
        memcpy(&half, block, 2);
        *out = shoal_half(half);
        break;
    default:
        memcpy(&half, block, 2);
        word = (uint32_t)half << 16;
        memcpy(out, &word, 4);
    }
}
static void unpack_packed(shoal_format format, const uint8_t *block, int64_t row, float *out) {
    unpack(format, block + row * (format == SHOAL_F32 ? 4 : 2), out);
}

shoal_layout shoal_layout_float(shoal_format format) {
    const bool single = format == SHOAL_F32;
    return (shoal_layout){1, single ? 4 : 2, single ? pack_4 : pack_2, unpack, unpack_packed};
}
