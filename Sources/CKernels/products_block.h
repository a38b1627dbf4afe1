// Products of the formats in blocks of 32: Q8_0, Q4_0, Q5_0, IQ4_NL, Q4_1 and Q5_1.
//
// Included once by each kernels_*.c, through kernels_body.h. The rule, for each output and each
// block in ascending order, from acc = 0:
//   s   = sum over the block of (weight code) * (input code), an exact integer
//   acc = fma(float(s), d * scale, acc)                       d and scale: weight's and input's
//   acc = fma(m, scale * float(sum of input codes), acc)      Q4_1 and Q5_1 only
// Weight codes are signed (Q8_0 as stored, Q4_0 - 8, Q5_0 - 16, IQ4_NL by its table), but those of
// Q4_1 and Q5_1 as stored.
//
// A few inputs are multiplied straight from the panel; so are many where a tile can be of several
// panels and a line costs little (all but Q5_0 and Q5_1). Else a slab of it (SHOAL_TILE_PANELS
// panels, SLAB_COLUMNS columns) is unpacked to bytes once and read for all inputs.
#pragma STDC FP_CONTRACT OFF

/// How a format stores a block of 16 rows: d, then m if any (16 F16 each), then the group of codes.
typedef struct {
    int low, high; ///< bits of a code
    int offset;    ///< what a code of zero stands for, negated
    bool min;
    bool table;    ///< codes index the values of IQ4_NL
} block_form;

INLINE int64_t block_bytes(const block_form f) {
    return (f.min ? 64 : 32) + (f.low + f.high) * LINE_BYTES;
}
INLINE const uint8_t *block_codes(const uint8_t *block, const block_form f) {
    return block + (f.min ? 64 : 32);
}
INLINE v64 block_line(const uint8_t *codes, const int line, const block_form f) {
    v64 x = code_line(codes, line, f.low, f.high);
    return f.table ? lookup(x, shoal_iq4_nl_codes) : x;
}

/// One block's contribution, from its integer sums.
INLINE v16 block_add(
    v16 acc, v16i sums, v16 scale, v16 min, float x_scale, int32_t x_sum, const bool has_min) {
    acc = fma16(__builtin_convertvector(sums, v16), scale * splat(x_scale), acc);
    return has_min ? fma16(min, splat(x_scale * ((float)x_sum * -0x1p-7f)), acc) : acc;
}

enum {
    PACKED_SUMS = SHOAL_PACKED_PANELS * SHOAL_PACKED_COLUMNS,
    BLOCK_SUMS = SHOAL_DIRECT_COLUMNS > PACKED_SUMS ? SHOAL_DIRECT_COLUMNS : PACKED_SUMS,
};

