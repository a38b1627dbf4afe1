// The AVX2 table. Compiled into every x86-64 build by the attributes below; called only where
// the processor and the operating system support it.
#include "CKernels.h"

#include <string.h>

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

#define SHOAL_F16_HARDWARE 1
#define SHOAL_ISA_AVX2 1
#define SHOAL_VECTOR_REGISTERS 8
#define SHOAL_TILE_COLUMNS 3

typedef int32_t block_sums __attribute__((ext_vector_type(16)));
typedef int32_t half_sums __attribute__((ext_vector_type(8)));

static inline __attribute__((always_inline)) block_sums join(__m256i low, __m256i high) {
    return __builtin_shufflevector(
        (half_sums)low, (half_sums)high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline __attribute__((always_inline)) __m256i four(const int8_t *x) {
    int32_t bytes;
    memcpy(&bytes, x, 4);
    return _mm256_set1_epi32(bytes);
}

// Unsigned w + 128 times signed x would saturate the 16-bit pair sums of vpmaddubsw. So the sign
// moves: |w| * (x with the sign of w). |w| <= 128 and |x| <= 127, so a pair is at most 32512.
static inline __attribute__((always_inline)) void q8_block(
    const uint8_t *w, const int8_t *x, int64_t x_stride, const int32_t *sums, int64_t sum_stride,
    block_sums *products, const int columns) {
    (void)sums;
    (void)sum_stride;
    const __m256i flip = _mm256_set1_epi8((char)0x80), ones = _mm256_set1_epi16(1);
    __m256i low[SHOAL_TILE_COLUMNS], high[SHOAL_TILE_COLUMNS];
    for (int c = 0; c < columns; c++) low[c] = high[c] = _mm256_setzero_si256();
    for (int line = 0; line < 8; line++) {
        const __m256i *at = (const __m256i *)(w + line * 64);
        __m256i w0 = _mm256_xor_si256(_mm256_loadu_si256(at), flip);
        __m256i w1 = _mm256_xor_si256(_mm256_loadu_si256(at + 1), flip);
        __m256i a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);
        for (int c = 0; c < columns; c++) {
            __m256i inputs = four(x + c * x_stride + line * 4);
            __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(inputs, w0));
            __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(inputs, w1));
            low[c] = _mm256_add_epi32(low[c], _mm256_madd_epi16(p0, ones));
            high[c] = _mm256_add_epi32(high[c], _mm256_madd_epi16(p1, ones));
        }
    }
    for (int c = 0; c < columns; c++) products[c] = join(low[c], high[c]);
}

// Codes are at most 15, so a pair is at most 3810 and the eight pairs of a block fit 16 bits.
static inline __attribute__((always_inline)) void q4_block(
    const uint8_t *w, const int8_t *x, int64_t x_stride, const int32_t *sums, int64_t sum_stride,
    block_sums *products, const int columns) {
    const __m256i mask = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    __m256i low[SHOAL_TILE_COLUMNS], high[SHOAL_TILE_COLUMNS];
    for (int c = 0; c < columns; c++) low[c] = high[c] = _mm256_setzero_si256();
    for (int line = 0; line < 4; line++) {
        const __m256i *at = (const __m256i *)(w + line * 64);
        __m256i w0 = _mm256_loadu_si256(at), w1 = _mm256_loadu_si256(at + 1);
        __m256i l0 = _mm256_and_si256(w0, mask), l1 = _mm256_and_si256(w1, mask);
        __m256i h0 = _mm256_and_si256(_mm256_srli_epi16(w0, 4), mask);
        __m256i h1 = _mm256_and_si256(_mm256_srli_epi16(w1, 4), mask);
        for (int c = 0; c < columns; c++) {
            __m256i x0 = four(x + c * x_stride + line * 4);
            __m256i x1 = four(x + c * x_stride + 16 + line * 4);
            low[c] = _mm256_add_epi16(low[c], _mm256_maddubs_epi16(l0, x0));
            high[c] = _mm256_add_epi16(high[c], _mm256_maddubs_epi16(l1, x0));
            low[c] = _mm256_add_epi16(low[c], _mm256_maddubs_epi16(h0, x1));
            high[c] = _mm256_add_epi16(high[c], _mm256_maddubs_epi16(h1, x1));
        }
    }
    for (int c = 0; c < columns; c++) {
        __m256i offset = _mm256_set1_epi32(-8 * sums[c * sum_stride]);
        products[c] = join(
            _mm256_add_epi32(_mm256_madd_epi16(low[c], ones), offset),
            _mm256_add_epi32(_mm256_madd_epi16(high[c], ones), offset));
    }
}

#include "kernels_body.h"

static const shoal_kernels table = SHOAL_TABLE("avx2");

#pragma clang attribute pop

const shoal_kernels *shoal_kernels_avx2(void) {
    __builtin_cpu_init();
    // Also asks whether the operating system saves the wide registers (XGETBV).
    const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("f16c");
    return supported ? &table : NULL;
}

#else

const shoal_kernels *shoal_kernels_avx2(void) { return NULL; }

#endif
