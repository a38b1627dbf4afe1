// Node: the composition root.
//
//   State      the state directory: keys, certificates, tickets, configuration
//   Serving    the executor, the entry service, and the text of an answer
//   Runtime    the wiring of engine, gossip, links and HTTP into one process
//
// Decisions live in the cores that this drives.

/// Bounds of the node as a whole.
public enum NodeLimits {
    /// The largest budget of memory for models, in MiB.
    public static let memoryMiBMax = 1 << 30
    /// Threads of a forward pass.
    public static let threadsMax = 256
    /// The most members remembered for the next start.
    public static let knownPeersMax = 256
    /// The most models one node serves.
    public static let modelsMax = 16
    /// The longest alias, in bytes.
    public static let aliasBytesMax = 24
    /// The most aliases that one model is announced under.
    public static let modelAliasesMax = 4
    /// The most models that one alias names.
    public static let ladderRungsMax = 8
    /// The most inference requests from peers that are served at once; the engines' own queues
    /// are shorter.
    public static let remoteRequestsMax = 256
    /// How long a stopping node waits for what it is serving.
    public static let drainSeconds = 10
}
