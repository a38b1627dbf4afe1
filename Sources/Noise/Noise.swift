// Noise: the Noise protocol framework, revision 34, for 25519, ChaChaPoly and BLAKE2b.
//
// The handshake state machine and the transport cipher live here. No I/O, no sessions, no policy.
