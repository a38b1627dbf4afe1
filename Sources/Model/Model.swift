// Model: architectures as forward passes over a range of layers, and the KV cache.
//
// An architecture is a small file that reads like the paper. Knows nothing of requests or text.
