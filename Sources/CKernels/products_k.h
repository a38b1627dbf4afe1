// Products of the K formats, in blocks of 256: Q2_K, Q3_K, Q4_K, Q5_K and Q6_K.
//
// Included once by each kernels_*.c, through kernels_body.h. The rule, for each output and each
// block of 256 in ascending order, from acc = 0, where j counts the sub-blocks of 16 or 32:
//   s   = sum over j of sc[j] * (sum over sub-block j of (weight code) * (input code))
//   acc = fma(float(s), d * scale, acc)                      d and scale: weight's and input's
//   u   = sum over j of min[j] * (sum of the input codes of sub-block j)
//   acc = fma(float(-u), dmin * scale, acc)                  Q2_K, Q4_K and Q5_K only
// s and u are exact integers, below 2^28. Weight codes are as stored in the formats with minima,
// less 4 in Q3_K and less 32 in Q6_K; sc of Q3_K is less 32.
#pragma STDC FP_CONTRACT OFF

enum { K_GROUPS = SHOAL_K_BLOCK / SHOAL_BLOCK };

/// How 16 rows store their scales; words of a row's bytes as in the file.
typedef enum { SCALES_Q2, SCALES_Q3, SCALES_Q45, SCALES_Q6 } scale_kind;

/// How a format stores a block of 16 rows: d, then dmin if any, then words of scales, then groups.
typedef struct {
    int low, high;
    int offset;
    scale_kind scales;
} k_form;

INLINE bool k_min(const scale_kind k) { return k == SCALES_Q2 || k == SCALES_Q45; }
/// Sub-blocks of a group of 32.
INLINE int k_halves(const scale_kind k) { return k == SCALES_Q45 ? 1 : 2; }
INLINE int k_scale_words(const scale_kind k) { return k == SCALES_Q3 || k == SCALES_Q45 ? 3 : 4; }
INLINE int64_t k_head_bytes(const k_form f) {
    return (k_min(f.scales) ? 64 : 32) + k_scale_words(f.scales) * 64;
}
INLINE int64_t k_group_bytes(const k_form f) { return (f.low + f.high) * LINE_BYTES; }
INLINE int64_t k_bytes(const k_form f) {
    return k_head_bytes(f) + K_GROUPS * k_group_bytes(f);
}

// An unpacked head: d and dmin as singles, a vector of 32-bit scales for each sub-block, and the
// minima in pairs of 16 bits, as SHOAL_PAIRS orders the sums of the inputs.
INLINE int64_t k_scales_at(void) { return 128; }
INLINE int64_t k_minima_at(const scale_kind k) { return 128 + K_GROUPS * k_halves(k) * 64; }
INLINE int64_t k_codes_at(const scale_kind k) {
    return k_minima_at(k) + (k_min(k) ? K_GROUPS * k_halves(k) * 32 : 0);
}
INLINE int64_t k_record(const scale_kind k) {
    return k_codes_at(k) + K_GROUPS * LINES * LINE_BYTES;
}

/// Four scales a word to four vectors.
INLINE void k_spread(v16i words, uint8_t *out, const scale_kind k) {
    UNROLL for (int i = 0; i < 4; i++) {
        v16i scale = k == SCALES_Q6 ? (words << (24 - 8 * i)) >> 24 : (words >> (8 * i)) & 0xff;
        if (k == SCALES_Q3) scale -= 32;
        store_i(out + i * 64, scale);
    }
}
/// Four minima a word to two vectors of pairs.
INLINE void k_pairs(v16i words, uint8_t *out) {
    store_i(out, words & 0x00ff00ff);
    store_i(out + 64, (words >> 8) & 0x00ff00ff);
}

INLINE void k_head(const uint8_t *block, uint8_t *head, const k_form f) {
    const scale_kind k = f.scales;
    store((float *)head, widen_f16(load_h((const uint16_t *)block)));
    if (k_min(k)) store((float *)head + 16, widen_f16(load_h((const uint16_t *)block + 16)));
    const uint8_t *words = block + (k_min(k) ? 64 : 32);
    uint8_t *scales = head + k_scales_at(), *minima = head + k_minima_at(k);
    const v16i nibble = splat_i(0x0f0f0f0f), two = splat_i(0x30303030);
    v16i a = load_i(words), b = load_i(words + 64), c = load_i(words + 128);
    switch (k) {
    case SCALES_Q45:
        k_spread(a & 0x3f3f3f3f, scales, k);
        k_spread((c & nibble) | ((a >> 2) & two), scales + 256, k);
        k_pairs(b & 0x3f3f3f3f, minima);
        k_pairs(((c >> 4) & nibble) | ((b >> 2) & two), minima + 128);
        break;
    case SCALES_Q3:
        k_spread((a & nibble) | ((c << 4) & two), scales, k);
        k_spread((b & nibble) | ((c << 2) & two), scales + 256, k);
        k_spread(((a >> 4) & nibble) | (c & two), scales + 512, k);
        k_spread(((b >> 4) & nibble) | ((c >> 2) & two), scales + 768, k);
        break;
    case SCALES_Q2:
        UNROLL for (int q = 0; q < 4; q++) {
            v16i word = load_i(words + q * 64);
            k_spread(word & nibble, scales + q * 256, k);
            k_pairs((word >> 4) & nibble, minima + q * 128);
        }
        break;
    case SCALES_Q6:
        UNROLL for (int q = 0; q < 4; q++) k_spread(load_i(words + q * 64), scales + q * 256, k);
        break;
    }
}

