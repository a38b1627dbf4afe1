// The portable table: plain C, the oracle of every other.
#include "CKernels.h"

#include <string.h>

// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#pragma STDC FP_CONTRACT OFF

#define SHOAL_F16_HARDWARE 0
#define SHOAL_VECTOR_REGISTERS 4
#define SHOAL_TILE_COLUMNS 4

typedef int32_t block_sums __attribute__((ext_vector_type(16)));

/// products[c][row] = sum over the block of (w - 128) * x[c]; the sums of x make up for the 128.
static inline __attribute__((always_inline)) void q8_block(
    const uint8_t *w, const int8_t *x, int64_t x_stride, const int32_t *sums, int64_t sum_stride,
    block_sums *products, const int columns) {
    for (int c = 0; c < columns; c++) {
        int32_t row[16];
        for (int r = 0; r < 16; r++) row[r] = -128 * sums[c * sum_stride];
        for (int line = 0; line < 8; line++)
            for (int r = 0; r < 16; r++)
                for (int i = 0; i < 4; i++)
                    row[r] += w[line * 64 + r * 4 + i] * x[c * x_stride + line * 4 + i];
        memcpy(&products[c], row, sizeof row);
    }
}

/// products[c][row] = sum over the block of (w - 8) * x[c].
static inline __attribute__((always_inline)) void q4_block(
    const uint8_t *w, const int8_t *x, int64_t x_stride, const int32_t *sums, int64_t sum_stride,
    block_sums *products, const int columns) {
    for (int c = 0; c < columns; c++) {
        int32_t row[16];
        for (int r = 0; r < 16; r++) row[r] = -8 * sums[c * sum_stride];
        for (int line = 0; line < 4; line++)
            for (int r = 0; r < 16; r++)
                for (int i = 0; i < 4; i++) {
                    uint8_t pair = w[line * 64 + r * 4 + i];
                    row[r] += (pair & 15) * x[c * x_stride + line * 4 + i];
                    row[r] += (pair >> 4) * x[c * x_stride + 16 + line * 4 + i];
                }
        memcpy(&products[c], row, sizeof row);
    }
}

#include "kernels_body.h"

const shoal_kernels *shoal_kernels_portable(void) {
    static const shoal_kernels table = SHOAL_TABLE("portable");
    return &table;
}
