// Sampling: from logits to a token.
//
// Samplers, counter-based random numbers and stop strings live here. Pure: a draw depends on
// (seed, choice, index) and on nothing else.
