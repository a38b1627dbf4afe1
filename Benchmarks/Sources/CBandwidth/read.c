#define _DEFAULT_SOURCE
#include "CBandwidth.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *bandwidth_buffer(size_t bytes) {
    const size_t huge = (size_t)2 << 20;
    void *memory = NULL;
    if (posix_memalign(&memory, huge, (bytes + huge - 1) / huge * huge) != 0) { return NULL; }
#ifdef MADV_HUGEPAGE
    // The best that the machine can do is what we compare with. A refusal changes nothing.
    (void)madvise(memory, (bytes + huge - 1) / huge * huge, MADV_HUGEPAGE);
#endif
    // Pages that were never written may all be one page of zeros, which a cache would hold.
    memset(memory, 1, bytes);
    return memory;
}

typedef uint64_t line __attribute__((vector_size(64)));

// Four sums, so that no addition waits for the one before it.
#define READ_LINES                                                                                 \
    const line *from = memory;                                                                     \
    line a = {0}, b = {0}, c = {0}, d = {0};                                                       \
    for (size_t i = 0; i < bytes / sizeof(line); i += 4) {                                         \
        __builtin_prefetch((const char *)(from + i) + 2048);                                       \
        __builtin_prefetch((const char *)(from + i) + 2048 + 64);                                  \
        __builtin_prefetch((const char *)(from + i) + 2048 + 128);                                 \
        __builtin_prefetch((const char *)(from + i) + 2048 + 192);                                 \
        a += from[i];                                                                              \
        b += from[i + 1];                                                                          \
        c += from[i + 2];                                                                          \
        d += from[i + 3];                                                                          \
    }                                                                                              \
    a += b + c + d;                                                                                \
    return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];

static uint64_t read_plain(const void *memory, size_t bytes) { READ_LINES }

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const void *memory, size_t bytes) {
    READ_LINES
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const void *memory, size_t bytes) {
    READ_LINES
}
#endif

uint64_t bandwidth_read(const void *memory, size_t bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) { return read_avx512(memory, bytes); }
    if (__builtin_cpu_supports("avx2")) { return read_avx2(memory, bytes); }
#endif
    return read_plain(memory, bytes);
}
