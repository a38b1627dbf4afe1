/// What the HTTP interface needs of a node.
public protocol NodeService: Sendable {
    /// Every model of the mesh, by name.
    func models() async -> [ServedModel]

    /// Begins to answer a request. The caller's task is cancelled if the client goes before this
    /// returns; afterwards the stream's `cancel` is called.
    func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream

    /// Turns texts into vectors. The caller's task is cancelled if the client goes.
    func embed(_ request: EmbeddingServiceRequest) async throws(ServiceError) -> EmbeddingAnswer

    /// The node and the mesh as it sees it.
    func status() async -> NodeStatus

    /// Whether the node can take requests.
    func health() async -> NodeHealth
}

/// A model that some node of the mesh holds.
public struct ServedModel: Equatable, Sendable {
    /// The name to ask for it by.
    public var id: String
    /// The root of its file's hash tree, in hexadecimal.
    public var digest: String
    /// The longest prompt and answer together, in tokens.
    public var contextLength: Int
    /// The names of the nodes that hold it.
    public var nodes: [String]

    /// A model.
    public init(id: String, digest: String, contextLength: Int, nodes: [String]) {
        self.id = id
        self.digest = digest
        self.contextLength = contextLength
        self.nodes = nodes
    }
}

/// A request that has been read and checked: everything in it is in range.
public struct GenerationRequest: Equatable, Sendable {
    /// 32 hexadecimal digits in lower case; the client's, or drawn.
    public var id: String
    /// The model by name; nil leaves the choice to the node.
    public var model: String?
    /// What to continue.
    public var prompt: GenerationPrompt
    /// How many answers, from 1.
    public var choices: Int
    /// How tokens are chosen.
    public var sampling: GenerationSampling
    /// The most tokens in one answer; nil means up to the end of the context.
    public var maxTokens: Int?
    /// Strings at which an answer ends; not empty strings.
    public var stop: [String]
    /// What each answer must be.
    public var constraint = GenerationConstraint.none
    /// Which of the requests that wait goes first, the higher before the lower.
    public var priority = 0
    /// Seconds after which the answer is of no use any more; nil for never.
    public var deadline: Double?
    /// Whether the client reads the answer as it comes.
    public var streams: Bool

    /// A request.
    public init(
        id: String, model: String?, prompt: GenerationPrompt, choices: Int = 1,
        sampling: GenerationSampling = GenerationSampling(), maxTokens: Int? = nil,
        stop: [String] = [], streams: Bool = false
    ) {
        self.id = id
        self.model = model
        self.prompt = prompt
        self.choices = choices
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stop = stop
        self.streams = streams
    }
}

/// What an answer must be.
public enum GenerationConstraint: Equatable, Sendable {
    /// Anything.
    case none
    /// A JSON object.
    case jsonObject
    /// JSON that this schema describes.
    case jsonSchema(String)
    /// A text of this grammar.
    case grammar(String)
}

/// What to continue.
public enum GenerationPrompt: Equatable, Sendable {
    /// Text as it is.
    case text(String)
    /// Token ids as they are; not negative.
    case tokens([Int32])
    /// A conversation, to be put in the model's form.
    case chat([GenerationMessage])
}

/// One message of a conversation.
public struct GenerationMessage: Equatable, Sendable {
    /// Who speaks.
    public enum Role: String, Sendable, CaseIterable {
        /// Sets the frame.
        case system
        /// The person.
        case user
        /// The model.
        case assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var content: String

    /// A message.
    public init(role: Role, content: String) {
        self.role = role
        self.content = content
    }
}

/// How tokens are chosen.
public struct GenerationSampling: Equatable, Sendable {
    /// 0 takes the most probable token; at most 2.
    public var temperature: Float
    /// How many of the most probable tokens to draw from; 0 for all.
    public var topK: Int
    /// The probability mass to draw from; above 0, and 1 for all.
    public var topP: Float
    /// The least probability as a share of the highest; 0 for none.
    public var minP: Float
    /// Locally typical sampling up to this mass; 1 for all.
    public var typicalP: Float = 1
    /// Divides or multiplies the logits of tokens that occurred; 1 is off.
    public var repetitionPenalty: Float = 1
    /// Taken off the logits of tokens that occurred in the answer.
    public var presencePenalty: Float = 0
    /// Taken off the logits of tokens for each time they occurred in the answer.
    public var frequencyPenalty: Float = 0
    /// Added to the logits of tokens, by id.
    public var logitBias: [Int32: Float] = [:]
    /// How many alternatives come with the log probability of each token; nil for none of both.
    public var logprobs: Int?
    /// Makes the answer reproducible; nil asks the node to draw one.
    public var seed: UInt64?