/// `columns` inputs from one block on: their codes, scales and sums.
typedef struct {
    const int8_t *codes;
    const float *scales;
    const int32_t *sums, *pairs;
    int64_t cols, blocks;
} k_inputs;

INLINE k_inputs k_inputs_at(const shoal_inputs *in, int64_t column, int64_t first) {
    const int64_t blocks = in->cols / SHOAL_K_BLOCK;
    const int64_t block = column * blocks + first / SHOAL_K_BLOCK;
    return (k_inputs){
        in->codes + column * in->cols + first, in->scales + block, in->sums + block * SHOAL_K_SUMS,
        in->pairs + block * SHOAL_K_PAIRS, in->cols, blocks};
}

/// Adds one block of `panels` panels to the accumulators. `heads` are unpacked heads; the codes are
/// lines behind each head (`form` null), or packed at `groups`.
INLINE void k_step(
    v16 *acc, const k_inputs *x, const uint8_t *heads, const uint8_t *groups, const k_form *form,
    const int offset, const scale_kind k, const int panels, const int columns) {
    const int halves = k_halves(k), lines = LINES / halves;
    const int64_t record = k_record(k);
    v16i total[SHOAL_TILE_PANELS * SHOAL_K_COLUMNS_MAX];
    for (int i = 0; i < panels * columns; i++) total[i] = splat_i(0);
    NO_UNROLL for (int j = 0; j < K_GROUPS; j++) {
        // An eighth of what a block takes.
        if (form) fetch_ahead(groups + j * (k_bytes(*form) / K_GROUPS), k_bytes(*form) / K_GROUPS);
        UNROLL for (int h = 0; h < halves; h++) {
            v16i s[SHOAL_TILE_PANELS * SHOAL_K_COLUMNS_MAX];
            for (int c = 0; c < columns; c++) {
                v16i begin = start(x->sums[c * x->blocks * SHOAL_K_SUMS + j * 2 + h], offset);
                for (int p = 0; p < panels; p++) s[c * panels + p] = begin;
            }
            UNROLL for (int i = 0; i < lines; i++) {
                const int line = h * lines + i;
                v64 codes[SHOAL_TILE_PANELS];
                for (int p = 0; p < panels; p++)
                    codes[p] = form
                        ? code_line(groups + j * k_group_bytes(*form), line, form->low, form->high)
                        : load_line(
                            heads + p * record + k_codes_at(k) + (j * LINES + line) * LINE_BYTES);
                for (int n = 0; n < panels * columns; n++) {
                    const int8_t *at = x->codes + n / panels * x->cols + j * SHOAL_BLOCK + line * 4;
                    s[n] = dot_any(s[n], codes[n % panels], four(at), offset);
                }
                for (int n = 0; n < panels * columns; n++) IN_ORDER(s[n]);
            }
            for (int p = 0; p < panels; p++) {
                v16i scale = load_i(heads + p * record + k_scales_at() + (j * halves + h) * 64);
                for (int c = 0; c < columns; c++)
                    total[c * panels + p] += s[c * panels + p] * scale;
            }
        }
    }
    for (int p = 0; p < panels; p++) {
        const uint8_t *head = heads + p * record;
        v16 d = load((const float *)head), dmin = load((const float *)head + (k_min(k) ? 16 : 0));
        for (int c = 0; c < columns; c++) {
            v16 *to = &acc[c * panels + p];
            v16 scale = splat(x->scales[c * x->blocks]);
            *to = fma16(__builtin_convertvector(total[c * panels + p], v16), d * scale, *to);
            if (!k_min(k)) continue;
            const int32_t *pairs = x->pairs + c * x->blocks * SHOAL_K_PAIRS
                + (halves == 2 ? 0 : SHOAL_K_PAIRS_16);
            v16i u = splat_i(0);
            UNROLL for (int q = 0; q < K_GROUPS / 2 * halves; q++)
                u = dot_pairs(u, load_i(head + k_minima_at(k) + q * 64), pairs[q]);
            *to = fma16(__builtin_convertvector(-u, v16), dmin * scale, *to);
        }
    }
}

INLINE void k_advance(k_inputs *x) {
    x->codes += SHOAL_K_BLOCK;
    x->scales += 1;
    x->sums += SHOAL_K_SUMS;
    x->pairs += SHOAL_K_PAIRS;
}

