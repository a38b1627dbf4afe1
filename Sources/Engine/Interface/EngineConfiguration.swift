/// How an engine uses its machine. Nothing here changes a token.
public struct EngineConfiguration: Sendable, Hashable {
    /// The most tokens of prompts run through the model at once; fewer are, as measured, where
    /// others wait for the end of the pass.
    public var chunkTokens: Int
    /// The most memory that the weights, and beside them the pages of keys and values, may take,
    /// in bytes; nil for what the system, and the control groups of the process, say is available.
    public var memoryBytesMax: Int?
    /// The most memory for pages of keys and values, in bytes; nil for half of what is left beside
    /// the weights. Memory is taken when a page is first used.
    public var pageBytesMax: Int?
    /// The most requests waiting.
    public var queuedRequestsMax: Int
    /// The most sequences that run together.
    public var sequencesMax: Int
    /// The most tokens of prompt and answer together; nil for what the model was made for. Fewer
    /// where memory holds no more.
    public var contextTokensMax: Int?
    /// Threads that share a forward pass; nil for one per processor.
    public var threads: Int?
    /// What the claim of the engine's threads to a processor is lowered by, 0 to 19, so that
    /// gossip, links and the HTTP interface run at once when they must, however busy the engine
    /// is. On an otherwise idle machine it costs nothing. Linux only.
    public var niceness: Int
    /// Whether tokens are guessed and the guesses checked.
    public var speculation: SpeculationMode

    /// A configuration; values beyond ``EngineLimits`` are brought within them.
    public init(
        chunkTokens: Int = 256, memoryBytesMax: Int? = nil,
        queuedRequestsMax: Int = EngineLimits.queuedRequestsMax, threads: Int? = nil,
        pageBytesMax: Int? = nil, sequencesMax: Int = EngineLimits.sequencesMax,
        contextTokensMax: Int? = nil, niceness: Int = 5, speculation: SpeculationMode = .auto
    ) {
        self.chunkTokens = min(max(chunkTokens, 1), EngineLimits.chunkTokensMax)
        self.memoryBytesMax = memoryBytesMax
        self.pageBytesMax = pageBytesMax
        self.queuedRequestsMax = min(max(queuedRequestsMax, 1), EngineLimits.queuedRequestsMax)
        self.sequencesMax = min(max(sequencesMax, 1), EngineLimits.sequencesMax)
        self.contextTokensMax = contextTokensMax.map { max($0, 2) }
        self.threads = threads.map { max($0, 1) }
        self.niceness = min(max(niceness, 0), EngineLimits.nicenessMax)
        self.speculation = speculation
    }
}
