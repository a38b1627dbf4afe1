// The C kernels: one table of functions per instruction set, chosen at run time.
//
// Every table gives the same bits as the portable one, for every format and shape. The rules
// that make it so ("shoal-numerics-2") are written where the arithmetic is: the headers of
// kernels_body.h for everything that vectorises lane by lane, and a few integer steps per
// instruction set in kernels_*.c. All arithmetic is IEEE 754, round to nearest even, subnormals
// kept; no product is fused with a sum unless the source says so.
#ifndef SHOAL_CKERNELS_H
#define SHOAL_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Output rows whose weights are interleaved; the lanes of every vector operation.
#define SHOAL_LANES 16
/// Columns of one block of the 8-bit activations and of the block formats below.
#define SHOAL_BLOCK 32
/// Columns of one block of the K formats, and of the 8-bit activations they meet.
#define SHOAL_K_BLOCK 256
/// Sums of the codes of such a block, times -128: 16 of 16 codes each.
#define SHOAL_K_SUMS 16
/// Words of two 16-bit sums each (low half, high half) of such a block. With s the sums of 16 and
/// t those of 32: (s0,s2) (s1,s3) (s4,s6) (s5,s7)... in 8 words, then (t0,t2) (t1,t3) (t4,t6)
/// (t5,t7).
#define SHOAL_K_PAIRS 12
#define SHOAL_K_PAIRS_16 8
/// Keys of one attention block. Blocks begin at absolute positions that are multiples of it.
#define SHOAL_KEY_BLOCK 64
/// Most query heads that may share a key head.
#define SHOAL_GROUP_MAX 256
/// Most elements of a head.
#define SHOAL_HEAD_DIM_MAX 1024

/// Weight formats that have kernels. The numbers index the tables below.
typedef enum {
    SHOAL_F32 = 0,
    SHOAL_F16 = 1,
    SHOAL_BF16 = 2,
    SHOAL_Q8_0 = 3,
    SHOAL_Q4_0 = 4,
    SHOAL_Q4_1 = 5,
    SHOAL_Q5_0 = 6,
    SHOAL_Q5_1 = 7,
    SHOAL_IQ4_NL = 8,
    SHOAL_Q2_K = 9,
    SHOAL_Q3_K = 10,
    SHOAL_Q4_K = 11,
    SHOAL_Q5_K = 12,
    SHOAL_Q6_K = 13,
    SHOAL_FORMAT_COUNT = 14,
} shoal_format;

/// How keys and values are kept. Q8: 8-bit codes, one half-precision scale per 32 dimensions.
typedef enum { SHOAL_KV_F32 = 0, SHOAL_KV_F16 = 1, SHOAL_KV_Q8 = 2 } shoal_kv_format;

/// A weight matrix repacked in panels of 16 output rows (absent rows are zeros).
///
/// Within a panel of F32, F16 or BF16, column k is 16 consecutive elements, one per row. A panel of
/// any other format is a sequence of blocks, each as many bytes as the file has for 16 rows: the
/// scales (layout_block.c, layout_k.c), then the codes of each group of 32 columns as bit fields
/// of 64-byte lines, each 16 rows x 4 consecutive columns (lines.h).
typedef struct {
    const uint8_t *panels;
    int64_t panel_bytes;
    int64_t rows;
    int64_t cols;
} shoal_matrix;

/// The inputs of a product: `count` vectors of `cols` elements each.
///
/// All but `values` may be null when no block format reads them: 8-bit codes and a scale per block
/// of 32 or 256, whichever the format reads; with blocks of 32 a sum of codes per block (times
/// -128, the offset of 8-bit weight codes), with blocks of 256 SHOAL_K_SUMS such sums and
/// SHOAL_K_PAIRS words.
typedef struct {
    const float *values;
    const int8_t *codes;
    const float *scales;
    const int32_t *sums;
    const int32_t *pairs;
    int64_t count;
    int64_t cols;
} shoal_inputs;

