// Node: the composition root.
//
//   State      the state directory: keys, certificates, tickets, configuration
//   Trust      what is exchanged about trust while the node runs, and the renewal of certificates
//   Discovery  where members are looked for: seeds, the ticket's addresses, members remembered
//   Doctor     what is wrong with a node, and what to do
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
    /// The most links that a node may be told to carry between others.
    public static let relayedLinksMax = 1024
    /// The most members remembered for the next start.
    public static let knownPeersMax = 256
    /// The longest text of what `mesh certify` prints, in characters.
    public static let grantTextMax = 8192
    /// The most addresses of discovery that a status shows.
    public static let statusPlacesMax = 64
    /// Through how many members a link is tried to one that cannot be dialled.
    static let relaysTriedMax = 3
    /// The most tokens of one message to a peer.
    static let batchTokensMax = 64
    /// The longest time that tokens for a peer are gathered, in milliseconds.
    public static let batchMillisecondsMax = 1000
    /// The most models one node serves.
    public static let modelsMax = 16
    /// How often a node that has work tells its gossip how busy it is.
    static let activityInterval: Duration = .milliseconds(500)
    /// The most cached beginnings of prompts looked at for those that are told of.
    static let prefixesLookedAt = 64
    /// The most models that one alias names.
    public static let ladderRungsMax = 8
    /// The most inference requests from peers that are served at once; the engines' own queues
    /// are shorter.
    public static let remoteRequestsMax = 256
    /// How long a stopping node waits for what it is serving.
    public static let drainSeconds = 10
}
