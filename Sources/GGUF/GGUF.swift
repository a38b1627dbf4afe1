// GGUF: the file format of models (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
//
// The bounded parser, memory-mapped tensors and the writer live here. A length or offset from the
// file is checked against the file and against `GGUFLimits` before anything is read or allocated.
// No arithmetic on weights (that is `Kernels`) and no knowledge of architectures (`Model`).
