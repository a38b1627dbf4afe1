// How a product is cut: into panels for a few inputs, into slabs and tiles for many; or into tiles
// straight from the panels, where registers hold the sums of enough of them and a line costs little
// to unpack (SHOAL_PACKED_PANELS).
//
// Included once by each kernels_*.c, through kernels_body.h. Cutting decides which accumulators
// are in registers together and never what is added to one of them, nor in which order.
#pragma STDC FP_CONTRACT OFF

enum {
    /// Columns of a slab: unpacked it stays in the first-level cache while the inputs pass by.
    SLAB_COLUMNS = 1024,
    /// Inputs of one pass over a slab, whose accumulators wait in SLAB_INPUTS * 16 floats a panel.
    SLAB_INPUTS = 256,
    /// The most bytes that 256 columns of one unpacked panel take (products_k.h).
    SLAB_RECORD_MAX = 256 * 16 + 26 * 64,
};

#ifndef SHOAL_PACKED_PANELS
#define SHOAL_PACKED_PANELS 1
#define SHOAL_PACKED_COLUMNS 1
#endif

/// A slab, and the inputs that meet it.
typedef struct {
    const uint8_t *slab;
    const shoal_inputs *in;
    int64_t first, columns; ///< of the slab
    int64_t column;         ///< the first input
    float *acc;             ///< [input][panel][16]
} slab_tile;

/// What differs between formats.
typedef struct {
    /// One panel with all inputs, straight from its packed form.
    void (*direct)(
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, float *out, int64_t stride);
    /// SHOAL_PACKED_PANELS panels with all inputs, however many; null: by slabs.
    void (*packed)(
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel, float *out, int64_t stride);
    /// Unpacks some columns of one panel, records SHOAL_TILE_PANELS * record apart.
    void (*unpack)(
        const shoal_matrix *m, int64_t panel, int64_t first, int64_t columns, uint8_t *slab);
    /// Adds the products of a slab with `inputs` inputs, at most SHOAL_TILE_COLUMNS.
    int (*tile)(const slab_tile *tile, int64_t inputs);
    int64_t record; ///< bytes that one panel takes in a record
    int64_t block_bytes, block_columns; ///< of a packed block of 16 rows
} slab_form;

/// A function of a tile and the inputs left, which takes as many of them as it can and says so.
#define TILE_WIDTHS(NAME, BODY, ...)                                                              \
    static int NAME(const slab_tile *t, int64_t left) {                                           \
        enum { WIDE = SHOAL_TILE_COLUMNS, LESS = WIDE - 2 };                                      \
        if (left >= WIDE) return BODY(t, WIDE, __VA_ARGS__), WIDE;                                \
        if (left >= LESS) return BODY(t, LESS, __VA_ARGS__), LESS;                                \
        if (left >= 2) return BODY(t, 2, __VA_ARGS__), 2;                                         \
        return BODY(t, 1, __VA_ARGS__), 1;                                                        \
    }

/// The body of a function that takes one panel through all inputs.
#define DIRECT_WIDTHS(BODY, FORM)                                                                 \
    int64_t c = 0;                                                                                \
    for (; c + SHOAL_DIRECT_COLUMNS <= in->count; c += SHOAL_DIRECT_COLUMNS)                      \
        BODY(m, in, panel, c, out, stride, FORM, 1, SHOAL_DIRECT_COLUMNS);                         \
    for (; c + 4 <= in->count; c += 4) BODY(m, in, panel, c, out, stride, FORM, 1, 4);            \
    for (; c + 2 <= in->count; c += 2) BODY(m, in, panel, c, out, stride, FORM, 1, 2);            \
    for (; c < in->count; c++) BODY(m, in, panel, c, out, stride, FORM, 1, 1);

#if SHOAL_PACKED_PANELS > 1
/// Asks for the part that `from..<to` of `inputs` is of the panels after these, so that they are in
/// the second-level cache when their turn comes.
static void packed_fetch(
    const shoal_matrix *m, int64_t panel, int64_t from, int64_t to, int64_t inputs) {
    const int64_t next = panel + SHOAL_PACKED_PANELS;
    if (next * 16 >= m->rows) return;
    const uint8_t *w = m->panels + next * m->panel_bytes;
    const int64_t bytes = SHOAL_PACKED_PANELS * m->panel_bytes;
    for (int64_t i = bytes * from / inputs & ~(int64_t)63; i < bytes * to / inputs; i += 64)
        __builtin_prefetch(w + i, 0, 2);
}

/// The body of a function that takes SHOAL_PACKED_PANELS panels through all inputs.
#define PACKED_WIDTHS(BODY, FORM)                                                                 \
    enum { P = SHOAL_PACKED_PANELS, WIDE = SHOAL_PACKED_COLUMNS };                                \
    int64_t c = 0;                                                                                \
    for (; c + WIDE <= in->count; c += WIDE) {                                                    \
        packed_fetch(m, panel, c, c + WIDE, in->count);                                           \
        BODY(m, in, panel, c, out, stride, FORM, P, WIDE);                                        \
    }                                                                                             \
    if (c + WIDE - 2 <= in->count && WIDE > 3) {                                                  \
        BODY(m, in, panel, c, out, stride, FORM, P, WIDE - 2);                                    \
        c += WIDE - 2;                                                                            \
    }                                                                                             \
    for (; c + 2 <= in->count; c += 2) BODY(m, in, panel, c, out, stride, FORM, P, 2);            \
    for (; c < in->count; c++) BODY(m, in, panel, c, out, stride, FORM, P, 1);
