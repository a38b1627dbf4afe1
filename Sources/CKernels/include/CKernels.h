// The C kernels: one table of functions per instruction set. See kernels_portable.c for the
// meaning of each; every other table gives the same bits.
#ifndef SHOAL_CKERNELS_H
#define SHOAL_CKERNELS_H
#endif
