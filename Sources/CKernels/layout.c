// Repacking of stored rows into panels, and back. See CKernels.h for the layout.
#include "CKernels.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { Q8_0_BYTES = 34, Q4_0_BYTES = 18 };

int64_t shoal_row_bytes(shoal_format format, int64_t cols) {
    const bool blocks = cols % SHOAL_BLOCK == 0;
    switch (format) {
    case SHOAL_F32: return cols * 4;
    case SHOAL_F16:
    case SHOAL_BF16: return cols * 2;
    case SHOAL_Q8_0: return blocks ? cols / SHOAL_BLOCK * Q8_0_BYTES : 0;
    case SHOAL_Q4_0: return blocks ? cols / SHOAL_BLOCK * Q4_0_BYTES : 0;
    case SHOAL_FORMAT_COUNT: break;
    }
    return 0;
}

int64_t shoal_panel_bytes(shoal_format format, int64_t cols) {
    int64_t bytes = 0;
    switch (format) {
    case SHOAL_F32: bytes = cols * 64; break;
    case SHOAL_F16:
    case SHOAL_BF16: bytes = cols * 32; break;
    case SHOAL_Q8_0: bytes = cols / SHOAL_BLOCK * (512 + 32); break;
    case SHOAL_Q4_0: bytes = cols / SHOAL_BLOCK * (256 + 32); break;
    case SHOAL_FORMAT_COUNT: break;
    }
    return (bytes + 63) & ~(int64_t)63;
}

/// Interleaves elements of `size` bytes: column k of the panel is row r's element k for r = 0...15.
static void pack_elements(
    const uint8_t *rows, int64_t row_bytes, int64_t count, int64_t cols, int64_t size,
    uint8_t *out) {
    for (int64_t r = 0; r < count; r++)
        for (int64_t k = 0; k < cols; k++)
            memcpy(out + (k * 16 + r) * size, rows + r * row_bytes + k * size, (size_t)size);
}

static void pack_q8_0(
    const uint8_t *rows, int64_t row_bytes, int64_t count, int64_t blocks, uint8_t *out) {
    uint8_t *scales = out + blocks * 512;
    memset(out, 128, (size_t)(blocks * 512));
    for (int64_t r = 0; r < count; r++)
        for (int64_t b = 0; b < blocks; b++) {
            const uint8_t *block = rows + r * row_bytes + b * Q8_0_BYTES;
            memcpy(scales + b * 32 + r * 2, block, 2);
            for (int k = 0; k < 32; k++)
                out[b * 512 + (k / 4) * 64 + r * 4 + k % 4] = block[2 + k] ^ 0x80;
        }
}

static void pack_q4_0(
    const uint8_t *rows, int64_t row_bytes, int64_t count, int64_t blocks, uint8_t *out) {
    uint8_t *scales = out + blocks * 256;
    for (int64_t r = 0; r < count; r++)
        for (int64_t b = 0; b < blocks; b++) {
            const uint8_t *block = rows + r * row_bytes + b * Q4_0_BYTES;
            memcpy(scales + b * 32 + r * 2, block, 2);
            // The file, too, has columns 0..<16 in the low nibbles and 16..<32 in the high ones.
            for (int k = 0; k < 16; k++)
                out[b * 256 + (k / 4) * 64 + r * 4 + k % 4] = block[2 + k];
        }
}

void shoal_pack_panel(
    shoal_format format, const uint8_t *source, int64_t rows, int64_t cols, int64_t panel,
    uint8_t *out) {
    const int64_t row_bytes = shoal_row_bytes(format, cols), first = panel * SHOAL_LANES;
    const int64_t count = rows - first < SHOAL_LANES ? rows - first : SHOAL_LANES;
    const uint8_t *from = source + first * row_bytes;
    memset(out, 0, (size_t)shoal_panel_bytes(format, cols));
    switch (format) {
    case SHOAL_F32: pack_elements(from, row_bytes, count, cols, 4, out); break;
    case SHOAL_F16:
    case SHOAL_BF16: pack_elements(from, row_bytes, count, cols, 2, out); break;
    case SHOAL_Q8_0: pack_q8_0(from, row_bytes, count, cols / SHOAL_BLOCK, out); break;
    case SHOAL_Q4_0: pack_q4_0(from, row_bytes, count, cols / SHOAL_BLOCK, out); break;
    case SHOAL_FORMAT_COUNT: break;
    }
}

static float half_at(const uint8_t *p) {
    uint16_t half;
    float value;
    memcpy(&half, p, 2);
    shoal_kernels_portable()->f16_to_f32(&half, 1, &value);
    return value;
}

void shoal_unpack_row(shoal_format format, const uint8_t *row, int64_t cols, float *out) {
    switch (format) {
    case SHOAL_F32: memcpy(out, row, (size_t)cols * 4); break;
    case SHOAL_F16:
        for (int64_t k = 0; k < cols; k++) out[k] = half_at(row + k * 2);
        break;
    case SHOAL_BF16:
        for (int64_t k = 0; k < cols; k++) {
            uint16_t half;
            memcpy(&half, row + k * 2, 2);
            uint32_t word = (uint32_t)half << 16;
            memcpy(out + k, &word, 4);
        }
        break;
    case SHOAL_Q8_0:
        for (int64_t k = 0; k < cols; k++) {
            const uint8_t *block = row + k / SHOAL_BLOCK * Q8_0_BYTES;
            out[k] = half_at(block) * (float)(int8_t)block[2 + k % SHOAL_BLOCK];
        }
        break;
    case SHOAL_Q4_0:
        for (int64_t k = 0; k < cols; k++) {
            const uint8_t *block = row + k / SHOAL_BLOCK * Q4_0_BYTES;
            int i = (int)(k % SHOAL_BLOCK);
            int code = i < 16 ? block[2 + i] & 15 : block[2 + i - 16] >> 4;
            out[k] = half_at(block) * (float)(code - 8);
        }
        break;
    case SHOAL_FORMAT_COUNT: break;
    }
}
