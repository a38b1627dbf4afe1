public import Wire

/// What an executor is asked to run. The same value goes to every executor that is tried, but for
/// ``prompt`` (token ids, once some node has tokenised it) and ``generated``.
public struct InferenceRequest: Sendable, Equatable {
    /// The prompt as the entry node has it.
    public enum Prompt: Sendable, Equatable {
        /// Token ids. Failover always sends these, never text.
        case tokens([Int32])
        /// Text to be tokenised by the executor: only when the entry node does not hold the
        /// model, and so not its vocabulary. The executor answers with the ids (see
        /// ``InferenceMessage/accepted(promptTokens:)``), which the entry node journals.
        case text(String)
        /// A conversation to be rendered and tokenised by the executor, as with ``text(_:)``.
        case chat([ChatTurn])
    }

    /// One message of a conversation.
    public struct ChatTurn: Sendable, Equatable {
        /// `system`, `user`, `assistant` or another role the model's template knows.
        public var role: String
        /// The message.
        public var content: String

        /// A message by `role`.
        public init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }

    /// The sampler's parameters. A draw depends on (``seed``, choice, index) alone.
    public struct Sampling: Sendable, Equatable {
        /// 0 is greedy.
        public var temperature: Float
        /// Keep this many of the likeliest tokens; 0 keeps all.
        public var topK: UInt32
        /// Keep the likeliest tokens up to this total probability; 1 keeps all.
        public var topP: Float
        /// Keep tokens at least this likely relative to the likeliest; 0 keeps all.
        public var minP: Float
        /// Keep locally typical tokens up to this total probability; 1 keeps all.
        public var typicalP: Float = 1
        /// Divides or multiplies the logits of tokens that occurred; 1 is off.
        public var repetitionPenalty: Float = 1
        /// Taken off the logits of tokens that occurred.
        public var presencePenalty: Float = 0
        /// Taken off the logits of tokens for each time they occurred.
        public var frequencyPenalty: Float = 0
        /// Added to the logits of tokens, in ascending order of id.
        public var logitBias: [LogitBias] = []
        /// How many alternatives come with the log probability of each token; nil for none of both.
        public var logprobs: UInt8?
        /// The seed, drawn by the entry node when the client gave none.
        public var seed: UInt64

        /// Parameters as given; the executor validates their ranges.
        public init(temperature: Float, topK: UInt32, topP: Float, minP: Float, seed: UInt64) {
            self.temperature = temperature
            self.topK = topK
            self.topP = topP
            self.minP = minP
            self.seed = seed
        }
    }

    /// What is added to the logit of a token.
    public struct LogitBias: Sendable, Equatable {
        /// The token id.
        public var token: Int32
        /// What is added.
        public var bias: Float

        /// A bias as given.
        public init(token: Int32, bias: Float) {
            self.token = token
            self.bias = bias
        }
    }

    /// What an answer must be.
    public enum Constraint: Sendable, Equatable {
        /// Anything.
        case none
        /// A JSON object.
        case jsonObject
        /// JSON that this schema describes.
        case jsonSchema(String)
        /// A text of this grammar.
        case grammar(String)
    }

    /// The request's name in the whole mesh, and its idempotency key.
    public var id: RequestID
    /// The model, by digest: two files of one name are two models.
    public var model: ModelDigest
    /// The numerics id that a continuation must share; empty when nothing is to be continued.
    public var numerics: String
    /// The prompt.
    public var prompt: Prompt
    /// For each choice, in order, the tokens that were already delivered. An empty list for a
    /// request that starts. The executor continues at the next index.
    public var generated: [[Int32]]
    /// How to draw.
    public var sampling: Sampling
    /// At most this many tokens per choice, those in ``generated`` included; nil for as many as
    /// the context holds.
    public var maxTokens: UInt32?
    /// Texts at which a choice ends; they are not part of the answer.
    public var stop: [String]
    /// The type of KV cache entries: 0 for F32, 1 for F16. Part of a request's identity, because
    /// it changes the logits.
    public var kvType: UInt8
    /// What each answer must be.
    public var constraint = Constraint.none
    /// Which of the requests that wait goes first: the higher before the lower.
    public var priority: Int8 = 0
    /// When the answer is of no use any more, in milliseconds after the executor gets the request;
    /// nil for never.
    public var deadlineMilliseconds: UInt32?
    /// How many times this request was forwarded. An executor refuses one above 1: there is at
    /// most one hop.
    public var hops: UInt8

