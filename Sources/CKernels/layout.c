// Repacking of stored rows into panels, and back: what is common to all formats.
#include "layout.h"

#include <string.h>

static shoal_layout layout(shoal_format format) {
    if (format <= SHOAL_BF16) return shoal_layout_float(format);
    if (format <= SHOAL_IQ4_NL) return shoal_layout_block(format);
    return shoal_layout_k(format);
}

float shoal_half(uint16_t half) {
    float value;
    shoal_kernels_portable()->f16_to_f32(&half, 1, &value);
    return value;
}

int64_t shoal_row_bytes(shoal_format format, int64_t cols) {
    const shoal_layout l = layout(format);
    return cols % l.block_columns == 0 ? cols / l.block_columns * l.block_bytes : 0;
}

int64_t shoal_panel_bytes(shoal_format format, int64_t cols) {
    return (shoal_row_bytes(format, cols) * SHOAL_LANES + 63) & ~(int64_t)63;
}

void shoal_pack_panel(
    shoal_format format, const uint8_t *source, int64_t rows, int64_t cols, int64_t panel,
    uint8_t *out) {
    const shoal_layout l = layout(format);
    const int64_t row_bytes = shoal_row_bytes(format, cols), first = panel * SHOAL_LANES;
    const int64_t count = rows - first < SHOAL_LANES ? rows - first : SHOAL_LANES;
    const uint8_t *from = source + first * row_bytes;
    memset(out, 0, (size_t)shoal_panel_bytes(format, cols));
    if (!l.pack) {
        shoal_pack_elements(format, from, row_bytes, count, cols, out);
        return;
    }
    for (int64_t b = 0; b < cols / l.block_columns; b++)
        for (int64_t row = 0; row < count; row++)
            l.pack(
                format, from + row * row_bytes + b * l.block_bytes, row,
                out + b * l.block_bytes * SHOAL_LANES);
}

void shoal_unpack_row(shoal_format format, const uint8_t *row, int64_t cols, float *out) {
    const shoal_layout l = layout(format);
    if (!l.unpack) {
        shoal_unpack_elements(format, row, l.block_bytes, cols, out);
        return;
    }
    for (int64_t b = 0; b < cols / l.block_columns; b++)
        l.unpack(format, row + b * l.block_bytes, out + b * l.block_columns);
}

void shoal_unpack_panel_row(
    shoal_format format, const uint8_t *panel, int64_t row, int64_t cols, float *out) {
    const shoal_layout l = layout(format);
    if (!l.unpack_packed) {
        const int64_t bytes = l.block_bytes;
        shoal_unpack_elements(format, panel + row * bytes, bytes * SHOAL_LANES, cols, out);
        return;
    }
    for (int64_t b = 0; b < cols / l.block_columns; b++)
        l.unpack_packed(
            format, panel + b * l.block_bytes * SHOAL_LANES, row, out + b * l.block_columns);
}

// Vector i of a field of n bits holds lines i, i + n, i + 2n... from its lowest bits up.

static uint32_t field_mask(int bits) { return 0x01010101u * (uint32_t)((1 << bits) - 1); }

void shoal_put_field(uint8_t *out, int64_t row, const uint32_t *words, int from, int bits) {
    for (int i = 0; i < bits; i++) {
        uint32_t packed = 0;
        for (int line = i, at = 0; line < 8; line += bits, at += bits)
            packed |= ((words[line] >> from) & field_mask(bits)) << at;
        memcpy(out + i * 64 + row * 4, &packed, 4);
    }
}

void shoal_get_field(const uint8_t *in, int64_t row, uint32_t *words, int from, int bits) {
    for (int i = 0; i < bits; i++) {
        uint32_t packed;
        memcpy(&packed, in + i * 64 + row * 4, 4);
        for (int line = i, at = 0; line < 8; line += bits, at += bits)
            words[line] |= ((packed >> at) & field_mask(bits)) << from;
    }
}
