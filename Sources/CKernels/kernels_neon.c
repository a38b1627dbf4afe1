// The NEON table, with the 8-bit dot product of Armv8.2. Compiled into every aarch64 build by the
// attributes below; called only where the processor has that instruction.
//
// It is checked against the portable table under an emulator (Tests/neon); how fast it is was
// not measured.
#include "CKernels.h"
#include "layout.h"

#include <string.h>

#if defined(__aarch64__)

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

#include "vectors.h"

// 32 registers of 128 bits: a vector of 16 floats takes four.
#define SHOAL_F16_HARDWARE 1
#define SHOAL_VECTOR_REGISTERS 8
#define SHOAL_TILE_PANELS 1
#define SHOAL_TILE_COLUMNS 4
#define SHOAL_DIRECT_COLUMNS 4
#define SHOAL_DIRECT_INPUTS 8
#define SHOAL_FLOAT_PANELS 1
#define SHOAL_FLOAT_COLUMNS 6
#define SHOAL_WIDE_SLABS 0
#define IN_ORDER(sum) (void)(sum)

/// A vector of 64 bytes as four registers.
typedef union {
    v16i lanes;
    v64 line;
    int32x4_t quarters[4];
    int8x16_t bytes[4];
    uint8x16_t codes[4];
} four_registers;

// sdot multiplies signed bytes and adds four products to 32 bits, exactly. Codes are at most 127.
INLINE v16i dot(v16i sum, v64 codes, int32_t x) {
    const int8x16_t inputs = vreinterpretq_s8_s32(vdupq_n_s32(x));
    four_registers s = {.lanes = sum}, c = {.line = codes};
    for (int i = 0; i < 4; i++) s.quarters[i] = vdotq_s32(s.quarters[i], c.bytes[i], inputs);
    return s.lanes;
}
/// The same for codes of 8 bits, which stand for code - 128: that is their upper bit flipped.
INLINE v16i dot_wide(v16i sum, v64 codes, int32_t x) {
    return dot(sum, codes ^ (v64)(uint8_t)(0x80), x);
}
INLINE v16i wide_start(int32_t inputs) {
    (void)inputs;
    return (v16i)(0);
}
/// Each lane's two 16-bit numbers times the two of `x`, added.
INLINE v16i dot_pairs(v16i sum, v16i pairs, int32_t x) {
    return sum + ((pairs << 16) >> 16) * (int16_t)x + (pairs >> 16) * (x >> 16);
}
/// Replaces each code of 4 bits by an element of the table.
INLINE v64 lookup(v64 codes, const uint8_t *table) {
    const uint8x16_t values = vld1q_u8(table);
    four_registers c = {.line = codes};
    for (int i = 0; i < 4; i++) c.codes[i] = vqtbl1q_u8(values, c.codes[i]);
    return c.line;
}

#include "kernels_body.h"

static const shoal_kernels table = SHOAL_TABLE("neon");

#pragma clang attribute pop

const shoal_kernels *shoal_kernels_neon(void) {
#if defined(__linux__)
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? &table : NULL;
#else
    return &table; // every processor of Apple's since 2018
#endif
}

#else

const shoal_kernels *shoal_kernels_neon(void) { return NULL; }

#endif
