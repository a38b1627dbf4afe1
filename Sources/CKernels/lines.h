// Lines of weight codes: 64 bytes, 16 rows x 4 consecutive columns, one unsigned code a byte.
//
// Included once by each kernels_*.c, through kernels_body.h. A group of 32 columns is 8 lines. In a
// panel the codes of a group are stored as bit fields, the upper bits first: a field of n bits is n
// vectors of 64 bytes, of which vector i holds lines i, i + n, i + 2n... from its lowest bits up.
// So one shift and one mask make a line, whatever the format.
#pragma STDC FP_CONTRACT OFF

/// The most inputs whose accumulators a K kernel has at once.
#define SHOAL_K_COLUMNS_MAX 8

/// How far ahead of the weights at hand they are fetched, in bytes: with several inputs a line is
/// used for some nanoseconds, and memory answers after a hundred or more.
#define SHOAL_AHEAD 6144

/// The lines of a group.
enum { LINES = SHOAL_BLOCK / 4, LINE_BYTES = 64 };

INLINE v64 load_line(const uint8_t *p) {
    v64 x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE void store_line(uint8_t *p, v64 x) { memcpy(p, &x, sizeof x); }

INLINE v16i load_i(const void *p) {
    v16i x;
    memcpy(&x, p, sizeof x);
    return x;
}
INLINE void store_i(void *p, v16i x) { memcpy(p, &x, sizeof x); }

/// Asks for the weights that come SHOAL_AHEAD bytes after these.
INLINE void fetch_ahead(const uint8_t *weights, const int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += LINE_BYTES)
        __builtin_prefetch(weights + SHOAL_AHEAD + i, 0, 2);
}

INLINE int32_t four(const int8_t *x) {
    int32_t bytes;
    memcpy(&bytes, x, 4);
    return bytes;
}

/// Line `line` of a field of `bits` bits, moved up by `up` bits.
INLINE v64 field(const uint8_t *vectors, const int line, const int bits, const int up) {
    v32h x = __builtin_bit_cast(v32h, load_line(vectors + line % bits * LINE_BYTES));
    const int down = line / bits * bits - up;
    // Bits that cross into a neighbouring byte are those the mask removes.
    x = down >= 0 ? x >> (uint16_t)(down & 15) : x << (uint16_t)(-down & 15);
    return __builtin_bit_cast(v64, x) & (v64)(uint8_t)(((1 << bits) - 1) << up);
}

/// The lines of a group in an order in which those of one vector of nibbles follow each other.
INLINE int line_at(const int i, const int low) { return low == 4 ? i / 2 + i % 2 * 4 : i; }

/// Line `line` of a group whose codes have `high` upper and `low` lower bits.
INLINE v64 code_line(const uint8_t *group, const int line, const int low, const int high) {
    const uint8_t *lower = group + high * LINE_BYTES;
    if (low == 8) return load_line(lower + line * LINE_BYTES);
    v64 x = field(lower, line, low, 0);
    return high ? x | field(group, line, high, low) : x;
}

/// What a sum of products begins with, where a code stands for `code - offset`, zero or a power of
/// two; `sum` is -128 times that of the inputs' codes. Codes of 8 bits (offset 128) are a matter of
/// the instruction set: `wide_start` belongs to `dot_wide`.
INLINE v16i start(int32_t sum, const int offset) {
    if (offset == 0) return splat_i(0);
    return offset == 128 ? wide_start(sum) : splat_i(sum >> (7 - __builtin_ctz((unsigned)offset)));
}
INLINE v16i dot_any(v16i sum, v64 codes, int32_t x, const int offset) {
    return offset == 128 ? dot_wide(sum, codes, x) : dot(sum, codes, x);
}
/// The offset that codes of a slab have, and what brings them there. Where the instruction set has
/// the dot product of all 8 bits, 128 spares the shift above.
INLINE int slab_offset(const int offset) {
    return SHOAL_WIDE_SLABS && offset != 0 ? 128 : offset;
}
INLINE v64 slab_line(v64 codes, const int offset) {
    return codes + (v64)(uint8_t)(slab_offset(offset) - offset);
}

/// Stores the rows of one panel that exist.
INLINE void store_rows(float *out, v16 acc, int64_t rows_left) {
    if (rows_left >= 16)
        store(out, acc);
    else
        store_part(out, acc, rows_left);
}
