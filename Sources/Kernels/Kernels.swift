// Kernels: the Swift face of the C kernels.
//
// Block layouts, repacking, the table chosen at run time and the thread pool live here; the
// arithmetic itself is in `CKernels`, one file per instruction set. Knows nothing of models.
