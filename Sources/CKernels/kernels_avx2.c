// The AVX2 table. Compiled into every x86-64 build by the attributes below; called only where
// the processor and the operating system support it.
#include "CKernels.h"
#include "layout.h"

#include <string.h>

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#include <immintrin.h>

#include "halves.h"

#define SHOAL_WIDE_SLABS 0

// Codes are at most 127, so a pair of products is at most 32258 and vpmaddubsw does not saturate.
INLINE __m256i dot_half(__m256i sum, __m256i codes, __m256i x) {
    __m256i pairs = _mm256_maddubs_epi16(codes, x);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
INLINE v16i dot(v16i sum, v64 codes, int32_t x) {
    const __m256i inputs = _mm256_set1_epi32(x);
    return join(
        dot_half(low_half(sum), low_line(codes), inputs),
        dot_half(high_half(sum), high_line(codes), inputs));
}

// Unsigned code times signed x would saturate the 16-bit pair sums of vpmaddubsw. So the sign of
// w = code - 128 moves: |w| * (x with the sign of w), at most 2 * 128 * 127 = 32512 a pair.
INLINE __m256i dot_wide_half(__m256i sum, __m256i codes, __m256i x) {
    __m256i w = _mm256_xor_si256(codes, _mm256_set1_epi8((char)0x80));
    return dot_half(sum, _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}
INLINE v16i dot_wide(v16i sum, v64 codes, int32_t x) {
    const __m256i inputs = _mm256_set1_epi32(x);
    return join(
        dot_wide_half(low_half(sum), low_line(codes), inputs),
        dot_wide_half(high_half(sum), high_line(codes), inputs));
}
INLINE v16i wide_start(int32_t inputs) {
    (void)inputs;
    return (v16i)(0);
}

INLINE v16i dot_pairs(v16i sum, v16i pairs, int32_t x) {
    const __m256i inputs = _mm256_set1_epi32(x);
    return sum
        + join(
            _mm256_madd_epi16(low_half(pairs), inputs),
            _mm256_madd_epi16(high_half(pairs), inputs));
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
