// Where the parts of a KV block lie: the keys and values of 64 consecutive positions of one key
// head of one layer. `d` is the head dimension, `p` is d rounded up to a multiple of 16.
//
//   F32, F16  keys: four groups of 16 keys, each [d][16], so that lanes are keys and a score needs
//             no horizontal sum; then values: [64][p], the elements above d zeros.
//   Q8        (d a multiple of 32) key codes: four groups of 16 keys, each [d / 4] lines of
//             16 keys x 4 dimensions, unsigned: code + 128; key scales: [4][d / 32][16] halves;
//             value codes: [64][d], signed; value scales: [d / 32][64] halves.
//
// Shared by attention.c, which hands out sizes, and by the kernels of every instruction set.
#ifndef SHOAL_ATTENTION_BLOCK_H
#define SHOAL_ATTENTION_BLOCK_H

#include "CKernels.h"

/// Rows (a query position x a query head) that one pass over a key block serves.
#define SHOAL_TILE_ROWS 48
/// Elements that share a scale in the Q8 format, for keys, values and queries alike.
#define SHOAL_KV_CODES 32

static inline int64_t padded_dim(int64_t d) { return (d + 15) & ~(int64_t)15; }

/// Byte offsets within a block.
typedef struct {
    int64_t key_scales; ///< Q8 only
    int64_t values;
    int64_t value_scales; ///< Q8 only
    int64_t bytes;
} block_layout;

static inline block_layout layout_of(shoal_kv_format format, int64_t d) {
    block_layout layout = {0};
    if (format == SHOAL_KV_Q8) {
        const int64_t scales = d / SHOAL_KV_CODES * SHOAL_KEY_BLOCK * 2;
        layout.key_scales = SHOAL_KEY_BLOCK * d;
        layout.values = layout.key_scales + scales;
        layout.value_scales = layout.values + SHOAL_KEY_BLOCK * d;
        layout.bytes = layout.value_scales + scales;
    } else {
        const int64_t element = format == SHOAL_KV_F32 ? 4 : 2;
        layout.values = SHOAL_KEY_BLOCK * d * element;
        layout.bytes = layout.values + SHOAL_KEY_BLOCK * padded_dim(d) * element;
    }
    return layout;
}

/// What a thread needs beside the blocks, for one tile of rows. Every section begins at a multiple
/// of 64 bytes.
typedef struct {
    int64_t queries; ///< [rows][p] floats; Q8: [rows][d] codes
    int64_t query_scales; ///< [rows][d / 32] floats
    int64_t query_sums; ///< [rows][d / 32] integers
    int64_t weights; ///< [rows][64] floats: scores, then e^(score - largest)
    int64_t block_sums; ///< [rows][p] floats: the values of one block, weighted
    int64_t sums; ///< [rows][p] floats: those of all blocks so far
    int64_t keys; ///< [64][p] floats: a block's keys, widened
    int64_t values; ///< [64][p] floats: a block's values, widened
    int64_t bytes;
} scratch_layout;

static inline scratch_layout scratch_of(int64_t d) {
    const int64_t row = padded_dim(d) * 4, codes = (d / SHOAL_KV_CODES + 1) * 4;
    const int64_t rows = SHOAL_TILE_ROWS;
    scratch_layout s = {0};
    s.query_scales = rows * row;
    s.query_sums = s.query_scales + ((rows * codes + 63) & ~(int64_t)63);
    s.weights = s.query_sums + ((rows * codes + 63) & ~(int64_t)63);
    s.block_sums = s.weights + rows * SHOAL_KEY_BLOCK * 4;
    s.sums = s.block_sums + rows * row;
    s.keys = s.sums + rows * row;
    s.values = s.keys + SHOAL_KEY_BLOCK * row;
    s.bytes = s.values + SHOAL_KEY_BLOCK * row;
    return s;
}

#endif
