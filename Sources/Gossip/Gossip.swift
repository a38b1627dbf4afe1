// Gossip: the membership core.
//
// SWIM as a pure state machine: time, randomness, signatures and ciphers are handed in, effects
// are returned. No I/O.
