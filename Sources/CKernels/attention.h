// Attention over paged blocks of keys and values, for any number of consecutive query positions.
//
// Included once by each kernels_*.c, through kernels_body.h.
//
// Keys come in blocks of 64 at absolute positions. For each row (a query position x a query head)
// a block is computed on its own - scores, their maximum, e^(score - maximum), the sum of these
// by the tree of 16 lanes, the weighted values - and then merged into what the blocks before it
// gave (online softmax, Milakov and Gimelshein 2018). So a row's result depends on its position,
// its query and the keys it sees alone: never on the rows beside it, on how they are divided, or on
// where blocks lie. Keys that a row does not see are never multiplied.

#include "attention_block.h"
#include "attention_dots.h"
#include "attention_store.h"
#include "attention_tiles.h"

/// The rows of one pass over the blocks. The columns are indexed by row within the pass.
typedef struct {
    int64_t first; ///< among all rows of the task
    int rows;
    int tiles; ///< of at most TILE_ROWS rows
    int64_t begin[SHOAL_TILE_ROWS], end[SHOAL_TILE_ROWS]; ///< positions seen
    int from[SHOAL_TILE_ROWS], to[SHOAL_TILE_ROWS];       ///< those within the present block
    float largest[SHOAL_TILE_ROWS], total[SHOAL_TILE_ROWS];
    float block_largest[SHOAL_TILE_ROWS], block_total[SHOAL_TILE_ROWS];
    float keep[SHOAL_TILE_ROWS], take[SHOAL_TILE_ROWS];
} attention_pass;

INLINE int tile_begin(const attention_pass *pass, int tile) {
    return pass->rows * tile / pass->tiles;
}

static void value_rows_f32(
    const uint8_t *values, int64_t p, const float *weights, int rows, int64_t from, int64_t to,
    float *sums, ahead_of_use *ahead) {
    value_rows(values, p, weights, rows, from, to, sums, ahead, SHOAL_KV_F32);
}

#if SHOAL_F16_HARDWARE
static void value_rows_f16(
    const uint8_t *values, int64_t p, const float *weights, int rows, int64_t from, int64_t to,
    float *sums, ahead_of_use *ahead) {
    value_rows(values, p, weights, rows, from, to, sums, ahead, SHOAL_KV_F16);
}
#endif

/// Scores become e^(score - largest) in place; returns their sum. Lanes outside `from`..<`to`
/// hold anything before; they become 0 if their vector holds a lane inside.
INLINE float weigh(float *scores, int from, int to, float scale, float *largest_out) {
    const v16i lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const v16 nothing = splat(-__builtin_inff());
    v16 score[SHOAL_KEY_BLOCK / 16], largest = nothing;
    for (int v = from / 16; v * 16 < to; v++) {
        score[v] = load(scores + v * 16) * splat(scale);
        if (v * 16 < from || v * 16 + 16 > to) {
            const v16i at = lane + v * 16;
            score[v] = choose((at >= from) & (at < to), score[v], nothing);
        }
        largest = choose(score[v] > largest, score[v], largest);
    }
    const float top = max_lanes(largest);
    v16 sum = splat(0.0f);
    for (int v = from / 16; v * 16 < to; v++) {
        // e^-infinity is exactly 0.
        const v16 weight = exp16(score[v] - splat(top));
        store(scores + v * 16, weight);
        sum = sum + weight;
    }
    *largest_out = top;
    return sum_lanes(sum);
}

static void weigh_rows(attention_pass *pass, float *weights, float scale) {
    for (int r = 0; r < pass->rows; r++) {
        const int from = pass->from[r], to = pass->to[r];
        float *row = weights + r * SHOAL_KEY_BLOCK, *largest = &pass->block_largest[r];
        if (from == 0 && to == SHOAL_KEY_BLOCK) // constants, so that the loops unroll
            pass->block_total[r] = weigh(row, 0, SHOAL_KEY_BLOCK, scale, largest);
        else if (from < to)
            pass->block_total[r] = weigh(row, from, to, scale, largest);
    }
}

/// Weighted values of one tile of rows. Keys that all of them see are taken together; those that
/// only some see, at either end, row by row, still in ascending order.
INLINE void weigh_values(
    attention_pass *pass, int tile, const uint8_t *values, const float *weights, float *block_sums,
    int64_t p,
    ahead_of_use *ahead,
    void (*value_rows)(
        const uint8_t *, int64_t, const float *, int, int64_t, int64_t, float *,
        ahead_of_use *)) {
    const int begin = tile_begin(pass, tile), end = tile_begin(pass, tile + 1);
    int from = pass->from[begin], to = pass->to[begin];
    for (int r = begin; r < end; r++) {
        from = pass->from[r] > from ? pass->from[r] : from;
        to = pass->to[r] < to ? pass->to[r] : to;
    }
    for (int64_t i = begin * p; i < end * p; i += 16) store(block_sums + i, splat(0.0f));
    const bool together = from < to;
    if (!together) from = to = SHOAL_KEY_BLOCK;
    for (int r = begin; r < end; r++) {
        const int first = pass->to[r] < from ? pass->to[r] : from;
        if (pass->from[r] < first)
            value_rows(
                values, p, weights + r * SHOAL_KEY_BLOCK, 1, pass->from[r], first,
                block_sums + r * p, ahead);
    }
    if (!together) return;
    value_rows(
        values, p, weights + begin * SHOAL_KEY_BLOCK, end - begin, from, to,
        block_sums + begin * p, ahead);
    for (int r = begin; r < end; r++)
        if (to < pass->to[r])
            value_rows(
                values, p, weights + r * SHOAL_KEY_BLOCK, 1, to, pass->to[r], block_sums + r * p,
                ahead);
}

