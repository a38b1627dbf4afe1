// The kernels, written once over vectors of 16 lanes and compiled once per instruction set.
//
// Not a header in the usual sense: each kernels_*.c includes it, with its own target attributes,
// after defining
//   SHOAL_F16_HARDWARE  1 if conversions between F16 and F32 are instructions;
//   SHOAL_VECTOR_REGISTERS  vectors of 16 floats that its registers hold;
//   SHOAL_TILE_PANELS, SHOAL_TILE_COLUMNS     the tile of a product with many inputs;
//   SHOAL_DIRECT_COLUMNS, SHOAL_DIRECT_INPUTS inputs at once, and at most, straight from the panel;
//   SHOAL_WIDE_SLABS    1 if products of all 8 bits cost no more than those of 7 (dot_wide);
//   SHOAL_FLOAT_PANELS, SHOAL_FLOAT_COLUMNS   the tile of float products;
//   dot, dot_wide, wide_start, dot_pairs, lookup   the integer steps, the only part that differs;
//   IN_ORDER            see there.
// The lanes of a vector never meet except in the trees below, so how many of them one
// instruction holds cannot change a bit. Rules of "shoal-numerics-2":
//   - a product has one accumulator per output row, filled in column (or block) order, by the rule
//     of the format: products_float.h, products_block.h, products_k.h;
//   - sums and maxima across a vector: element i belongs to lane i mod 16, lanes fold 8, 4, 2, 1.
#pragma STDC FP_CONTRACT OFF

#include "lanes.h"
#include "lines.h"
#include "encode.h"
#include "products_float.h"
#include "products_slab.h"
#include "products_block.h"
#include "products_k.h"
#include "elementwise.h"
#include "attention.h"

#define SHOAL_TABLE(NAME)                                                                         \
    {                                                                                             \
        .name = NAME,                                                                             \
        .product = {product_f32, product_f16, product_bf16, product_q8_0, product_q4_0,           \
            product_q4_1, product_q5_0, product_q5_1, product_iq4_nl, product_q2_k, product_q3_k, \
            product_q4_k, product_q5_k, product_q6_k},                                            \
        .quantise = quantise, .quantise_k = quantise_k, .residual = residual,                     \
        .rms_norm = rms_norm, .swiglu = swiglu, .add = add,                                       \
        .rotate = rotate, .f32_to_f16 = f32_to_f16,                                               \
        .f16_to_f32 = f16_to_f32, .exponential = exponential,                                     \
        .hyperbolic_tangent = hyperbolic_tangent,                                                 \
        .error_function = error_function,                                                         \
        .layer_norm = layer_norm,                                                                 \
        .geglu = geglu,                                                                           \
        .gelu = gelu,                                                                             \
        .add_scaled = add_scaled,                                                                 \
        .scale = scale_by,                                                                        \
        .rotate_halves = rotate_halves,                                                           \
        .softmax = softmax,                                                                       \
        .store_kv = store_kv,                                                                     \
        .attend = attend,                                                                         \
    }
