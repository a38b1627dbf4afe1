// The portable table: plain C, the oracle of every other.
#include "CKernels.h"
#include "layout.h"

#include <string.h>

// Vectors pass only between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#pragma STDC FP_CONTRACT OFF

#include "vectors.h"

#define SHOAL_F16_HARDWARE 0
#define SHOAL_VECTOR_REGISTERS 4
#define SHOAL_WIDE_SLABS 0
#define SHOAL_TILE_PANELS 1
#define SHOAL_TILE_COLUMNS 4
#define SHOAL_DIRECT_COLUMNS 2
#define SHOAL_DIRECT_INPUTS 2
#define SHOAL_FLOAT_PANELS 1
#define SHOAL_FLOAT_COLUMNS 4

/// Each lane's four codes times the four inputs of `x`, added.
INLINE v16i dot(v16i sum, v64 codes, int32_t x) {
    const v16i words = __builtin_bit_cast(v16i, codes);
    for (int i = 0; i < 4; i++) sum += ((words >> (8 * i)) & 0xff) * (int8_t)(x >> (8 * i));
    return sum;
}
/// The same for codes of 8 bits, which stand for code - 128.
INLINE v16i dot_wide(v16i sum, v64 codes, int32_t x) { return dot(sum, codes, x); }
/// What makes up for the 128, given -128 times the sum of all inputs that meet a lane.
INLINE v16i wide_start(int32_t inputs) { return (v16i)(inputs); }
/// Each lane's two 16-bit numbers times the two of `x`, added.
INLINE v16i dot_pairs(v16i sum, v16i pairs, int32_t x) {
    return sum + ((pairs << 16) >> 16) * (int16_t)x + (pairs >> 16) * (x >> 16);
}
/// Nothing here to keep in order.
#define IN_ORDER(sum) (void)(sum)
/// Replaces each code of 4 bits by an element of the table.
INLINE v64 lookup(v64 codes, const uint8_t *table) {
    uint8_t bytes[64];
    memcpy(bytes, &codes, 64);
    for (int i = 0; i < 64; i++) bytes[i] = table[bytes[i] & 15];
    memcpy(&codes, bytes, 64);
    return codes;
}

#include "kernels_body.h"

const shoal_kernels *shoal_kernels_portable(void) {
    static const shoal_kernels table = SHOAL_TABLE("portable");
    return &table;
}