/// `panels` panels times `columns` inputs, unpacked in registers. A single panel is for a few
/// inputs: it comes from memory, and its sums are few enough to be kept in step.
INLINE void block_direct(
    const shoal_matrix *m, const shoal_inputs *in, int64_t panel, int64_t column, float *out,
    int64_t stride, const block_form f, const int panels, const int columns) {
    const bool single = panels == 1;
    const int offset = single ? f.offset : slab_offset(f.offset);
    const int64_t blocks = m->cols / SHOAL_BLOCK;
    const int8_t *x = in->codes + column * in->cols;
    const float *scales = in->scales + column * blocks;
    const int32_t *sums = in->sums + column * blocks;
    const uint8_t *w = m->panels + panel * m->panel_bytes;
    v16 acc[BLOCK_SUMS];
    for (int n = 0; n < panels * columns; n++) acc[n] = splat(0.0f);
    for (int64_t b = 0; b < blocks; b++, w += block_bytes(f), x += SHOAL_BLOCK) {
        if (single) fetch_ahead(w, block_bytes(f));
        v16i s[BLOCK_SUMS];
        for (int c = 0; c < columns; c++) {
            v16i begin = start(sums[c * blocks + b], offset);
            for (int p = 0; p < panels; p++) s[c * panels + p] = begin;
        }
        UNROLL for (int i = 0; i < LINES; i++) {
            const int line = line_at(i, f.low);
            v64 codes[SHOAL_PACKED_PANELS];
            for (int p = 0; p < panels; p++)
                codes[p] = block_line(block_codes(w + p * m->panel_bytes, f), line, f)
                    + (v64)(uint8_t)(offset - f.offset);
            for (int n = 0; n < panels * columns; n++)
                s[n] = dot_any(
                    s[n], codes[n % panels], four(x + n / panels * in->cols + line * 4), offset);
            if (single)
                for (int n = 0; n < panels * columns; n++) IN_ORDER(s[n]);
        }
        for (int p = 0; p < panels; p++) {
            const uint16_t *own = (const uint16_t *)(w + p * m->panel_bytes);
            v16 scale = widen_f16(load_h(own));
            v16 min = f.min ? widen_f16(load_h(own + 16)) : scale;
            for (int c = 0; c < columns; c++)
                acc[c * panels + p] = block_add(
                    acc[c * panels + p], s[c * panels + p], scale, min, scales[c * blocks + b],
                    sums[c * blocks + b], f.min);
        }
    }
    for (int c = 0; c < columns; c++)
        for (int p = 0; p < panels; p++)
            store_rows(
                out + (column + c) * stride + (panel + p) * 16, acc[c * panels + p],
                m->rows - (panel + p) * 16);
}

// A slab's record of one block and panel: 8 lines, d, and m if any, both as singles.
INLINE int64_t block_record(const bool min) { return LINES * LINE_BYTES + (min ? 128 : 64); }

INLINE void block_unpack(const uint8_t *w, uint8_t *record, const block_form f) {
    UNROLL for (int line = 0; line < LINES; line++)
        store_line(
            record + line * LINE_BYTES,
            slab_line(block_line(block_codes(w, f), line, f), f.offset));
    float *scale = (float *)(record + LINES * LINE_BYTES);
    store(scale, widen_f16(load_h((const uint16_t *)w)));
    if (f.min) store(scale + 16, widen_f16(load_h((const uint16_t *)w + 16)));
}

/// The tile of a slab and `columns` inputs; `acc` holds it between slabs.
INLINE void block_tile(
    const slab_tile *t, const int columns, const int offset, const bool min) {
    enum { P = SHOAL_TILE_PANELS };
    const shoal_inputs *in = t->in;
    const int64_t blocks = in->cols / SHOAL_BLOCK, first = t->first / SHOAL_BLOCK;
    const int8_t *x = in->codes + t->column * in->cols + t->first;
    const float *scales = in->scales + t->column * blocks + first;
    const int32_t *sums = in->sums + t->column * blocks + first;
    const uint8_t *record = t->slab;
    const int64_t bytes = block_record(min);
    v16 acc[P][SHOAL_TILE_COLUMNS];
    for (int c = 0; c < columns; c++)
        for (int p = 0; p < P; p++) acc[p][c] = load(t->acc + (c * P + p) * 16);
    for (int64_t b = 0; b < t->columns / SHOAL_BLOCK; b++, record += P * bytes) {
        v16i s[P][SHOAL_TILE_COLUMNS];
        for (int c = 0; c < columns; c++) {
            v16i begin = start(sums[c * blocks + b], offset);
            for (int p = 0; p < P; p++) s[p][c] = begin;
        }
        UNROLL for (int line = 0; line < LINES; line++) {
            v64 codes[P];
            for (int p = 0; p < P; p++)
                codes[p] = load_line(record + p * bytes + line * LINE_BYTES);
            for (int c = 0; c < columns; c++) {
                int32_t inputs = four(x + c * in->cols + b * SHOAL_BLOCK + line * 4);
                for (int p = 0; p < P; p++) s[p][c] = dot_any(s[p][c], codes[p], inputs, offset);
            }
        }
        v16 scale[P], least[P];
        for (int p = 0; p < P; p++) {
            const float *own = (const float *)(record + p * bytes + LINES * LINE_BYTES);
            scale[p] = load(own);
            least[p] = load(own + (min ? 16 : 0));
        }
        for (int c = 0; c < columns; c++)
            for (int p = 0; p < P; p++)
                acc[p][c] = block_add(
                    acc[p][c], s[p][c], scale[p], least[p], scales[c * blocks + b],
                    sums[c * blocks + b], min);
    }
    for (int c = 0; c < columns; c++)
        for (int p = 0; p < P; p++) store(t->acc + (c * P + p) * 16, acc[p][c]);
}

