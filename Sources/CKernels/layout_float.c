// Panels of F32, F16 and BF16: in a panel, column k is element k of row r for r = 0..<16.
#include "layout.h"

#include <string.h>

void shoal_pack_elements(
    shoal_format format, const uint8_t *rows, int64_t row_bytes, int64_t count, int64_t cols,
    uint8_t *out) {
    for (int64_t r = 0; r < count; r++) {
        const uint8_t *row = rows + r * row_bytes;
        if (format == SHOAL_F32)
            for (int64_t k = 0; k < cols; k++) memcpy(out + (k * 16 + r) * 4, row + k * 4, 4);
        else
            for (int64_t k = 0; k < cols; k++) memcpy(out + (k * 16 + r) * 2, row + k * 2, 2);
    }
}

void shoal_unpack_elements(
    shoal_format format, const uint8_t *from, int64_t stride, int64_t cols, float *out) {
    enum { AT_ONCE = 256 };
    uint16_t halves[AT_ONCE];
    for (int64_t k = 0; k < cols; k += AT_ONCE) {
        const int64_t count = cols - k < AT_ONCE ? cols - k : AT_ONCE;
        for (int64_t i = 0; i < count; i++) {
            const uint8_t *at = from + (k + i) * stride;
            if (format == SHOAL_F32) {
                memcpy(out + k + i, at, 4);
            } else if (format == SHOAL_F16) {
                memcpy(halves + i, at, 2);
            } else {
                uint16_t half;
                memcpy(&half, at, 2);
                const uint32_t word = (uint32_t)half << 16;
                memcpy(out + k + i, &word, 4);
            }
        }
        if (format == SHOAL_F16) shoal_kernels_portable()->f16_to_f32(halves, count, out + k);
    }
}

shoal_layout shoal_layout_float(shoal_format format) {
    return (shoal_layout){.block_columns = 1, .block_bytes = format == SHOAL_F32 ? 4 : 2};
}