/// Merges a block into the sums of the rows that see it.
INLINE void merge(attention_pass *pass, const float *block_sums, float *sums, int64_t p) {
    for (int r = 0; r < pass->rows; r += 16) {
        const v16 before = load(pass->largest + r), block = load(pass->block_largest + r);
        const v16 now = choose(block > before, block, before);
        store(pass->keep + r, exp16(before - now));
        store(pass->take + r, exp16(block - now));
    }
    for (int r = 0; r < pass->rows; r++) {
        if (pass->from[r] >= pass->to[r]) continue;
        const float keep = pass->keep[r], take = pass->take[r];
        const float largest = pass->largest[r], block = pass->block_largest[r];
        pass->largest[r] = block > largest ? block : largest;
        pass->total[r] = __builtin_fmaf(pass->block_total[r], take, pass->total[r] * keep);
        for (int64_t i = r * p; i < r * p + p; i += 16)
            store(sums + i, fma16(load(block_sums + i), splat(take), load(sums + i) * splat(keep)));
    }
}

/// The part of each row's positions that lies in the block from `base` on.
INLINE void enter_block(attention_pass *pass, int64_t base) {
    for (int r = 0; r < pass->rows; r++) {
        const int64_t from = pass->begin[r] - base, to = pass->end[r] - base;
        pass->from[r] = from < 0 ? 0 : from > SHOAL_KEY_BLOCK ? SHOAL_KEY_BLOCK : (int)from;
        pass->to[r] = to < 0 ? 0 : to > SHOAL_KEY_BLOCK ? SHOAL_KEY_BLOCK : (int)to;
    }
}

INLINE void attend_block(
    const shoal_attention *a, attention_pass *pass, const uint8_t *block, const uint8_t *next,
    uint8_t *scratch, const shoal_kv_format format) {
    const int64_t d = a->head_dim, p = padded_dim(d), blocks = d / SHOAL_KV_CODES;
    const block_layout layout = layout_of(format, d);
    const scratch_layout at = scratch_of(d);
    float *weights = (float *)(scratch + at.weights);
    float *block_sums = (float *)(scratch + at.block_sums);
    const uint8_t *keys = block, *values = block + layout.values;

    // Rows are in order of position, so the first sees the lowest key and the last the highest.
    int low = SHOAL_KEY_BLOCK, high = 0;
    for (int r = 0; r < pass->rows; r++) {
        if (pass->from[r] >= pass->to[r]) continue;
        low = pass->from[r] < low ? pass->from[r] : low;
        high = pass->to[r] > high ? pass->to[r] : high;
    }
    if (format == SHOAL_KV_Q8) {
        values = scratch + at.values;
        widen_values_q8(
            block + layout.values, block + layout.value_scales, d, low, high, next - block,
            (float *)values);
    }
#if !SHOAL_F16_HARDWARE
    if (format == SHOAL_KV_F16) {
        keys = scratch + at.keys;
        values = scratch + at.values;
        const int64_t first = low / 16, last = (high + 15) / 16;
        widen_halves(
            block + first * 32 * d, (last - first) * 16 * d, (float *)keys + first * 16 * d);
        widen_halves(
            block + layout.values + low * p * 2, (high - low) * p, (float *)values + low * p);
    }
#endif
    // Each of the tiles asks for its share of the next block.
    const int64_t step = format == SHOAL_KV_F32 ? 256 : 128;
    ahead_of_use ahead = {next, next == block ? 0 : step / pass->tiles};
    for (int tile = 0; tile < pass->tiles; tile++) {
        const int begin = tile_begin(pass, tile), rows = tile_begin(pass, tile + 1) - begin;
        int from = SHOAL_KEY_BLOCK, to = 0;
        for (int r = begin; r < begin + rows; r++) {
            if (pass->from[r] >= pass->to[r]) continue;
            from = pass->from[r] < from ? pass->from[r] : from;
            to = pass->to[r] > to ? pass->to[r] : to;
        }
        if (from >= to) continue;
        const int64_t first = from / 16, last = (to + 15) / 16;
        float *scores = weights + begin * SHOAL_KEY_BLOCK;
        if (format == SHOAL_KV_Q8)
            score_rows_q8(
                keys, block + layout.key_scales,
                (const int32_t *)(scratch + at.queries + begin * d),
                (const float *)(scratch + at.query_scales) + begin * blocks,
                (const int32_t *)(scratch + at.query_sums) + begin * blocks, d, rows, first, last,
                scores, &ahead);
        else
            score_rows(
                keys, (const float *)(scratch + at.queries) + begin * p, d, p, rows, first, last,
                scores, &ahead, SHOAL_F16_HARDWARE ? format : SHOAL_KV_F32);
    }
    weigh_rows(pass, weights, a->scale);
    ahead.at = next + layout.values;
    for (int tile = 0; tile < pass->tiles; tile++)
#if SHOAL_F16_HARDWARE
        weigh_values(
            pass, tile, values, weights, block_sums, p, &ahead,
            format == SHOAL_KV_F16 ? value_rows_f16 : value_rows_f32);
#else
        weigh_values(pass, tile, values, weights, block_sums, p, &ahead, value_rows_f32);
#endif
    merge(pass, block_sums, (float *)(scratch + at.sums), p);
}

