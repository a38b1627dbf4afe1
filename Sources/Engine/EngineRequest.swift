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

    /// A request.
    public init(
        id: String, prompt: EnginePrompt, choices: Int = 1,
        sampling: SamplingParameters = SamplingParameters(), maxTokens: Int? = nil,
        stop: [String] = [], kv: KVType = .f16, generated: [[Int32]] = []
    ) {
        self.id = id
        self.prompt = prompt
        self.choices = choices
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stop = stop
        self.kv = kv
        self.generated = generated
    }
}

/// Why an answer ended.
public enum FinishReason: String, Sendable, Hashable, CaseIterable {
    /// The model ended it.
    case stop
    /// `maxTokens` or the context was reached.
    case length
    /// It contains a stop string.
    case stopString
}

/// What a request took.
public struct EngineUsage: Sendable, Hashable {
    /// Tokens of the prompt.
    public var promptTokens: Int
    /// Tokens made by this engine, all choices together; those continued from are not counted.
    public var generatedTokens: Int
    /// Time spent on the prompt and on tokens continued from, in seconds.
    public var prefillSeconds: Double
    /// Time spent on making tokens, in seconds.
    public var decodeSeconds: Double
}

/// What a stream brings, in this order: `accepted`; for each choice its tokens and `finished`;
/// `completed`.
public enum EngineEvent: Sendable, Hashable {
    /// The request waits for its turn; these are the ids of its prompt.
    case accepted(promptTokens: [Int32])
    /// The token at `index` of `choice`. `bytes` may be half a character, or part of a stop string.
    /// The token that ends a sequence is not delivered.
    case token(choice: UInt32, index: UInt32, id: Int32, bytes: [UInt8])
    /// A choice is complete.
    case finished(choice: UInt32, reason: FinishReason)
    /// All choices are complete.
    case completed(EngineUsage)
}

/// How an engine uses its machine.
public struct EngineConfiguration: Sendable, Hashable {
    /// The most tokens of a prompt run through the model at once. Changes no bit of any result.
    public var chunkTokens: Int
    /// The most memory that the weights, and then the keys and values of a request, may take, in
    /// bytes; nil for what the system says is available.
    public var memoryBytesMax: Int?
    /// The most requests waiting.
    public var queuedRequestsMax: Int
    /// Threads that share a forward pass; nil for one per processor. Changes no bit of any result.
    public var threads: Int?

    /// A configuration; values beyond ``EngineLimits`` are brought within them.
    public init(
        chunkTokens: Int = 256, memoryBytesMax: Int? = nil,
        queuedRequestsMax: Int = EngineLimits.queuedRequestsMax, threads: Int? = nil
    ) {
        self.chunkTokens = min(max(chunkTokens, 1), EngineLimits.chunkTokensMax)
        self.memoryBytesMax = memoryBytesMax
        self.threads = threads.map { max($0, 1) }
        self.queuedRequestsMax = min(max(queuedRequestsMax, 1), EngineLimits.queuedRequestsMax)
    }
}

/// What a loaded model is.
public struct EngineModelInfo: Sendable, Hashable {
    /// `general.name` of the file, or the file's name without its extension.
    public var name: String
    /// The architecture, such as `llama`.
    public var architecture: String
    /// The most tokens of prompt and answer together.
    public var contextLength: Int
    /// How many tokens the vocabulary has.
    public var vocabularySize: Int
    /// How many weights the model has.
    public var parameterCount: Int
    /// The size of the file, in bytes.
    public var fileByteCount: Int
    /// The format that most bytes of weights are in, such as `Q8_0`.
    public var quantisation: String
}
