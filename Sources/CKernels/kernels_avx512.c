// The AVX-512 table, with the 8-bit dot product of VNNI. Compiled into every x86-64 build by the
// attributes below; called only where the processor and the operating system support it.
#include "CKernels.h"

#include <string.h>

#if defined(__x86_64__)

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))),       \
    apply_to = function)
// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

#define SHOAL_F16_HARDWARE 1
#define SHOAL_ISA_AVX512VNNI 1
#define SHOAL_VECTOR_REGISTERS 32
#define SHOAL_TILE_COLUMNS 8

typedef int32_t block_sums __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) __m512i four(const int8_t *x) {
    int32_t bytes;
    memcpy(&bytes, x, 4);
    return _mm512_set1_epi32(bytes);
}

// vpdpbusd multiplies unsigned by signed bytes and adds four products to 32 bits, exactly.
static inline __attribute__((always_inline)) void q8_block(
    const uint8_t *w, const int8_t *x, int64_t x_stride, const int32_t *sums, int64_t sum_stride,
    block_sums *products, const int columns) {
    __m512i acc[SHOAL_TILE_COLUMNS];
    for (int c = 0; c < columns; c++) acc[c] = _mm512_set1_epi32(-128 * sums[c * sum_stride]);
    for (int line = 0; line < 8; line++) {
        __m512i weights = _mm512_loadu_si512(w + line * 64);
        for (int c = 0; c < columns; c++)
            acc[c] = _mm512_dpbusd_epi32(acc[c], weights, four(x + c * x_stride + line * 4));
    }
    for (int c = 0; c < columns; c++) products[c] = (block_sums)acc[c];
}

static inline __attribute__((always_inline)) void q4_block(
    const uint8_t *w, const int8_t *x, int64_t x_stride, const int32_t *sums, int64_t sum_stride,
    block_sums *products, const int columns) {
    const __m512i mask = _mm512_set1_epi8(15);
    __m512i acc[SHOAL_TILE_COLUMNS];
    for (int c = 0; c < columns; c++) acc[c] = _mm512_set1_epi32(-8 * sums[c * sum_stride]);
    for (int line = 0; line < 4; line++) {
        __m512i pairs = _mm512_loadu_si512(w + line * 64);
        __m512i low = _mm512_and_si512(pairs, mask);
        __m512i high = _mm512_and_si512(_mm512_srli_epi16(pairs, 4), mask);
        for (int c = 0; c < columns; c++) {
            const int8_t *inputs = x + c * x_stride + line * 4;
            acc[c] = _mm512_dpbusd_epi32(acc[c], low, four(inputs));
            acc[c] = _mm512_dpbusd_epi32(acc[c], high, four(inputs + 16));
        }
    }
    for (int c = 0; c < columns; c++) products[c] = (block_sums)acc[c];
}

#include "kernels_body.h"

static const shoal_kernels table = SHOAL_TABLE("avx512");

#pragma clang attribute pop

const shoal_kernels *shoal_kernels_avx512(void) {
    __builtin_cpu_init();
    // Also asks whether the operating system saves the wide registers (XGETBV).
    const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("f16c")
        && __builtin_cpu_supports("fma");
    return supported ? &table : NULL;
}

#else

const shoal_kernels *shoal_kernels_avx512(void) { return NULL; }

#endif
