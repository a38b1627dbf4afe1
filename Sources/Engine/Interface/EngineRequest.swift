public import Model
public import Sampling
public import Tokenizer

/// What to continue.
public enum EnginePrompt: Sendable, Hashable {
    /// Token ids, used as they are.
    case tokens([Int32])
    /// Text, encoded with the vocabulary's special tokens added.
    case text(String)
    /// A conversation, rendered and then encoded like text.
    case chat([ChatMessage])
}

/// What an answer must be.
public enum EngineConstraint: Sendable, Hashable {
    /// Anything.
    case none
    /// A JSON value.
    case json
    /// A JSON object.
    case jsonObject
    /// JSON that this schema describes.
    case jsonSchema(String)
    /// A text of this grammar, in the GBNF notation.
    case gbnf(String)
}

/// One request: a prompt and how to continue it.
public struct EngineRequest: Sendable, Hashable {
    /// Names the request in logs; not interpreted.
    public var id: String
    /// What to continue.
    public var prompt: EnginePrompt
    /// How many answers to give, each its own sequence.
    public var choices: Int
    /// How tokens are chosen.
    public var sampling: SamplingParameters
    /// The most tokens of each answer, those in `generated` included; nil for as many as the
    /// context holds.
    public var maxTokens: Int?
    /// Texts that end an answer.
    public var stop: [String]
    /// How keys and values are stored; part of a request's identity, since it changes the bits.
    public var kv: KVType
    /// For each choice the tokens already delivered: the answer continues after them. Empty, or
    /// one list for each choice.
    public var generated: [[Int32]]
    /// Who asks: callers share the engine fairly, and only requests of one caller share pages of
    /// keys and values, so that timing tells no one about another's prompts.
    public var caller: String
    /// Which requests go first: the higher before the lower, whoever asks. To be set by who runs
    /// the node, not by who asks: a steady stream of a higher priority holds up all below it.
    public var priority: Int8
    /// When the answer is of no use any more, in seconds from submission; nil for never. A request
    /// then ends with ``EngineError/deadlineExceeded``, whether it waits or runs.
    public var deadline: Double?
    /// What each answer must be.
    public var constraint: EngineConstraint
    /// How many of the likeliest tokens come with the log probability of each; nil for neither.
    public var logprobs: Int?

    /// A request.
    public init(
        id: String, prompt: EnginePrompt, choices: Int = 1,
        sampling: SamplingParameters = SamplingParameters(), maxTokens: Int? = nil,
        stop: [String] = [], kv: KVType = .f16, generated: [[Int32]] = [], caller: String = "",
        priority: Int8 = 0, deadline: Double? = nil, constraint: EngineConstraint = .none,
        logprobs: Int? = nil
    ) {
        self.id = id
        self.prompt = prompt
        self.choices = choices
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stop = stop
        self.kv = kv
        self.generated = generated
        self.caller = caller
        self.priority = priority
        self.deadline = deadline
        self.constraint = constraint
        self.logprobs = logprobs
    }
}