    /// The defaults are OpenAI's.
    public init(
        temperature: Float = 1, topK: Int = 0, topP: Float = 1, minP: Float = 0,
        seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
    }
}

/// What happens to a request. A route comes first; after a failover another may come. Then, per
/// choice, text and one `finished`; then the usage, and the stream ends.
public enum GenerationEvent: Equatable, Sendable {
    /// Which node runs the request from here on.
    case route(RouteInfo)
    /// More text of a choice. `index` is the index of the first of `tokens` in the answer. The
    /// text may be empty while a character, or what may become a stop string, is not complete.
    /// The log probabilities, if asked for, are those of `tokens`.
    case text(
        choice: Int, index: Int, text: String, tokens: [Int32],
        logprobs: [GenerationLogprobs] = [])
    /// A choice is complete.
    case finished(choice: Int, reason: GenerationEnd)
    /// What the request cost.
    case usage(GenerationUsage)
}

/// How likely a token was under the model, and what else was likely in its place.
public struct GenerationLogprobs: Equatable, Sendable {
    /// A token and the natural logarithm of its probability.
    public struct Token: Equatable, Sendable {
        /// The bytes it stands for; possibly part of a character.
        public var bytes: [UInt8]
        /// The logarithm.
        public var logprob: Float

        /// A token.
        public init(bytes: [UInt8], logprob: Float) {
            self.bytes = bytes
            self.logprob = logprob
        }
    }

    /// The token of the answer.
    public var token: Token
    /// The likeliest tokens, the likeliest first.
    public var top: [Token]

    /// Figures of one token.
    public init(token: Token, top: [Token]) {
        self.token = token
        self.top = top
    }
}

/// Why a choice ended.
public enum GenerationEnd: Equatable, Sendable {
    /// The model ended it, or a stop string did.
    case stop
    /// The limit on tokens, or the end of the context, was reached.
    case length
}

/// What a request cost, in tokens.
public struct GenerationUsage: Equatable, Sendable {
    /// Tokens in the prompt.
    public var promptTokens: Int
    /// Tokens in all choices.
    public var completionTokens: Int

    /// The cost of a request.
    public init(promptTokens: Int, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }
}

/// Which node runs a request, and why.
public struct RouteInfo: Equatable, Sendable {
    /// The node's name.
    public var node: String
    /// Its id, in hexadecimal.
    public var nodeID: String
    /// The name of the model that answers; it matters where the request named none.
    public var model: String
    /// Why this node, for a person.
    public var reason: String
    /// How many nodes were tried, this one included.
    public var attempts: Int
    /// The round trip to it in milliseconds; nil if it is the node that took the request.
    public var roundTripMilliseconds: Double?
    /// The name of the node that carries it, sealed; nil where there is a direct link.
    public var through: String?

    /// A route.
    public init(
        node: String, nodeID: String, model: String, reason: String, attempts: Int = 1,
        roundTripMilliseconds: Double? = nil, through: String? = nil
    ) {
        self.node = node
        self.nodeID = nodeID
        self.model = model
        self.reason = reason
        self.attempts = attempts
        self.roundTripMilliseconds = roundTripMilliseconds
        self.through = through
    }
}

/// Whether a node can take requests.
public struct NodeHealth: Codable, Equatable, Sendable {
    /// Whether requests can be answered now.
    public var ready: Bool
    /// A word or a sentence, for a person.
    public var status: String

    /// A state of health.
    public init(ready: Bool, status: String) {
        self.ready = ready
        self.status = status
    }
}

/// Why a node does not answer a request, or does not finish an answer.
public struct ServiceError: Error, Equatable, Sendable {
    /// The kind.
    public enum Code: Equatable, Sendable {
        /// No model of this name. The interface adds the names there are to the message.
        case modelNotFound
        /// The prompt does not fit the model's context.
        case promptTooLong
        /// Something else in the request cannot be done.
        case badRequest
        /// The request's deadline passed before the answer was complete.
        case deadlineExceeded
        /// There is too much work; it may be better after this many seconds.
        case overloaded(retryAfterSeconds: Int)
        /// No node can serve now; it may be better after this many seconds.
        case unavailable(retryAfterSeconds: Int)
        /// The answer had begun and no node could continue it.
        case interrupted
        /// A fault of the node's own.
        case `internal`
    }

    /// The kind.
    public var code: Code
    /// What went wrong and what to do, for a person.
    public var message: String

    /// An error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension ServiceError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
