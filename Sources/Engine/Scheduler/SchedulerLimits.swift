/// Bounds and weights of the scheduler.
enum SchedulerLimits {
    /// Seconds a step should take while others wait for its end.
    static let stepSeconds = 0.06
    /// Seconds a step may take while only one request is here.
    static let stepSecondsAlone = 0.15
    /// Tokens of prompts in a step before anything was measured.
    static let firstStepTokens = 64
    /// Tokens of prompts that a step may run even when decoding takes all its time: prompts must
    /// get on too.
    static let promptTokensMin = 16
    /// What a token of a prompt counts for in a caller's share.
    static let promptTokenWeight = 1.0
    /// What a token made counts for: the paper's weight, about what it costs more.
    static let madeTokenWeight = 2.0
    /// Callers remembered who have no request here.
    static let absentCallersMax = 1024
    /// Requests of one caller more than another's before it gives way to the other: with two more,
    /// the exchange leaves it no fewer, so that they don't take turns at it.
    static let giveWayRequests = 2
    /// Rows of drafts in a step, which bounds the memory of its logits.
    static let draftRowsMax = 32
}
