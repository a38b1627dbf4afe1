// The read bandwidth of this machine: what products of large matrices with one vector cannot
// exceed.
#ifndef SHOAL_CBANDWIDTH_H
#define SHOAL_CBANDWIDTH_H

#include <stddef.h>
#include <stdint.h>

/// Memory of `bytes` bytes, aligned to 64 and written once, in huge pages where the system gives
/// them; null when it gives none at all. To be released by `free`.
void *bandwidth_buffer(size_t bytes);

/// The sum of the 64-bit words of `bytes` bytes, a multiple of 256, read in loads of 64 bytes by
/// the widest registers of this processor. `memory` is aligned to 64.
uint64_t bandwidth_read(const void *memory, size_t bytes);

#endif