    /// A request as given.
    public init(
        id: RequestID, model: ModelDigest, numerics: String, prompt: Prompt,
        generated: [[Int32]], sampling: Sampling, maxTokens: UInt32?, stop: [String],
        kvType: UInt8, hops: UInt8
    ) {
        self.id = id
        self.model = model
        self.numerics = numerics
        self.prompt = prompt
        self.generated = generated
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stop = stop
        self.kvType = kvType
        self.hops = hops
    }

    /// How many independent completions are asked for.
    public var choices: Int { generated.count }
}

extension InferenceRequest: WireCodable {
    private static let version: UInt8 = 2

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(Self.version)
        id.encode(to: &writer)
        model.encode(to: &writer)
        writer.writeString16(numerics)
        switch prompt {
        case .tokens(let tokens):
            writer.writeInteger(UInt8(0))
            writer.writeTokens(tokens)
        case .text(let text):
            writer.writeInteger(UInt8(1))
            writer.writeBytes32(Array(text.utf8))
        case .chat(let turns):
            writer.writeInteger(UInt8(2))
            writer.writeInteger(UInt16(turns.count))
            for turn in turns {
                writer.writeString16(turn.role)
                writer.writeBytes32(Array(turn.content.utf8))
            }
        }
        writer.writeInteger(UInt8(generated.count))
        for tokens in generated { writer.writeTokens(tokens) }
        writer.writeFloat(sampling.temperature)
        writer.writeInteger(sampling.topK)
        writer.writeFloat(sampling.topP)
        writer.writeFloat(sampling.minP)
        writer.writeInteger(sampling.seed)
        writer.writeFloat(sampling.typicalP)
        writer.writeFloat(sampling.repetitionPenalty)
        writer.writeFloat(sampling.presencePenalty)
        writer.writeFloat(sampling.frequencyPenalty)
        writer.writeInteger(UInt16(sampling.logitBias.count))
        for bias in sampling.logitBias {
            writer.writeInteger(UInt32(bitPattern: bias.token))
            writer.writeFloat(bias.bias)
        }
        writer.writeBool(sampling.logprobs != nil)
        writer.writeInteger(sampling.logprobs ?? 0)
        switch constraint {
        case .none: writer.writeInteger(UInt8(0))
        case .jsonObject: writer.writeInteger(UInt8(1))
        case .jsonSchema(let text):
            writer.writeInteger(UInt8(2))
            writer.writeBytes32(Array(text.utf8))
        case .grammar(let text):
            writer.writeInteger(UInt8(3))
            writer.writeBytes32(Array(text.utf8))
        }
        writer.writeInteger(UInt8(bitPattern: priority))
        writer.writeBool(deadlineMilliseconds != nil)
        writer.writeInteger(deadlineMilliseconds ?? 0)
        writer.writeBool(maxTokens != nil)
        writer.writeInteger(maxTokens ?? 0)
        writer.writeInteger(UInt8(stop.count))
        for text in stop { writer.writeString16(text) }
        writer.writeInteger(kvType)
        writer.writeInteger(hops)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == Self.version else {
            throw .unsupportedVersion(field: "inference request version", value: Int(version))
        }
        id = try RequestID(from: &reader)
        model = try ModelDigest(from: &reader)
        numerics = try reader.readString16(field: "numerics id", limit: MeshLimits.nameBytesMax)
        prompt = try Self.readPrompt(from: &reader)
        let choices = Int(try reader.readUInt8())
        guard choices >= 1 else { throw .invalid(field: "choices") }
        guard choices <= MeshLimits.choicesMax else {
            throw .tooLarge(field: "choices", value: choices, limit: MeshLimits.choicesMax)
        }
        generated = []
        for _ in 0..<choices { generated.append(try reader.readTokens(field: "generated")) }
        sampling = try Self.readSampling(from: &reader)
        constraint = try Self.readConstraint(from: &reader)
        priority = Int8(bitPattern: try reader.readUInt8())
        let hasDeadline = try reader.readBool(field: "has deadline")
        let deadline: UInt32 = try reader.readInteger()
        guard hasDeadline || deadline == 0 else { throw .nonCanonical(field: "deadline") }
        deadlineMilliseconds = hasDeadline ? deadline : nil
        let limited = try reader.readBool(field: "has max tokens")
        let limit: UInt32 = try reader.readInteger()
        guard limited || limit == 0 else { throw .nonCanonical(field: "max tokens") }
        maxTokens = limited ? limit : nil
        let stops = Int(try reader.readUInt8())
        guard stops <= MeshLimits.stopStringsMax else {
            throw .tooLarge(field: "stop strings", value: stops, limit: MeshLimits.stopStringsMax)
        }
        stop = []
        for _ in 0..<stops {
            stop.append(
                try reader.readString16(
                    field: "stop string", limit: MeshLimits.stopStringBytesMax))
        }
        kvType = try reader.readUInt8()
        hops = try reader.readUInt8()
    }

    private static func readSampling(
        from reader: inout ByteReader
    ) throws(WireError) -> Sampling {
        var sampling = Sampling(
            temperature: try reader.readFloat(), topK: try reader.readInteger(),
            topP: try reader.readFloat(), minP: try reader.readFloat(),
            seed: try reader.readInteger())
        sampling.typicalP = try reader.readFloat()
        sampling.repetitionPenalty = try reader.readFloat()
        sampling.presencePenalty = try reader.readFloat()
        sampling.frequencyPenalty = try reader.readFloat()
        let count = try reader.readCount16(field: "logit biases", limit: MeshLimits.logitBiasMax)
        for _ in 0..<count {
            let token = Int32(bitPattern: try reader.readInteger(as: UInt32.self))
            guard token > sampling.logitBias.last?.token ?? -1 else {
                throw .nonCanonical(field: "logit bias")
            }
            sampling.logitBias.append(LogitBias(token: token, bias: try reader.readFloat()))
        }
        let hasLogprobs = try reader.readBool(field: "has log probabilities")
        let logprobs = try reader.readUInt8()
        guard hasLogprobs || logprobs == 0 else {
            throw .nonCanonical(field: "log probabilities")
        }
        guard logprobs <= MeshLimits.topLogprobsMax else {
            throw .tooLarge(
                field: "log probabilities", value: Int(logprobs),
                limit: MeshLimits.topLogprobsMax)
        }
        sampling.logprobs = hasLogprobs ? logprobs : nil
        return sampling
    }

    private static func readConstraint(
        from reader: inout ByteReader
    ) throws(WireError) -> Constraint {
        let limit = MeshLimits.constraintBytesMax
        switch try reader.readUInt8() {
        case 0: return .none
        case 1: return .jsonObject
        case 2: return .jsonSchema(try reader.readText32(field: "schema", limit: limit))
        case 3: return .grammar(try reader.readText32(field: "grammar", limit: limit))
        default: throw .invalid(field: "constraint")
        }
    }

    private static func readPrompt(from reader: inout ByteReader) throws(WireError) -> Prompt {
        switch try reader.readUInt8() {
        case 0: return .tokens(try reader.readTokens(field: "prompt tokens"))
        case 1: return .text(try reader.readText32(field: "prompt"))
        case 2:
            let count = try reader.readCount16(
                field: "messages", limit: MeshLimits.chatMessagesMax)
            var turns: [ChatTurn] = []
            for _ in 0..<count {
                let role = try reader.readString16(field: "role", limit: MeshLimits.nameBytesMax)
                turns.append(
                    ChatTurn(role: role, content: try reader.readText32(field: "content")))
            }
            return .chat(turns)
        default: throw .invalid(field: "prompt kind")
        }
    }
}

extension ByteWriter {
    mutating func writeTokens(_ tokens: [Int32]) {
        writeInteger(UInt32(tokens.count))
        for token in tokens { writeInteger(UInt32(bitPattern: token)) }
    }
}

extension ByteReader {
    mutating func readTokens(field: String) throws(WireError) -> [Int32] {
        let count = Int(try readInteger(as: UInt32.self))
        guard count <= MeshLimits.tokensMax else {
            throw .tooLarge(field: field, value: count, limit: MeshLimits.tokensMax)
        }
        // Checked before the allocation: four bytes must follow for each.
        guard count * 4 <= remaining else { throw .truncated }
        var tokens: [Int32] = []
        tokens.reserveCapacity(count)
        for _ in 0..<count {
            let token = Int32(bitPattern: try readInteger(as: UInt32.self))
            guard token >= 0 else { throw .invalid(field: field) }
            tokens.append(token)
        }
        return tokens
    }

    mutating func readText32(
        field: String, limit: Int = MeshLimits.promptTextBytesMax
    ) throws(WireError) -> String {
        let slice = try readBytes32(field: field, limit: limit)
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .invalid(field: field)
        }
        return text
    }
}
