// The AVX-VNNI table: AVX2 with the 8-bit dot product in 256-bit registers. Compiled into every
// x86-64 build by the attributes below; called only where the processor and the operating system
// support it.
#include "CKernels.h"
#include "layout.h"

#include <string.h>

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#include <cpuid.h>
#include <immintrin.h>

#include "halves.h"

#define SHOAL_WIDE_SLABS 1

// vpdpbusd multiplies unsigned by signed bytes and adds four products to 32 bits, exactly.
INLINE v16i dot(v16i sum, v64 codes, int32_t x) {
    const __m256i inputs = _mm256_set1_epi32(x);
    return join(
        _mm256_dpbusd_avx_epi32(low_half(sum), low_line(codes), inputs),
        _mm256_dpbusd_avx_epi32(high_half(sum), high_line(codes), inputs));
}
INLINE v16i dot_wide(v16i sum, v64 codes, int32_t x) { return dot(sum, codes, x); }
INLINE v16i wide_start(int32_t inputs) { return (v16i)(inputs); }
INLINE v16i dot_pairs(v16i sum, v16i pairs, int32_t x) {
    const __m256i inputs = _mm256_set1_epi32(x);
    return join(
        _mm256_dpwssd_avx_epi32(low_half(sum), low_half(pairs), inputs),
        _mm256_dpwssd_avx_epi32(high_half(sum), high_half(pairs), inputs));
}

#include "kernels_body.h"

static const shoal_kernels table = SHOAL_TABLE("avxvnni");

#pragma clang attribute pop

/// Leaf 7, subleaf 1, EAX bit 4; asked here because not every compiler knows it by name.
static bool has_avx_vnni(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4)) != 0;
}

const shoal_kernels *shoal_kernels_avxvnni(void) {
    __builtin_cpu_init();
    // Also asks whether the operating system saves the wide registers (XGETBV).
    const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("f16c") && has_avx_vnni();
    return supported ? &table : NULL;
}

#else

const shoal_kernels *shoal_kernels_avxvnni(void) { return NULL; }

#endif
