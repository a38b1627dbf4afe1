// MeshTransport: SwiftNIO shells around the cores.
//
// Sockets, timers and threads for datagrams and links live here, and no decision that a core
// could take.
//
//   LinkTransport   listens and dials; one link per peer; streams as async sequences
//   LinkHub         its state, on one event loop, with LinkConnection for each connection
//   JoinExchange    the join lane, both sides
//   GossipRunner    runs the membership core on a thread of its own

internal import NIOCore
internal import NIOPosix

/// Bounds of the shells. Those of the link protocol are in `LinkLimits`.
public enum MeshTransportLimits {
    /// Bytes of records that wait in a connection's own buffer. Few: what was sealed cannot be
    /// overtaken by something more urgent.
    static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(
        low: 32 << 10, high: 64 << 10)
}

/// The threads of the mesh, one for links and one for membership, which must not wait for a link
/// that is busy. They live as long as the process.
enum MeshThreads {
    static let links = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    static let gossip = MultiThreadedEventLoopGroup(numberOfThreads: 1)
}
