// Mesh: sessions between nodes and what travels in them.
//
// Pure cores: the link handshake, the multiplexer, routing, failover, and the messages of
// inference. Sockets and timers are in `MeshTransport`.