/// One panel (`panels` is 1) times `columns` inputs, codes unpacked in registers.
INLINE void k_direct(
    const shoal_matrix *m, const shoal_inputs *in, int64_t panel, int64_t column, float *out,
    int64_t stride, const k_form f, const int panels, const int columns) {
    _Alignas(64) uint8_t head[26 * 64];
    v16 acc[SHOAL_DIRECT_COLUMNS];
    for (int c = 0; c < columns; c++) acc[c] = splat(0.0f);
    const uint8_t *w = m->panels + panel * m->panel_bytes;
    k_inputs x = k_inputs_at(in, column, 0);
    for (int64_t k = 0; k < m->cols; k += SHOAL_K_BLOCK, w += k_bytes(f)) {
        k_head(w, head, f);
        k_step(acc, &x, head, w + k_head_bytes(f), &f, f.offset, f.scales, panels, columns);
        k_advance(&x);
    }
    for (int c = 0; c < columns; c++)
        store_rows(out + (column + c) * stride + panel * 16, acc[c], m->rows - panel * 16);
}

INLINE void k_tile(const slab_tile *t, const int columns, const scale_kind k, const int offset) {
    enum { P = SHOAL_TILE_PANELS };
    v16 acc[P * SHOAL_TILE_COLUMNS];
    for (int i = 0; i < P * columns; i++) acc[i] = load(t->acc + i * 16);
    const uint8_t *record = t->slab;
    k_inputs x = k_inputs_at(t->in, t->column, t->first);
    for (int64_t i = 0; i < t->columns; i += SHOAL_K_BLOCK, record += P * k_record(k)) {
        k_step(acc, &x, record, NULL, NULL, offset, k, P, columns);
        k_advance(&x);
    }
    for (int i = 0; i < P * columns; i++) store(t->acc + i * 16, acc[i]);
}

TILE_WIDTHS(tile_k32, k_tile, SCALES_Q45, 0)
TILE_WIDTHS(tile_k16_offset_4, k_tile, SCALES_Q6, slab_offset(4))
TILE_WIDTHS(tile_k16_offset_32, k_tile, SCALES_Q6, slab_offset(32))
TILE_WIDTHS(tile_k16_min, k_tile, SCALES_Q2, 0)

#define K_PRODUCT(NAME, TILE, ...)                                                                \
    static const k_form form_##NAME = {__VA_ARGS__};                                              \
    static void direct_##NAME(                                                                    \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, float *out,                 \
        int64_t stride) {                                                                         \
        DIRECT_WIDTHS(k_direct, form_##NAME)                                                      \
    }                                                                                             \
    static void unpack_##NAME(                                                                    \
        const shoal_matrix *m, int64_t panel, int64_t first, int64_t columns, uint8_t *slab) {    \
        const k_form f = form_##NAME;                                                             \
        const uint8_t *w =                                                                        \
            m->panels + panel * m->panel_bytes + first / SHOAL_K_BLOCK * k_bytes(f);              \
        for (int64_t k = 0; k < columns; k += SHOAL_K_BLOCK, w += k_bytes(f)) {                   \
            k_head(w, slab, f);                                                                   \
            uint8_t *codes = slab + k_codes_at(f.scales);                                         \
            for (int j = 0; j < K_GROUPS; j++)                                                    \
                UNROLL for (int line = 0; line < LINES; line++)                                   \
                    store_line(                                                                   \
                        codes + (j * LINES + line) * LINE_BYTES,                                  \
                        slab_line(                                                                \
                            code_line(                                                            \
                                w + k_head_bytes(f) + j * k_group_bytes(f), line, f.low, f.high), \
                            f.offset));                                                           \
            slab += SHOAL_TILE_PANELS * k_record(f.scales);                                       \
        }                                                                                         \
    }                                                                                             \
    static void product_##NAME(                                                                   \
        const shoal_matrix *m, const shoal_inputs *in, int64_t begin, int64_t end, float *out,    \
        int64_t stride) {                                                                         \
        const slab_form form = {                                                                  \
            direct_##NAME, NULL, unpack_##NAME, TILE, k_record(form_##NAME.scales),               \
            k_bytes(form_##NAME), SHOAL_K_BLOCK};                                                 \
        slab_product(m, in, begin, end, out, stride, &form);                                      \
    }

K_PRODUCT(q2_k, tile_k16_min, .low = 2, .scales = SCALES_Q2)
K_PRODUCT(q3_k, tile_k16_offset_4, .low = 2, .high = 1, .offset = 4, .scales = SCALES_Q3)
K_PRODUCT(q4_k, tile_k32, .low = 4, .scales = SCALES_Q45)
K_PRODUCT(q5_k, tile_k32, .low = 4, .high = 1, .scales = SCALES_Q45)
K_PRODUCT(q6_k, tile_k16_offset_32, .low = 4, .high = 2, .offset = 32, .scales = SCALES_Q6)
