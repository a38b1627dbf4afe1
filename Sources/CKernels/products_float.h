// Products of F32, F16 and BF16 weights.
//
// Included once by each kernels_*.c, through kernels_body.h. The rule: one accumulator for each
// output, begun at zero; for each column in ascending order acc = fma(weight, input, acc), the
// weight widened exactly.
#pragma STDC FP_CONTRACT OFF

INLINE v16 weights_f32(const uint8_t *panel, int64_t k) {
    return load((const float *)panel + k * 16);
}
INLINE v16 weights_f16(const uint8_t *panel, int64_t k) {
    return widen_f16(load_h((const uint16_t *)panel + k * 16));
}
INLINE v16 weights_bf16(const uint8_t *panel, int64_t k) {
    return widen_bf16(load_h((const uint16_t *)panel + k * 16));
}

// A product over `panels` panels and `columns` inputs at once, both constants where this is
// inlined; the accumulators are then registers. Grouping does not change any one of them.
#define FLOAT_TILE(NAME)                                                                          \
    INLINE void NAME##_tile(                                                                      \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, int64_t column, float *out, \
        int64_t stride, const int panels, const int columns) {                                    \
        v16 acc[SHOAL_FLOAT_PANELS][SHOAL_FLOAT_COLUMNS];                                         \
        for (int p = 0; p < panels; p++)                                                          \
            for (int c = 0; c < columns; c++) acc[p][c] = splat(0.0f);                            \
        const float *x = in->values + column * in->cols;                                          \
        const uint8_t *w = m->panels + panel * m->panel_bytes;                                    \
        for (int64_t k = 0; k < m->cols; k++) {                                                   \
            v16 weight[SHOAL_FLOAT_PANELS];                                                       \
            for (int p = 0; p < panels; p++)                                                      \
                weight[p] = weights_##NAME(w + p * m->panel_bytes, k);                            \
            for (int p = 0; columns > 2 && p < panels; p++)                                       \
                fetch_ahead(w + p * m->panel_bytes + k * (m->panel_bytes / m->cols), 1);          \
            for (int c = 0; c < columns; c++)                                                     \
                for (int p = 0; p < panels; p++)                                                  \
                    acc[p][c] = fma16(weight[p], splat(x[c * in->cols + k]), acc[p][c]);          \
        }                                                                                         \
        for (int p = 0; p < panels; p++)                                                          \
            for (int c = 0; c < columns; c++)                                                     \
                store_rows(                                                                       \
                    out + (column + c) * stride + (panel + p) * 16, acc[p][c],                    \
                    m->rows - (panel + p) * 16);                                                  \
    }                                                                                             \
    INLINE void NAME##_tiles(                                                                     \
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, float *out, int64_t stride, \
        const int panels) {                                                                       \
        enum { WIDE = SHOAL_FLOAT_COLUMNS, LESS = WIDE > 8 ? 8 : 4 };                             \
        int64_t c = 0;                                                                            \
        for (; c + WIDE <= in->count; c += WIDE)                                                  \
            NAME##_tile(m, in, panel, c, out, stride, panels, WIDE);                              \
        for (; c + LESS <= in->count; c += LESS)                                                  \
            NAME##_tile(m, in, panel, c, out, stride, panels, LESS);                              \
        for (; c + 2 <= in->count; c += 2)                                                        \
            NAME##_tile(m, in, panel, c, out, stride, panels, 2);                                 \
        for (; c < in->count; c++) NAME##_tile(m, in, panel, c, out, stride, panels, 1);          \
    }                                                                                             \
    static void product_##NAME(                                                                   \
        const shoal_matrix *m, const shoal_inputs *in, int64_t begin, int64_t end, float *out,    \
        int64_t stride) {                                                                         \
        int64_t p = begin;                                                                        \
        for (; p + SHOAL_FLOAT_PANELS <= end; p += SHOAL_FLOAT_PANELS)                            \
            NAME##_tiles(m, in, p, out, stride, SHOAL_FLOAT_PANELS);                              \
        for (; p < end; p++) NAME##_tiles(m, in, p, out, stride, 1);                              \
    }

FLOAT_TILE(f32)
FLOAT_TILE(f16)
FLOAT_TILE(bf16)