#endif

/// Panels whose slabs are at hand, and where what they will meet next begins.
typedef struct {
    int64_t panel, panels, end;
} slab_rows;

/// Asks for the part that `from..<to` of `inputs` is of the slab after the one at `first`, so that
/// it is in the second-level cache when it is unpacked.
static void slab_fetch(
    const shoal_matrix *m, const slab_rows *rows, int64_t first, int64_t from, int64_t to,
    int64_t inputs, const slab_form *form) {
    int64_t panel = rows->panel, next = first + SLAB_COLUMNS;
    if (next >= m->cols) {
        next = 0;
        panel += SHOAL_TILE_PANELS;
    }
    const int64_t left = m->cols - next, columns = left < SLAB_COLUMNS ? left : SLAB_COLUMNS;
    const int64_t bytes = columns / form->block_columns * form->block_bytes;
    for (int64_t p = panel; p < panel + SHOAL_TILE_PANELS && p < rows->end; p++) {
        const uint8_t *w =
            m->panels + p * m->panel_bytes + next / form->block_columns * form->block_bytes;
        for (int64_t i = bytes * from / inputs & ~(int64_t)63; i < bytes * to / inputs; i += 64)
            __builtin_prefetch(w + i, 0, 2);
    }
}

/// All inputs of a pass against one slab; sums that are complete go to `out`.
static void slab_inputs(
    const shoal_matrix *m, const slab_rows *rows, const slab_tile *all, int64_t inputs, float *out,
    int64_t stride, const slab_form *form) {
    enum { P = SHOAL_TILE_PANELS };
    const bool last = all->first + all->columns >= m->cols;
    slab_tile tile = *all;
    for (int64_t c = 0; c < inputs;) {
        float *to = out + tile.column * stride + rows->panel * 16;
        if (last)
            for (int64_t i = 0; i < SHOAL_TILE_COLUMNS && c + i < inputs; i++)
                for (int64_t p = 0; p < rows->panels; p++)
                    __builtin_prefetch(to + i * stride + p * 16, 1, 3);
        const int done = form->tile(&tile, inputs - c);
        slab_fetch(m, rows, all->first, c, c + done, inputs, form);
        if (last)
            for (int64_t i = 0; i < done; i++)
                for (int64_t p = 0; p < rows->panels; p++)
                    store_rows(
                        to + i * stride + p * 16, load(tile.acc + (i * P + p) * 16),
                        m->rows - (rows->panel + p) * 16);
        c += done;
        tile.column += done;
        tile.acc += done * P * 16;
    }
}

static void slab_pass(
    const shoal_matrix *m, const shoal_inputs *in, const slab_rows *rows, int64_t column,
    int64_t inputs, float *out, int64_t stride, const slab_form *form) {
    enum { P = SHOAL_TILE_PANELS };
    _Alignas(64) uint8_t slab[P * SLAB_RECORD_MAX * (SLAB_COLUMNS / 256)];
    _Alignas(64) float acc[SLAB_INPUTS * P * 16];
    memset(acc, 0, (size_t)(inputs * P * 16) * sizeof(float));
    for (int64_t first = 0; first < m->cols; first += SLAB_COLUMNS) {
        const int64_t left = m->cols - first;
        const int64_t columns = left < SLAB_COLUMNS ? left : SLAB_COLUMNS;
        // A missing panel is a copy of the last one, computed and not stored.
        for (int p = 0; p < P; p++)
            form->unpack(
                m, rows->panel + (p < rows->panels ? p : rows->panels - 1), first, columns,
                slab + p * form->record);
        const slab_tile all = {slab, in, first, columns, column, acc};
        slab_inputs(m, rows, &all, inputs, out, stride, form);
    }
}

static void slab_product(
    const shoal_matrix *m, const shoal_inputs *in, int64_t begin, int64_t end, float *out,
    int64_t stride, const slab_form *form) {
    if (in->count <= SHOAL_DIRECT_INPUTS) {
        for (int64_t p = begin; p < end; p++) form->direct(m, in, p, out, stride);
        return;
    }
    if (form->packed)
        for (; begin + SHOAL_PACKED_PANELS <= end; begin += SHOAL_PACKED_PANELS)
            form->packed(m, in, begin, out, stride);
    for (int64_t p = begin; p < end; p += SHOAL_TILE_PANELS) {
        const slab_rows rows = {
            p, end - p < SHOAL_TILE_PANELS ? end - p : SHOAL_TILE_PANELS, end};
        for (int64_t c = 0; c < in->count; c += SLAB_INPUTS) {
            const int64_t left = in->count - c;
            slab_pass(
                m, in, &rows, c, left < SLAB_INPUTS ? left : SLAB_INPUTS, out, stride, form);
        }
    }
}
