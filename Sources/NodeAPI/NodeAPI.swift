// NodeAPI: the node's HTTP interface.
//
// Routes, server-sent events and the mapping of errors live here. What a node does is behind
// `NodeService`, which `Node` implements; this target does not know the mesh. The rules of an
// answer are in three files: `GenerationRoutes` (from the body of a request to a running
// generation), `AnswerFormat` (from its events to OpenAI's forms) and `GenerationSession` (a
// generation is cancelled when its client has gone, whatever the route was doing).

/// Bounds of the HTTP interface.
public enum NodeAPILimits {
    /// The longest body of a request, in bytes.
    public static let bodyBytesMax = 4 << 20
    /// The most generations at once, unless configured otherwise; the next is told to come back.
    public static let concurrentGenerationsMax = 64
    /// The most connections over the network at once; further ones wait in the system's queue. Fewer
    /// where the process may open few files: see ``connections(openFiles:)``.
    public static let connectionsMax = 1_024
    /// The most connections of commands of this machine at once, over the Unix socket. They have
    /// their own, so that a flood over the network keeps no command out.
    public static let commandConnectionsMax = 128
    /// What share of the files that the process may open is for connections over the network: the
    /// rest is for links, models and state.
    public static let connectionsShare = 4
    /// And for the commands of this machine.
    public static let commandConnectionsShare = 8
    /// All header fields of a request together, in bytes.
    public static let headerBytesMax = 32 << 10
    /// The most header fields of a request.
    public static let headerFieldsMax = 128
    /// A connection on which no request arrives, or one stops arriving, is closed after this
    /// many seconds. It does not end a generation.
    public static let idleSecondsMax = 30
    /// How long a node that stops waits for the rest of a request that has begun to arrive, in
    /// seconds. Requests that have arrived are answered.
    public static let unfinishedRequestSeconds = 2
    /// The longest origin of a page, in bytes.
    public static let originBytesMax = 512
    /// The most origins of pages that a node is told of.
    public static let originsMax = 64
    /// All text of an answer that is not streamed, in bytes of UTF-8.
    public static let answerBytesMax = 16 << 20
    /// What the log probabilities of one token count for in the size of an answer, in bytes.
    public static let logprobsBytes = 1 << 10
    /// The most model names in an error's message.
    public static let modelNamesInMessageMax = 32
    /// What a client is told to wait when this node's own limit on generations is reached, in
    /// seconds.
    public static let retryAfterSeconds = 1

    /// How many connections there may be at once, over the network and of this machine's commands,
    /// in a process that may open so many files.
    public static func connections(openFiles: Int) -> (network: Int, commands: Int) {
        (
            max(1, min(connectionsMax, openFiles / connectionsShare)),
            max(1, min(commandConnectionsMax, openFiles / commandConnectionsShare))
        )
    }
}
