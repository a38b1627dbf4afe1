// Compares a table of kernels with the portable one, bit for bit: every function and format, and
// a range of shapes. For instruction sets that the Swift tests cannot reach, because the machine at hand
// has them only under an emulator. Prints a digest of the portable table's results, which must be
// the same on every machine. Usage: kernels_test [portable|neon|avx2|avxvnni|avx512]
#include "CKernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_POSITIONS = 300, DIM_MAX = 256, GROUP_MAX = 16, COUNT_MAX = 20 };

static const shoal_kernels *tables[2]; // portable, and the one under test
static int failures, checks;
static uint64_t digest = 14695981039346656037u; // of all that the portable table gave (FNV-1a)

// xorshift64*: seeded, so that a failure comes back.
static uint64_t state = 88172645463325252u;
static uint64_t next(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
}
static int64_t below(int64_t n) { return (int64_t)(next() >> 33) % n; }
static float uniform(float limit) {
    return ((float)(next() >> 40) / 8388608.0f - 1.0f) * limit;
}
static float *floats(int64_t n, float limit) {
    float *x = aligned_alloc(64, (size_t)(n * 4 + 127) & ~(size_t)63);
    if (!x) exit(2);
    for (int64_t i = 0; i < n; i++) x[i] = uniform(limit);
    return x;
}
static void *copy(const void *x, int64_t bytes) {
    void *y = aligned_alloc(64, (size_t)(bytes + 127) & ~(size_t)63);
    if (!y) exit(2);
    memcpy(y, x, (size_t)bytes);
    return y;
}

static void expect_equal(const char *what, int64_t a, int64_t b, void *x, void *y, int64_t bytes) {
    checks++;
    for (int64_t i = 0; i < bytes; i++) digest = (digest ^ ((uint8_t *)x)[i]) * 1099511628211u;
    if (memcmp(x, y, (size_t)bytes) != 0) {
        failures++;
        if (failures <= 20)
            printf("%s (%lld, %lld) differs\n", what, (long long)a, (long long)b);
    }
}

// Products.

/// Where a block of each format has halves, which must be finite here.
static void random_rows(shoal_format format, uint8_t *rows, int64_t bytes) {
    static const struct {
        int block, halves[2];
    } forms[SHOAL_FORMAT_COUNT] = {
        [SHOAL_Q8_0] = {34, {0, 0}},   [SHOAL_Q4_0] = {18, {0, 0}},   [SHOAL_Q4_1] = {20, {0, 2}},
        [SHOAL_Q5_0] = {22, {0, 0}},   [SHOAL_Q5_1] = {24, {0, 2}},   [SHOAL_IQ4_NL] = {18, {0, 0}},
        [SHOAL_Q2_K] = {84, {80, 82}}, [SHOAL_Q3_K] = {110, {108, 108}},
        [SHOAL_Q4_K] = {144, {0, 2}},  [SHOAL_Q5_K] = {176, {0, 2}},
        [SHOAL_Q6_K] = {210, {208, 208}},
    };
    for (int64_t i = 0; i < bytes; i++) rows[i] = (uint8_t)(next() >> 56);
    // Clearing the upper bit of the exponent leaves magnitudes below 2, subnormals included.
    if (format == SHOAL_F32)
        for (int64_t i = 3; i < bytes; i += 4) rows[i] &= 0xbf;
    else if (format == SHOAL_F16 || format == SHOAL_BF16)
        for (int64_t i = 1; i < bytes; i += 2) rows[i] &= 0xbf;
    else
        for (int64_t i = 0; i < bytes; i += forms[format].block)
            for (int h = 0; h < 2; h++) rows[i + forms[format].halves[h] + 1] &= 0xbf;
}

