// Sizes of attention's blocks and scratch memory, the same for every instruction set.
#include "attention_block.h"

int64_t shoal_kv_block_bytes(shoal_kv_format format, int64_t head_dim) {
    if (head_dim < 1 || head_dim > SHOAL_HEAD_DIM_MAX) return 0;
    if (format == SHOAL_KV_Q8 && head_dim % SHOAL_KV_CODES != 0) return 0;
    return layout_of(format, head_dim).bytes;
}

int64_t shoal_attend_scratch_bytes(int64_t head_dim) { return scratch_of(head_dim).bytes; }
