// Blocks of files, and their places in panels: what layout*.c share.
#ifndef SHOAL_LAYOUT_H
#define SHOAL_LAYOUT_H

#include "CKernels.h"

/// The values of IQ4_NL by code, plus 128 (the format's definition, as in GGUF's reference).
extern const uint8_t shoal_iq4_nl_codes[16];

/// What a kind of format does with rows; the functions are null where a block is one element.
typedef struct {
    /// Columns and bytes of a block in a file; in a panel 16 times the bytes.
    int64_t block_columns, block_bytes;
    /// Puts one row's block into a panel's block, which is zeros.
    void (*pack)(shoal_format format, const uint8_t *block, int64_t row, uint8_t *out);
    /// A block's values, from a file or from a panel.
    void (*unpack)(shoal_format format, const uint8_t *block, float *out);
    void (*unpack_packed)(shoal_format format, const uint8_t *block, int64_t row, float *out);
} shoal_layout;

/// Interleaves the elements of `count` rows.
void shoal_pack_elements(
    shoal_format format, const uint8_t *rows, int64_t row_bytes, int64_t count, int64_t cols,
    uint8_t *out);
/// Widens elements that are `stride` bytes apart.
void shoal_unpack_elements(
    shoal_format format, const uint8_t *from, int64_t stride, int64_t cols, float *out);

shoal_layout shoal_layout_float(shoal_format format);
shoal_layout shoal_layout_block(shoal_format format);
shoal_layout shoal_layout_k(shoal_format format);

/// A half widened exactly.
float shoal_half(uint16_t half);

/// Words of four codes, 8 to a group of 32, to and from the bit fields of a panel (lines.h): bits
/// `from..<from + bits` of each code in `bits` vectors at `out`.
void shoal_put_field(uint8_t *out, int64_t row, const uint32_t *words, int from, int bits);
void shoal_get_field(const uint8_t *in, int64_t row, uint32_t *words, int from, int bits);

#endif