/// One pass over the blocks for some of the rows.
INLINE void attend_pass(
    const shoal_attention *a, attention_pass *pass, uint8_t *scratch,
    const shoal_kv_format format) {
    const int64_t d = a->head_dim, p = padded_dim(d), blocks = d / SHOAL_KV_CODES;
    const scratch_layout at = scratch_of(d);
    float *sums = (float *)(scratch + at.sums), *queries = (float *)(scratch + at.queries);
    for (int r = 0; r < pass->rows; r++) {
        const int64_t position = a->first_position + (pass->first + r) / a->group;
        const int64_t begin = a->window > 0 ? position + 1 - a->window : 0;
        const bool causal = a->bidirectional_end <= 0;
        pass->begin[r] = causal && begin > 0 ? begin : 0;
        pass->end[r] = causal ? position + 1 : a->bidirectional_end;
        pass->largest[r] = -__builtin_inff();
        pass->total[r] = 0.0f;
    }
    // Results and the queries of the next pass often lie in memory that is far away by now.
    for (int r = 0; r < pass->rows; r++) {
        const int64_t row = pass->first + r, next = row + pass->rows;
        const bool more = next < a->query_count * a->group;
        for (int64_t i = 0; i < d; i += 16) {
            __builtin_prefetch(out_row(a, row) + i, 1);
            if (more) __builtin_prefetch(query_row(a, next) + i);
        }
    }
    // Side by side, whatever the stride between them.
    for (int r = 0; r < pass->rows; r++) {
        const float *query = query_row(a, pass->first + r);
        if (format == SHOAL_KV_Q8)
            encode_query(
                query, d, (int8_t *)(scratch + at.queries) + r * d,
                (float *)(scratch + at.query_scales) + r * blocks,
                (int32_t *)(scratch + at.query_sums) + r * blocks);
        else
            for (int64_t i = 0; i < d; i += 16)
                store_upto(queries + r * p + i, load_upto(query + i, d - i), d - i);
        for (int64_t i = 0; i < p; i += 16) store(sums + r * p + i, splat(0.0f));
    }
    const int64_t last = pass->end[pass->rows - 1];
    for (int64_t b = pass->begin[0] / SHOAL_KEY_BLOCK; b * SHOAL_KEY_BLOCK < last; b++) {
        enter_block(pass, b * SHOAL_KEY_BLOCK);
        const uint8_t *block = (const uint8_t *)a->pages[b] + a->offset, *next = block;
        if ((b + 1) * SHOAL_KEY_BLOCK < last) next = (const uint8_t *)a->pages[b + 1] + a->offset;
        attend_block(a, pass, block, next, scratch, format);
    }
    for (int r = 0; r < pass->rows; r++) {
        float *out = out_row(a, pass->first + r);
        const v16 share = splat(1.0f / pass->total[r]);
        for (int64_t i = 0; i < d; i += 16)
            store_upto(out + i, load(sums + r * p + i) * share, d - i);
    }
}

static void attend(const shoal_attention *a, void *scratch) {
    const int64_t total = a->query_count * a->group;
    attention_pass pass;
    memset(&pass, 0, sizeof pass);
    for (pass.first = 0; pass.first < total; pass.first += SHOAL_TILE_ROWS) {
        const int64_t left = total - pass.first;
        pass.rows = left < SHOAL_TILE_ROWS ? (int)left : SHOAL_TILE_ROWS;
        pass.tiles = (pass.rows + TILE_ROWS - 1) / TILE_ROWS;
        switch (a->format) {
        case SHOAL_KV_F32: attend_pass(a, &pass, scratch, SHOAL_KV_F32); break;
        case SHOAL_KV_F16: attend_pass(a, &pass, scratch, SHOAL_KV_F16); break;
        case SHOAL_KV_Q8: attend_pass(a, &pass, scratch, SHOAL_KV_Q8); break;
        }
    }
}
