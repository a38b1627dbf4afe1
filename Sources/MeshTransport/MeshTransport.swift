// MeshTransport: SwiftNIO shells around the cores.
//
// Sockets, timers and threads for datagrams and links live here, and no decision that a core
// could take.
//
//   LinkTransport   listens and dials; one link per peer; streams as async sequences
//   LinkHub         its state, on one event loop, with LinkConnection for each connection
//   JoinExchange    the join lane, both sides
//   GossipRunner    runs the membership core on a thread of its own
//   GossipLoop      its state, on one event loop

internal import NIOCore
internal import NIOPosix

/// Bounds of the shells. Those of the link protocol are in `LinkLimits`, those of membership in
/// `GossipLimits` and `DatagramLimits`.
public enum MeshTransportLimits {
    /// Bytes of records that wait in a connection's own buffer. Few: what was sealed cannot be
    /// overtaken by something more urgent.
    static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(
        low: 32 << 10, high: 64 << 10)
    /// The most verified certificate chains kept to tell who a member is and to hand on.
    public static let certificatesKept = 12_000
    /// The longest encoded certificate chain, in bytes: it fits a handshake message.
    public static let chainBytesMax = 2048
    /// The most addresses of a member that a datagram is sent to while none is known to work.
    public static let candidatesTried = 4
    /// How long the address that a member was heard from is used alone.
    public static let addressFresh: Duration = .seconds(5)
    /// How long a resolved name is used.
    public static let resolutionFresh: Duration = .seconds(60)
    /// The most resolved names kept.
    public static let resolutionsKept = 1024
    /// Gossip packets that wait for one link; the oldest go first.
    public static let linkPacketsQueued = 64
    /// The most dials for membership at once.
    public static let dialsMax = 16
    /// The most push–pulls, and the most certificate fetches, at once.
    public static let exchangesMax = 16
    /// How long a push–pull or certificate fetch may take.
    public static let exchangeDeadline: Duration = .seconds(15)
    /// Datagrams read at one wakeup before anything else is done.
    static let datagramsPerWakeup: UInt = 64
    /// A timer later than this lets datagrams that wait in the socket be read first: after a pause,
    /// refutations in the socket must be seen before suspicions expire.
    public static let timerLateness: Duration = .milliseconds(20)
    /// How often a late timer gives way to datagrams before it runs.
    public static let timerDeferrals = 32
    /// The least time between two runs of the timer.
    public static let timerGrain: Duration = .milliseconds(1)
    /// How long a node that leaves goes on saying so.
    public static let farewell: Duration = .milliseconds(800)
    /// Membership events that an observer who doesn't read keeps; the oldest go first.
    public static let eventsBufferedMax = 4096
}

/// The threads of the mesh, one for links and one for membership, which must not wait for a link
/// that is busy. They live as long as the process.
enum MeshThreads {
    static let links = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    static let gossip = MultiThreadedEventLoopGroup(numberOfThreads: 1)
}