TILE_WIDTHS(tile_offset_8, block_tile, slab_offset(8), false)
TILE_WIDTHS(tile_offset_16, block_tile, slab_offset(16), false)
TILE_WIDTHS(tile_offset_128, block_tile, 128, false)
TILE_WIDTHS(tile_min, block_tile, 0, true)

#define BLOCK_PRODUCT(NAME, PACKED, TILE, ...)                                                    \
    static const block_form form_##NAME = {__VA_ARGS__};                                          \
    static void direct_##NAME(                                                                    \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, float *out,                 \
        int64_t stride) {                                                                         \
        DIRECT_WIDTHS(block_direct, form_##NAME)                                                  \
    }                                                                                             \
    static void unpack_##NAME(                                                                    \
        const shoal_matrix *m, int64_t panel, int64_t first, int64_t columns, uint8_t *slab) {    \
        const int64_t bytes = block_record(form_##NAME.min);                                      \
        const uint8_t *w = m->panels + panel * m->panel_bytes                                     \
            + first / SHOAL_BLOCK * block_bytes(form_##NAME);                                     \
        for (int64_t b = 0; b < columns / SHOAL_BLOCK; b++)                                       \
            block_unpack(                                                                         \
                w + b * block_bytes(form_##NAME), slab + b * SHOAL_TILE_PANELS * bytes,           \
                form_##NAME);                                                                     \
    }                                                                                             \
    static void product_##NAME(                                                                   \
        const shoal_matrix *m, const shoal_inputs *in, int64_t begin, int64_t end, float *out,    \
        int64_t stride) {                                                                         \
        const slab_form form = {                                                                  \
            direct_##NAME, PACKED, unpack_##NAME, TILE, block_record(form_##NAME.min),            \
            block_bytes(form_##NAME), SHOAL_BLOCK};                                               \
        slab_product(m, in, begin, end, out, stride, &form);                                      \
    }

#if SHOAL_PACKED_PANELS > 1
#define BLOCK_PACKED(NAME, ...)                                                                   \
    static void packed_##NAME(                                                                    \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, float *out,                 \
        int64_t stride) {                                                                         \
        static const block_form form = {__VA_ARGS__};                                             \
        PACKED_WIDTHS(block_direct, form)                                                         \
    }
BLOCK_PACKED(q8_0, .low = 8, .offset = 128)
BLOCK_PACKED(iq4_nl, .low = 4, .offset = 128, .table = true)
BLOCK_PACKED(q4_0, .low = 4, .offset = 8)
BLOCK_PACKED(q4_1, .low = 4, .min = true)
#else
#define packed_q8_0 NULL
#define packed_iq4_nl NULL
#define packed_q4_0 NULL
#define packed_q4_1 NULL
#endif

BLOCK_PRODUCT(q8_0, packed_q8_0, tile_offset_128, .low = 8, .offset = 128)
BLOCK_PRODUCT(iq4_nl, packed_iq4_nl, tile_offset_128, .low = 4, .offset = 128, .table = true)
BLOCK_PRODUCT(q4_0, packed_q4_0, tile_offset_8, .low = 4, .offset = 8)
BLOCK_PRODUCT(q5_0, NULL, tile_offset_16, .low = 4, .high = 1, .offset = 16)
BLOCK_PRODUCT(q4_1, packed_q4_1, tile_min, .low = 4, .min = true)
BLOCK_PRODUCT(q5_1, NULL, tile_min, .low = 4, .high = 1, .min = true)
