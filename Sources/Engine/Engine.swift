// Engine: requests to tokens.
//
// The scheduler core (pure), the worker threads and the loaded models live here. Threads are its
// own: a forward pass never runs on the cooperative pool.
//
// What lives where:
// - `Interface`: what users of the engine see.
// - `Scheduler`: which sequences run next, with which pages of keys and values. Pure: no clock, no
//   threads, no randomness.
// - `Speculation`: guesses at what follows, and whether they pay. Pure.
// - `Preparation`: a request checked, its prompt encoded.
// - `Worker`: the thread that runs steps, samples and tells readers.
// - `Models`: what the worker needs of a model, and the real one behind it.
// - `Hosting`: several engines under one budget of memory.
// - `Measurement`: how fast a model file runs here, beside what the machine could do at most.
// `EvaluationRun` computes logits for comparison with references.
//
// Reproducibility: a token is a function of the prompt's ids, the parameters, the choice and the
// tokens before it. Continuing from tokens already delivered gives the tokens that would have
// followed, on any node with the same model and numerics id, whatever shares a step with it.

/// Bounds on what an engine accepts.
public enum EngineLimits {
    /// The most requests waiting; one more is refused with ``EngineError/queueFull(limit:)``.
    public static let queuedRequestsMax = 64
    /// The most sequences that run together.
    public static let sequencesMax = 64
    /// The most choices of one request.
    public static let choicesMax = 16
    /// The longest request id, in bytes of UTF-8.
    public static let requestIDBytesMax = 256
    /// The longest name of a caller, in bytes of UTF-8.
    public static let callerBytesMax = 256
    /// The longest deadline, in seconds; a later one is none.
    public static let deadlineSecondsMax = 1e9
    /// The longest text of a prompt, in bytes of UTF-8.
    public static let promptBytesMax = 16 << 20
    /// The longest text that is encoded on the thread that submits it, in bytes of UTF-8.
    public static let promptBytesAtOnce = 4 << 10
    /// The longest grammar or schema, in bytes of UTF-8.
    public static let constraintBytesMax = 64 << 10
    /// The most tokens of prompts run through the model at once.
    public static let chunkTokensMax = 4096
    /// Positions in a page of keys and values.
    public static let pagePositions = 64
    /// The most pages looked at, of those in use and of those kept, to tell what is cached.
    static let prefixPagesLookedAt = 512
    /// The most pages of keys and values.
    public static let pagesMax = 1 << 16
    /// Whole contexts that pages are made for, where memory allows more.
    public static let contextsMax = 64
    /// The most bytes of logits held at once by an evaluation.
    public static let evaluationLogitsBytesMax = 64 << 20
    /// The most other sequences that an evaluation may have in its batches.
    public static let evaluationCompanionsMax = 32
    /// The most texts of one call for embeddings.
    public static let embeddingTextsMax = 2048
    /// Tokens of texts that are embedded together.
    public static let embeddingTokensAtOnce = 512
    /// Tokens of the prompt by which speed is measured.
    public static let calibrationTokens = 96
    /// Tokens of its answer.
    public static let calibrationAnswerTokens = 6
    /// The most models of one host.
    public static let hostModelsMax = 64
    /// What part of the pages a model gets that only fits so.
    public static let hostPagesShare = 8
    /// The most requests that wait for one model to be loaded.
    public static let loadWaitersMax = 256
    /// The highest niceness of worker threads.
    public static let nicenessMax = 19
}