/// Attention of consecutive positions, for the query heads that share one key head.
typedef struct {
    const float *queries;    ///< a row per position: group x head_dim elements
    int64_t query_stride;    ///< elements from one row to the next
    int64_t query_count;     ///< positions
    int64_t first_position;  ///< of the first query
    const void *const *pages; ///< pages[b] + offset: the block of positions 64 b..<64 (b + 1)
    int64_t offset;          ///< bytes
    shoal_kv_format format;
    int64_t head_dim;
    int64_t group;
    float scale;
    int64_t window;            ///< positions a query sees, its own included; 0: all before it
    int64_t bidirectional_end; ///< > 0: every query sees 0..<bidirectional_end instead
    float *out;                ///< rows as those of the queries
    int64_t out_stride;
} shoal_attention;

/// One instruction set's kernels.
typedef struct {
    const char *name;
    /// out[c * out_stride + row] = weights[row] . input[c] for the rows of the given panels.
    void (*product[SHOAL_FORMAT_COUNT])(
        const shoal_matrix *m, const shoal_inputs *in, int64_t panel_begin, int64_t panel_end,
        float *out, int64_t out_stride);
    /// 8-bit codes of one input in blocks of 32; `cols` is a multiple of 32.
    void (*quantise)(const float *x, int64_t cols, int8_t *codes, float *scales, int32_t *sums);
    /// 8-bit codes of one input in blocks of 256; `cols` is a multiple of 256.
    void (*quantise_k)(
        const float *x, int64_t cols, int8_t *codes, float *scales, int32_t *sums, int32_t *pairs);
    /// x -= code * scale: what the codes in blocks of `block` leave out, but for one rounding.
    void (*residual)(
        float *x, int64_t cols, const int8_t *codes, const float *scales, int64_t block);
    /// out = x / sqrt(mean(x^2) + epsilon) * weight; out may be x.
    void (*rms_norm)(const float *x, const float *weight, int64_t n, float epsilon, float *out);
    /// out = silu(gate) * up; out may be gate or up.
    void (*swiglu)(const float *gate, const float *up, int64_t n, float *out);
    /// x += y
    void (*add)(float *x, const float *y, int64_t n);
    /// Rotates the pairs (x[2i], x[2i+1]) by the angles whose cosines and sines are given.
    void (*rotate)(float *x, const float *cosines, const float *sines, int64_t pairs);
    void (*f32_to_f16)(const float *x, int64_t n, uint16_t *out);
    void (*f16_to_f32)(const uint16_t *x, int64_t n, float *out);
    /// out = e^x, the polynomial that softmax and silu use.
    void (*exponential)(const float *x, int64_t n, float *out);
    void (*hyperbolic_tangent)(const float *x, int64_t n, float *out);
    void (*error_function)(const float *x, int64_t n, float *out);
    /// out = (x - mean) / sqrt(variance + epsilon) * weight + bias; out may be x.
    void (*layer_norm)(
        const float *x, const float *weight, const float *bias, int64_t n, float epsilon,
        float *out);
    /// out = gelu(gate) * up with the tanh form of gelu; out may be gate or up.
    void (*geglu)(const float *gate, const float *up, int64_t n, float *out);
    /// out = gelu(x), the form with the error function; out may be x.
    void (*gelu)(const float *x, int64_t n, float *out);
    /// x = fma(scale, y, x)
    void (*add_scaled)(float *x, const float *y, float scale, int64_t n);
    /// x *= factor
    void (*scale)(float *x, float factor, int64_t n);
    /// Rotates the pairs (x[i], x[i + pairs]).
    void (*rotate_halves)(float *x, const float *cosines, const float *sines, int64_t pairs);
    /// x = e^(x - max) / sum of these
    void (*softmax)(float *x, int64_t n);
    /// Writes a key and a value into slot 0..<64 of a KV block.
    void (*store_kv)(
        shoal_kv_format format, void *block, int64_t slot, int64_t head_dim, const float *key,
        const float *value);
    /// `scratch`: `shoal_attend_scratch_bytes` bytes aligned to 64, one thread's own.
    void (*attend)(const shoal_attention *a, void *scratch);
} shoal_kernels;

