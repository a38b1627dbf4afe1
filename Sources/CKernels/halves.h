// A vector of 16 lanes as two registers of 256 bits, for the tables that have those; and what these
// tables share.
#include "vectors.h"

#pragma STDC FP_CONTRACT OFF

// What each of these is, kernels_body.h says. 16 registers: a tile of 1 x 4 has 8 integer
// accumulators; the float ones wait in memory.
#define SHOAL_F16_HARDWARE 1
#define SHOAL_VECTOR_REGISTERS 8
#define SHOAL_TILE_PANELS 1
#define SHOAL_TILE_COLUMNS 4
#define SHOAL_DIRECT_COLUMNS 4
#define SHOAL_DIRECT_INPUTS 8
#define SHOAL_FLOAT_PANELS 1
#define SHOAL_FLOAT_COLUMNS 6

typedef int32_t v8i __attribute__((ext_vector_type(8)));
typedef uint8_t v32 __attribute__((ext_vector_type(32)));

INLINE v16i join(__m256i low, __m256i high) {
    return __builtin_shufflevector(
        (v8i)low, (v8i)high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
INLINE __m256i low_half(v16i x) { return (__m256i)x.lo; }
INLINE __m256i high_half(v16i x) { return (__m256i)x.hi; }
INLINE __m256i low_line(v64 x) { return (__m256i)x.lo; }
INLINE __m256i high_line(v64 x) { return (__m256i)x.hi; }

/// Keeps the compiler from taking up one chain of sums after the other: the units would idle.
#define IN_ORDER(sum)                                                                             \
    do {                                                                                          \
        __m256i low = low_half(sum), high = high_half(sum);                                       \
        __asm__ volatile("" : "+x"(low), "+x"(high));                                             \
        sum = join(low, high);                                                                    \
    } while (0)

INLINE v64 lookup(v64 codes, const uint8_t *table) {
    const __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
    v64 found;
    found.lo = (v32)_mm256_shuffle_epi8(values, low_line(codes));
    found.hi = (v32)_mm256_shuffle_epi8(values, high_line(codes));
    return found;
}