static void test_product(shoal_format format, int64_t rows, int64_t cols, int64_t count) {
    const int64_t row_bytes = shoal_row_bytes(format, cols);
    if (row_bytes == 0) return;
    const int64_t panels = (rows + 15) / 16, panel_bytes = shoal_panel_bytes(format, cols);
    uint8_t *source = malloc((size_t)(rows * row_bytes));
    uint8_t *packed = aligned_alloc(64, (size_t)(panels * panel_bytes));
    if (!source || !packed) exit(2);
    random_rows(format, source, rows * row_bytes);
    for (int64_t p = 0; p < panels; p++)
        shoal_pack_panel(format, source, rows, cols, p, packed + p * panel_bytes);
    const shoal_matrix matrix = {packed, panel_bytes, rows, cols};
    float *x = floats(count * cols, 3), *out[2];
    for (int t = 0; t < 2; t++) {
        const int64_t blocks = cols / SHOAL_BLOCK, wide = cols / SHOAL_K_BLOCK;
        int8_t *codes = calloc((size_t)(count * cols + 64), 1);
        float *scales = calloc((size_t)(count * blocks + 16), 4);
        int32_t *sums = calloc((size_t)(count * blocks * 2 + 16), 4);
        int32_t *pairs = calloc((size_t)(count * blocks * 2 + 16), 4);
        out[t] = calloc((size_t)(count * rows), 4);
        if (!codes || !scales || !sums || !pairs || !out[t]) exit(2);
        for (int64_t c = 0; c < count; c++)
            if (format >= SHOAL_Q2_K)
                tables[t]->quantise_k(
                    x + c * cols, cols, codes + c * cols, scales + c * wide,
                    sums + c * wide * SHOAL_K_SUMS, pairs + c * wide * SHOAL_K_PAIRS);
            else if (format >= SHOAL_Q8_0)
                tables[t]->quantise(
                    x + c * cols, cols, codes + c * cols, scales + c * blocks, sums + c * blocks);
        const shoal_inputs inputs = {x, codes, scales, sums, pairs, count, cols};
        tables[t]->product[format](&matrix, &inputs, 0, panels, out[t], rows);
        free(codes), free(scales), free(sums), free(pairs);
    }
    char what[32];
    snprintf(what, sizeof what, "product %d of %lld", (int)format, (long long)count);
    expect_equal(what, rows, cols, out[0], out[1], count * rows * 4);
    free(source), free(packed), free(x), free(out[0]), free(out[1]);
}

static void test_products(void) {
    static const int64_t rows[] = {1, 16, 40}, counts[] = {1, 2, 3, 5, 9, 13};
    for (int f = 0; f < SHOAL_FORMAT_COUNT; f++)
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 6; c++) {
                test_product((shoal_format)f, rows[r], f < SHOAL_Q8_0 ? 77 : 256, counts[c]);
                test_product((shoal_format)f, rows[r], 1280, counts[c]);
            }
}

// Functions of vectors.

#define IN_PLACE(NAME, LIMIT, CALL)                                                               \
    do {                                                                                          \
        float *x = floats(2 * n, LIMIT), *y = floats(n, 2), *z = floats(n, 3);                    \
        float *copies[2] = {copy(x, 8 * n), copy(x, 8 * n)};                                      \
        for (int t = 0; t < 2; t++) {                                                             \
            const shoal_kernels *k = tables[t];                                                   \
            float *a = copies[t];                                                                 \
            CALL;                                                                                 \
        }                                                                                         \
        expect_equal(NAME, n, 0, copies[0], copies[1], 8 * n);                                    \
        free(x), free(y), free(z), free(copies[0]), free(copies[1]);                              \
    } while (0)

static void test_vectors(void) {
    for (int64_t n = 1; n <= 200; n += n < 70 ? 1 : 13) {
        IN_PLACE("rms_norm", 5, k->rms_norm(a, y, n, 1e-5f, a));
        IN_PLACE("layer_norm", 5, k->layer_norm(a, y, z, n, 1e-5f, a));
        IN_PLACE("swiglu", 20, k->swiglu(a, y, n, a));
        IN_PLACE("geglu", 20, k->geglu(a, y, n, a));
        IN_PLACE("gelu", 15, k->gelu(a, n, a));
        IN_PLACE("exponential", 110, k->exponential(a, n, a));
        IN_PLACE("hyperbolic_tangent", 5, k->hyperbolic_tangent(a, n, a));
        IN_PLACE("error_function", 4, k->error_function(a, n, a));
        IN_PLACE("softmax", 30, k->softmax(a, n));
        IN_PLACE("add", 5, k->add(a, y, n));
        IN_PLACE("add_scaled", 5, k->add_scaled(a, y, 0.3f, n));
        IN_PLACE("scale", 5, k->scale(a, 0.3f, n));
        IN_PLACE("rotate", 5, k->rotate(a, y, z, n));
        IN_PLACE("rotate_halves", 5, k->rotate_halves(a, y, z, n));
    }
    // Every half, and singles of every exponent.
    static uint16_t halves[65536], narrow[2][65536];
    static float wide[2][65536], singles[65536];
    for (int i = 0; i < 65536; i++) {
        const uint32_t word = (uint32_t)(next() >> 32);
        halves[i] = (uint16_t)i;
        memcpy(&singles[i], &word, 4);
    }
    for (int t = 0; t < 2; t++) {
        tables[t]->f16_to_f32(halves, 65536, wide[t]);
        tables[t]->f32_to_f16(singles, 65536, narrow[t]);
    }
    expect_equal("f16_to_f32", 65536, 0, wide[0], wide[1], sizeof wide[0]);
    expect_equal("f32_to_f16", 65536, 0, narrow[0], narrow[1], sizeof narrow[0]);
    // What the codes leave out.
    for (int64_t block = 32; block <= 256; block *= 8) {
        int8_t codes[512];
        for (int i = 0; i < 512; i++) codes[i] = (int8_t)(below(255) - 127);
        const int64_t n = 512;
        IN_PLACE("residual", 3, k->residual(a, n, codes, z, block));
    }
}

