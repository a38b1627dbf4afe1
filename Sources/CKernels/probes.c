// What this machine can do at most: reading memory, and multiplying bytes. Kernels are measured
// against these loops, in the same run.
#include "CKernels.h"

#pragma STDC FP_CONTRACT OFF

typedef uint64_t line __attribute__((vector_size(64)));

// Four sums, so that no addition waits for the one before it.
#define READ_LINES                                                                                \
    const line *from = memory;                                                                    \
    line a = {0}, b = {0}, c = {0}, d = {0};                                                      \
    for (int64_t i = 0; i < bytes / (int64_t)sizeof(line); i += 4) {                              \
        __builtin_prefetch((const char *)(from + i) + 2048);                                      \
        __builtin_prefetch((const char *)(from + i) + 2048 + 64);                                 \
        __builtin_prefetch((const char *)(from + i) + 2048 + 128);                                \
        __builtin_prefetch((const char *)(from + i) + 2048 + 192);                                \
        a += from[i];                                                                             \
        b += from[i + 1];                                                                         \
        c += from[i + 2];                                                                         \
        d += from[i + 3];                                                                         \
    }                                                                                             \
    a += b + c + d;                                                                               \
    return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];

static uint64_t read_plain(const void *memory, int64_t bytes) { READ_LINES }

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const void *memory, int64_t bytes) {
    READ_LINES
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const void *memory, int64_t bytes) {
    READ_LINES
}
#endif

uint64_t shoal_probe_read(const void *memory, int64_t bytes) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return read_avx512(memory, bytes);
    if (__builtin_cpu_supports("avx2")) return read_avx2(memory, bytes);
#endif
    return read_plain(memory, bytes);
}

#if defined(__x86_64__)

#include <immintrin.h>

/// Chains of dot products that do not wait for one another: more than latency times ports.
enum { CHAINS = 16 };

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static int64_t int8_avx512(
    int64_t rounds, int32_t *sink) {
    __m512i sums[CHAINS];
    const __m512i a = _mm512_set1_epi32(*sink | 0x01020304), b = _mm512_set1_epi32(0x01010101);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_epi32(i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) {
            sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
            __asm__ volatile("" : "+v"(sums[i])); // or the compiler would fold the loop
        }
    for (int i = 0; i < CHAINS; i++) *sink ^= _mm512_cvtsi512_si32(sums[i]);
    return rounds * CHAINS * 128;
}

__attribute__((target("avx2,avxvnni"))) static int64_t int8_avxvnni(
    int64_t rounds, int32_t *sink) {
    __m256i sums[12];
    const __m256i a = _mm256_set1_epi32(*sink | 0x01020304), b = _mm256_set1_epi32(0x01010101);
    for (int i = 0; i < 12; i++) sums[i] = _mm256_set1_epi32(i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < 12; i++) {
            sums[i] = _mm256_dpbusd_avx_epi32(sums[i], a, b);
            __asm__ volatile("" : "+x"(sums[i]));
        }
    for (int i = 0; i < 12; i++) *sink ^= _mm256_cvtsi256_si32(sums[i]);
    return rounds * 12 * 64;
}

__attribute__((target("avx2"))) static int64_t int8_avx2(int64_t rounds, int32_t *sink) {
    __m256i sums[8];
    const __m256i ones = _mm256_set1_epi16(1), b = _mm256_set1_epi32(0x01010101);
    __m256i a = _mm256_set1_epi32(*sink | 0x01020304);
    for (int i = 0; i < 8; i++) sums[i] = _mm256_set1_epi32(i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < 8; i++) {
            __asm__ volatile("" : "+x"(a));
            __m256i product = _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones);
            sums[i] = _mm256_add_epi32(sums[i], product);
        }
    for (int i = 0; i < 8; i++) *sink ^= _mm256_cvtsi256_si32(sums[i]);
    return rounds * 8 * 64;
}
#endif

static int64_t int8_plain(int64_t rounds, int32_t *sink) {
    int32_t sums[16] = {0};
    const int32_t seed = *sink;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < 16; i++) {
            int32_t x = seed ^ i;
            __asm__ volatile("" : "+r"(x));
            sums[i] += x * (int32_t)(r & 127);
        }
    for (int i = 0; i < 16; i++) *sink ^= sums[i];
    return rounds * 16 * 2;
}

int64_t shoal_probe_int8(int64_t rounds, int32_t *sink) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni")) return int8_avx512(rounds, sink);
    if (__builtin_cpu_supports("avxvnni")) return int8_avxvnni(rounds, sink);
    if (__builtin_cpu_supports("avx2")) return int8_avx2(rounds, sink);
#endif
    return int8_plain(rounds, sink);
}
