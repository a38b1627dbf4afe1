// Trust: who is who in a mesh.
//
// Identities, certificates, tickets, gate keys, datagram keys and digests live here, as values and
// codecs. Files and sockets are elsewhere.