/// The table of plain C. Always there.
const shoal_kernels *shoal_kernels_portable(void);
/// AVX2, FMA and F16C; null where this processor or this build has none.
const shoal_kernels *shoal_kernels_avx2(void);
/// AVX2 with the dot products of AVX-VNNI; null where this processor or this build has none.
const shoal_kernels *shoal_kernels_avxvnni(void);
/// AVX-512 F, BW, DQ, VL and VNNI; null where this processor or this build has none.
const shoal_kernels *shoal_kernels_avx512(void);
/// NEON with the 8-bit dot product of Armv8.2; null where this processor or this build has none.
const shoal_kernels *shoal_kernels_neon(void);

// Layouts.

/// Bytes of one row as files store it; 0 if the format does not allow that many columns.
int64_t shoal_row_bytes(shoal_format format, int64_t cols);
/// Bytes of one panel, a multiple of 64; `cols` as `shoal_row_bytes` allows.
int64_t shoal_panel_bytes(shoal_format format, int64_t cols);
/// Packs rows 16 * panel... of a matrix stored row after row into that panel.
void shoal_pack_panel(
    shoal_format format, const uint8_t *source, int64_t rows, int64_t cols, int64_t panel,
    uint8_t *out);
/// One stored row as F32.
void shoal_unpack_row(shoal_format format, const uint8_t *row, int64_t cols, float *out);
/// Row `row` (0..<16) of a packed panel as F32: the same values.
void shoal_unpack_panel_row(
    shoal_format format, const uint8_t *panel, int64_t row, int64_t cols, float *out);

/// The product of a format, from a table.
static inline void shoal_product(
    const shoal_kernels *kernels, shoal_format format, const shoal_matrix *m,
    const shoal_inputs *in, int64_t panel_begin, int64_t panel_end, float *out,
    int64_t out_stride) {
    kernels->product[format](m, in, panel_begin, panel_end, out, out_stride);
}

// Attention.

/// Bytes of one KV block, a multiple of 64; 0 if the format does not take that head dimension.
int64_t shoal_kv_block_bytes(shoal_kv_format format, int64_t head_dim);
/// Bytes that `attend` needs beside.
int64_t shoal_attend_scratch_bytes(int64_t head_dim);

// Elementary functions in double precision, for tables computed once (elementary.c). Relative
// error below 1e-15 for log, exp and pow; absolute error below 1e-15 for sine and cosine.

double shoal_log(double x);
double shoal_exp(double x);
/// base^y for base > 0.
double shoal_pow(double base, double y);
/// |x| at most 2^23.
void shoal_sincos(double x, double *sine, double *cosine);

// Worker threads (pool.c).

typedef struct shoal_pool shoal_pool;
/// A pool in which the caller of `shoal_pool_run` is one of `threads` workers. Null if the system
/// refuses the memory; fewer threads if it refuses those (`shoal_pool_threads` tells).
shoal_pool *shoal_pool_create(int32_t threads);
int32_t shoal_pool_threads(const shoal_pool *pool);
/// Calls task(context, chunk) once for each chunk, and returns when all are done. One caller at a
/// time; a task must not call it.
void shoal_pool_run(
    shoal_pool *pool, int32_t chunks, void (*task)(void *context, int32_t chunk), void *context);
void shoal_pool_destroy(shoal_pool *pool);

// What the machine can do at most (probes.c), to measure kernels against.

/// The sum of the 64-bit words of `bytes` bytes, a multiple of 256, aligned to 64: a loop of loads.
uint64_t shoal_probe_read(const void *memory, int64_t bytes);
/// Runs `rounds` of independent 8-bit dot products, the widest this processor has, in registers.
/// Returns the multiplications and additions done; `sink` keeps the compiler from leaving them out.
int64_t shoal_probe_int8(int64_t rounds, int32_t *sink);

#ifdef __cplusplus
}
#endif
#endif
