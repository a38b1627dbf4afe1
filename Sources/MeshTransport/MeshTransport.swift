// MeshTransport: SwiftNIO shells around the cores.
//
// Sockets, timers and threads for datagrams and links live here, and no decision that a core
// could take.
