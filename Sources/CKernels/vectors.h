// The vector types that all tables share: 16 lanes, whatever a register holds.
#ifndef SHOAL_VECTORS_H
#define SHOAL_VECTORS_H

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define NO_UNROLL _Pragma("clang loop unroll(disable)")

typedef float v16 __attribute__((ext_vector_type(16)));
typedef int32_t v16i __attribute__((ext_vector_type(16)));
typedef uint16_t v16h __attribute__((ext_vector_type(16)));
typedef int8_t v16b __attribute__((ext_vector_type(16)));
/// A line of weight codes: 16 rows x 4 consecutive columns.
typedef uint8_t v64 __attribute__((ext_vector_type(64)));
typedef uint16_t v32h __attribute__((ext_vector_type(32)));

#endif
