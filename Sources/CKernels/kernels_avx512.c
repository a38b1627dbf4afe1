// The AVX-512 table, with the 8-bit dot product of VNNI. Compiled into every x86-64 build by the
// attributes below; called only where the processor and the operating system support it.
#include "CKernels.h"
#include "layout.h"

#include <string.h>

#if defined(__x86_64__)

#pragma clang attribute push(                                                                     \
    __attribute__((                                                                               \
        target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,tune=znver4"))),      \
    apply_to = function)
// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

#include "vectors.h"

// 32 registers: a tile of 2 x 6 has 12 integer and 12 float accumulators.
#define SHOAL_F16_HARDWARE 1
#define SHOAL_ISA_AVX512VNNI 1
#define SHOAL_VECTOR_REGISTERS 32
#define SHOAL_WIDE_SLABS 1
#define SHOAL_TILE_PANELS 2
#define SHOAL_TILE_COLUMNS 6
#define SHOAL_DIRECT_COLUMNS 8
#define SHOAL_DIRECT_INPUTS 32
#define SHOAL_PACKED_PANELS 2
#define SHOAL_PACKED_COLUMNS 6
#define SHOAL_FLOAT_PANELS 2
#define SHOAL_FLOAT_COLUMNS 12

// vpdpbusd multiplies unsigned by signed bytes and adds four products to 32 bits, exactly.
INLINE v16i dot(v16i sum, v64 codes, int32_t x) {
    return (v16i)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, _mm512_set1_epi32(x));
}
INLINE v16i dot_wide(v16i sum, v64 codes, int32_t x) { return dot(sum, codes, x); }
INLINE v16i wide_start(int32_t inputs) { return (v16i)_mm512_set1_epi32(inputs); }
INLINE v16i dot_pairs(v16i sum, v16i pairs, int32_t x) {
    return (v16i)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)pairs, _mm512_set1_epi32(x));
}
/// Keeps the compiler from taking up one chain of sums after the other: the units would idle.
#define IN_ORDER(sum) __asm__ volatile("" : "+v"(sum))
INLINE v64 lookup(v64 codes, const uint8_t *table) {
    const __m512i values = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
    return (v64)_mm512_shuffle_epi8(values, (__m512i)codes);
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