// Attention.

static void test_attention(int number) {
    static const int dims[] = {2, 8, 20, 32, 64, 80, 96, 128, 250, 256};
    static const int depths[] = {1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 200, 300};
    const shoal_kv_format format = (shoal_kv_format)(number % 3);
    int64_t d = dims[below(10)];
    if (format == SHOAL_KV_Q8) d = (d + 31) / 32 * 32;
    const int64_t depth = depths[below(12)], group = 1 + below(GROUP_MAX);
    const int64_t count = 1 + below(depth < COUNT_MAX ? depth : COUNT_MAX);
    const int64_t bytes = shoal_kv_block_bytes(format, d), blocks = (depth + 63) / 64;
    float *queries = floats(count * group * d, 2), *keys = floats(depth * d, 2);
    float *values = floats(depth * d, 1), *out[2];
    uint8_t *memory[2];
    const int64_t window = below(2) ? 0 : 1 + below(150), both = below(4) ? 0 : depth;
    for (int t = 0; t < 2; t++) {
        const void *pages[KEY_POSITIONS / 64 + 1];
        memory[t] = aligned_alloc(64, (size_t)(bytes * blocks));
        out[t] = calloc((size_t)(count * group * d), 4);
        uint8_t *scratch = aligned_alloc(64, (size_t)(shoal_attend_scratch_bytes(d) + 63) & ~63ull);
        if (!memory[t] || !out[t] || !scratch) exit(2);
        memset(memory[t], 0xff, (size_t)(bytes * blocks));
        // Pages lie backwards.
        for (int64_t b = 0; b < blocks; b++) pages[b] = memory[t] + (blocks - 1 - b) * bytes;
        for (int64_t j = 0; j < depth; j++)
            tables[t]->store_kv(
                format, (void *)pages[j / 64], j % 64, d, keys + j * d, values + j * d);
        const shoal_attention task = {
            .queries = queries, .query_stride = group * d, .query_count = count,
            .first_position = depth - count, .pages = pages, .format = format, .head_dim = d,
            .group = group, .scale = 0.25f, .window = window, .bidirectional_end = both,
            .out = out[t], .out_stride = group * d};
        tables[t]->attend(&task, scratch);
        free(scratch);
    }
    expect_equal("store_kv", format, d, memory[0], memory[1], bytes * blocks);
    expect_equal("attend", format, d, out[0], out[1], count * group * d * 4);
    free(queries), free(keys), free(values);
    for (int t = 0; t < 2; t++) free(memory[t]), free(out[t]);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "neon";
    tables[0] = shoal_kernels_portable();
    tables[1] = !strcmp(name, "neon")      ? shoal_kernels_neon()
        : !strcmp(name, "avx2")            ? shoal_kernels_avx2()
        : !strcmp(name, "avxvnni")         ? shoal_kernels_avxvnni()
        : !strcmp(name, "avx512")          ? shoal_kernels_avx512()
        : !strcmp(name, "portable")        ? shoal_kernels_portable()
                                           : NULL;
    if (!tables[1]) {
        fprintf(stderr, "this processor has no table called %s\n", name);
        return 2;
    }
    test_vectors();
    for (int number = 0; number < 90; number++) test_attention(number);
    test_products();
    printf("%s: %d comparisons with the portable table, %d differ\n", name, checks, failures);
    printf("digest of the portable table's results: %016llx\n", (unsigned long long)digest);
    return failures == 0 ? 0 : 1;
}
