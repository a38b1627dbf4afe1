// OpenAIAPI: the request, response and event types of the OpenAI HTTP interface.
//
// Types and their JSON only: nothing here knows a server, a model or the mesh. Both sides use
// it, the node to read requests and write answers, the command line the other way round. The
// reader is lenient where clients in the field are (unknown fields are ignored, `content` and
// `stop` come in two forms) and strict where silence would be a lie: a field that asks for
// something this server does not do is refused by name. Shoal's own additions to a request are
// `top_k`, `min_p`, `typical_p`, `repetition_penalty`, `grammar`, `priority` and
// `deadline_seconds`; its additions to an answer are in one field, `shoal`.
//
// Followed: the OpenAI API reference (chat completions, completions, models, errors), and for
// the event stream the WHATWG HTML standard, section 9.2.6.

/// Bounds on what is accepted in a request, and in an event stream.
public enum OpenAILimits {
    /// The deepest nesting of arrays and objects in a JSON text.
    public static let nestingDepthMax = 64
    /// The most messages in one conversation.
    public static let messagesMax = 4_096
    /// The most parts in the content of one message.
    public static let contentPartsMax = 256
    /// The most token ids in a prompt given as ids.
    public static let promptTokensMax = 1 << 20
    /// The most texts in a request for embeddings.
    public static let embeddingInputsMax = 256
    /// The most stop strings.
    public static let stopStringsMax = 16
    /// The longest stop string, in bytes of UTF-8.
    public static let stopStringBytesMax = 256
    /// The most answers to one request (`n`).
    public static let choicesMax = 16
    /// The most tokens that may be asked for in one answer.
    public static let maxTokensMax = 1 << 20
    /// The highest `top_k`; vocabularies are smaller.
    public static let topKMax = 1 << 24
    /// The range of a presence or frequency penalty.
    public static let penaltyRange = -2.0...2.0
    /// The range of a repetition penalty.
    public static let repetitionPenaltyRange = 0.01...100.0
    /// The range of a bias on a logit.
    public static let logitBiasRange = -100.0...100.0
    /// The most tokens with a bias.
    public static let logitBiasMax = 1_024
    /// The most alternatives with a token's log probability.
    public static let topLogprobsMax = 20
    /// The range of a priority.
    public static let priorityRange = -100...100
    /// The range of a deadline, in seconds.
    public static let deadlineRange = 0.001...86_400.0
    /// The longest grammar or schema, in bytes of UTF-8.
    public static let constraintBytesMax = 64 << 10
    /// The longest model name, in bytes of UTF-8.
    public static let modelNameBytesMax = 256
    /// The longest event that a reader of an event stream accepts, in bytes.
    public static let eventBytesMax = 1 << 20
}
