// Simulation: the real cores on a seeded network and clock.
//
// The network, its faults and the checkers live here. The same seed replays byte for byte.
