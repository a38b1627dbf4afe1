// MeshTransport: SwiftNIO shells around the cores.
//
// Sockets, timers and threads for datagrams and links live here, and no decision that a core
// could take.
//
//   LinkTransport   listens and dials; one link per peer; streams as async sequences
//   Door            the thread at the peer port: who may make a handshake at all
//   LinkHub         its state, on one event loop, with LinkConnection for each connection
//   LinkCarrier     what a connection's bytes go over: a socket, or a stream of another link
//   JoinExchange    the join lane, both sides
//   RelayService    carries a link between two nodes that can't reach each other
//   GossipRunner    membership while the node runs
//   GossipThread    its thread: jobs, then the socket, then the clock
//   GossipLoop      the shell around GossipEndpoint, on that thread

internal import NIOCore
internal import NIOPosix
internal import Platform

/// Bounds of the shells. Those of the link protocol are in `LinkLimits`, those of membership in
/// `GossipLimits` and `DatagramLimits`.
public enum MeshTransportLimits {
    /// Bytes of records that wait in a connection's own buffer. Few: what was sealed cannot be
    /// overtaken by something more urgent.
    static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(
        low: 32 << 10, high: 64 << 10)
    /// Bytes of records that are handed to a connection together.
    static let batchBytes = 48 << 10
    /// The same where nothing urgent waits behind them.
    static let bulkWriteBuffer = ChannelOptions.Types.WriteBufferWaterMark(
        low: 128 << 10, high: 256 << 10)
    static let bulkBatchBytes = 112 << 10
    /// Freed memory that the process keeps for the next burst of records.
    static let freedMemoryKept = 8 << 20
    /// The most bytes that are read from a connection for bulk at once.
    static let bulkReadBytes = 128 << 10
    /// Bytes of records that one connection sends before others on its loop have their turn: a
    /// tenth of a millisecond of sealing.
    static let turnBytes = 112 << 10
    /// Connections that the system holds until the door's thread accepts them.
    static let acceptBacklog: Int32 = 1024
    /// Connections accepted in one turn before those who wait are looked at.
    static let acceptsPerTurn = 64
    /// How often the door's thread looks at the clock while somebody waits there.
    static let doorTick: Duration = .milliseconds(100)
    /// How long nobody is let in when the system has no more descriptors.
    static let doorPause: Duration = .milliseconds(100)
    /// Descriptors that the process asks for: links, those who wait at the door, files.
    static let descriptorsWanted = 8192
    /// Renewals of links at once.
    static let renewalsMax = 8
    /// When a renewal that failed is tried again.
    static let renewalRetry: Duration = .seconds(60)
    /// How long a connection for bulk is kept without a stream.
    static let bulkIdle: Duration = .seconds(30)
    /// How often a join that met silence is tried again at one address, and after how long first;
    /// each time twice as long.
    static let joinRetriesMax = 4
    static let joinPause: Duration = .milliseconds(200)
    /// How long the link key of a joiner says that it lasts.
    static let joinKeyLifetime: Duration = .seconds(12 * 3600)
    /// Streams that are carried on for others at once, unless settings say another number.
    public static let relayedStreamsMax = 64
    /// Of those, the most for one node.
    public static let relayedStreamsPerAskerMax = 8
    /// How long a stream that is carried on may be without a byte, to the grain of itself. Longer
    /// than a link inside is silent.
    public static let relayIdle: Duration = .seconds(60)
    /// How often a direct way is looked for while a link is relayed.
    static let directRetry: Duration = .seconds(60)
    /// Own links that others carry.
    static let relayedLinksMax = 64
    /// The most relays tried in one dial.
    static let relaysTriedMax = 4
    /// Keys tried in one dial on the catch-up lane.
    static let catchUpKeysMax = 4
    /// How soon an address is tried on the catch-up lane again, and of how many that is kept.
    static let catchUpInterval: Duration = .seconds(10)
    static let catchUpsKept = 256
    /// Replaced gate keys under which datagrams are still heeded.
    static let datagramKeysKept = 4
    /// The most verified certificate chains kept to tell who a member is and to hand on.
    public static let certificatesKept = 12_000
    /// The longest encoded certificate chain, in bytes: it fits a handshake message.
    public static let chainBytesMax = 2048
    /// How long a resolved name is used.
    public static let resolutionFresh: Duration = .seconds(60)
    /// The most resolved names kept.
    public static let resolutionsKept = 1024
    /// Gossip packets that wait for one link; the oldest go first.
    public static let linkPacketsQueued = 64
    /// How long gossip over a link keeps to one stream.
    static let gossipStreamAge: Duration = .seconds(600)
    /// The most dials for membership at once.
    public static let dialsMax = 16
    /// A dial that failed within this time was refused; of a longer one there was no answer. A first
    /// segment may be lost, and is sent again after a second.
    static let refusalMax: Duration = .seconds(2)
    /// The most push–pulls, and the most certificate fetches, at once.
    public static let exchangesMax = 16
    /// How long a push–pull or certificate fetch may take.
    public static let exchangeDeadline: Duration = .seconds(15)
    /// The most addresses of one name that datagrams are sent to.
    public static let addressesPerName = 4
    /// What the socket is asked to hold, in bytes, while the gossip thread has no processor; the
    /// system may give less.
    public static let receiveBufferBytes = 4 << 20
    /// Datagrams read in one turn before the clock is looked at, whatever still waits.
    public static let datagramsPerTurn = 4096
    /// A timer that runs this late is counted.
    public static let timerLateness: Duration = .milliseconds(20)
    /// The least time between two publications of the members after changes.
    public static let publishInterval: Duration = .milliseconds(100)
    /// The least time between two publications without any.
    public static let refreshInterval: Duration = .seconds(1)
    /// The same for each member: publishing takes time in proportion to their number.
    public static let refreshIntervalPerMember: Duration = .milliseconds(1)
    /// The least time that a thread with nothing left to do sleeps.
    public static let timerGrain: Duration = .milliseconds(1)
    /// How often links look at the clock: keepalives and their limits are in seconds.
    static let linkTick: Duration = .seconds(2)
    /// A look at the clock this late means that this node paused.
    static let linkPause: Duration = .seconds(1)
    /// How long a node that leaves goes on saying so.
    public static let farewell: Duration = .milliseconds(800)
    /// Membership events that an observer who doesn't read keeps; the oldest go first.
    public static let eventsBufferedMax = 4096
}

/// The thread of all links. Gossip has one of its own, which must not wait for a link that is busy.
/// It lives as long as the process.
enum MeshThreads {
    static let links = {
        // Records come in bursts, and their bytes are freed in bursts by who reads them.
        FreedMemory.keep(MeshTransportLimits.freedMemoryKept)
        return MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }()
}
