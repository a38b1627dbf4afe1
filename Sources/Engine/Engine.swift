// Engine: requests to tokens.
//
// The scheduler core (pure), the worker threads and the loaded models live here. Threads are its
// own: a forward pass never runs on the cooperative pool.
//
// What lives where: `Generation` turns one request into events and knows no thread; `RequestQueue`
// is the order of requests, pure; `EngineCore` owns the worker thread and connects the two;
// `Engine` is the face. `EvaluationRun` computes logits for comparison with references. One
// sequence runs at a time, in the order of arrival.
//
// Reproducibility: a token is a function of the prompt's ids, the parameters, the choice and the
// tokens before it. Continuing from tokens already delivered gives the tokens that would have
// followed, on any node with the same model and numerics id.

/// Bounds on what an engine accepts.
public enum EngineLimits {
    /// The most requests waiting; one more is refused with ``EngineError/queueFull(limit:)``.
    public static let queuedRequestsMax = 64
    /// The most choices of one request.
    public static let choicesMax = 16
    /// The longest request id, in bytes of UTF-8.
    public static let requestIDBytesMax = 256
    /// The most tokens run through the model at once, which bounds the memory of a long prompt.
    public static let chunkTokensMax = 4096
    /// The most bytes of logits held at once by an evaluation.
    public static let evaluationLogitsBytesMax = 64 << 20
}
