/// How busy an engine is and how fast it was lately: what a router needs to foretell when a request
/// would be answered.
public struct EngineLoad: Sendable, Hashable {
    /// Requests that have not begun.
    public var queued: Int
    /// Requests that have.
    public var running: Int
    /// Pages of ``EngineLimits/pagePositions`` positions that no running sequence uses.
    public var freePages: Int
    /// All pages.
    public var pageCount: Int
    /// Tokens of prompts that the waiting and running requests still need computed.
    public var pendingPromptTokens: Int
    /// Tokens of prompts a second, measured in passes that ran some; nil before the first.
    public var prefillTokensPerSecond: Double?
    /// Tokens made a second by passes that only decode, all sequences together; nil before the
    /// first.
    public var decodeTokensPerSecond: Double?
    /// Seconds from one token of a sequence to its next in such passes; nil before the first.
    public var decodeStepSeconds: Double?

    /// A load as given.
    public init(
        queued: Int, running: Int, freePages: Int = 0, pageCount: Int = 0,
        pendingPromptTokens: Int = 0, prefillTokensPerSecond: Double? = nil,
        decodeTokensPerSecond: Double? = nil, decodeStepSeconds: Double? = nil
    ) {
        self.queued = queued
        self.running = running
        self.freePages = freePages
        self.pageCount = pageCount
        self.pendingPromptTokens = pendingPromptTokens
        self.prefillTokensPerSecond = prefillTokensPerSecond
        self.decodeTokensPerSecond = decodeTokensPerSecond
        self.decodeStepSeconds = decodeStepSeconds
    }
}
