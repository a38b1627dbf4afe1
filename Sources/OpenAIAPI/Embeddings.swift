import Foundation

/// The body of `POST /v1/embeddings`.
public struct EmbeddingsRequest: Codable, Equatable, Sendable {
    /// One text.
    public enum Input: Equatable, Sendable {
        /// Text, tokenised by the server.
        case text(String)
        /// Token ids, taken as they are.
        case tokens([Int32])
    }

    /// How vectors are written.
    public enum Encoding: String, Codable, Sendable {
        /// Numbers.
        case float
        /// The little-endian bytes of singles, in base 64.
        case base64
    }

    /// The model by name; nil leaves the choice to the server.
    public var model: String?
    /// The texts.
    public var inputs: [Input]
    /// How vectors are written; nil means as numbers.
    public var encoding: Encoding?

    /// A request.
    public init(model: String? = nil, inputs: [Input], encoding: Encoding? = nil) {
        self.model = model
        self.inputs = inputs
        self.encoding = encoding
    }

    private enum CodingKeys: String, CodingKey {
        case model, input
        case encoding = "encoding_format"
    }

    /// Reads a request in each of the four forms of `input`.
    public init(from decoder: any Decoder) throws {
        try Refusal.check(
            [Refusal("dimensions", "shortening vectors is")], in: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        model = try container.optional(String.self, .model)
        if let text = try? container.decode(String.self, forKey: .input) {
            inputs = [.text(text)]
        } else if let texts = try? container.decode([String].self, forKey: .input) {
            inputs = texts.map { .text($0) }
        } else if let lists = try? container.decode([[Int32]].self, forKey: .input) {
            inputs = lists.map { .tokens($0) }
        } else {
            do {
                inputs = [.tokens(try container.decode([Int32].self, forKey: .input))]
            } catch DecodingError.keyNotFound(let key, let context) {
                throw DecodingError.keyNotFound(key, context)
            } catch {
                throw OpenAIRequestError(
                    "'input' must be a string, an array of strings, or token ids in one or more "
                        + "arrays", parameter: "input", code: "invalid_type")
            }
        }
        let name = try container.optional(String.self, .encoding)
        encoding = try name.map { name in
            guard let encoding = Encoding(rawValue: name) else {
                throw OpenAIRequestError.range(
                    "encoding_format", "float or base64", got: "'\(name)'")
            }
            return encoding
        }
    }

    /// Writes the request.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(model, forKey: .model)
        try container.encodeIfPresent(encoding, forKey: .encoding)
        let texts = inputs.compactMap { input -> String? in
            if case .text(let text) = input { text } else { nil }
        }
        let lists = inputs.compactMap { input -> [Int32]? in
            if case .tokens(let tokens) = input { tokens } else { nil }
        }
        // Mixed inputs have no form in this interface.
        if lists.isEmpty {
            try container.encode(texts, forKey: .input)
        } else {
            try container.encode(lists, forKey: .input)
        }
    }

    /// Throws, naming the parameter and its range, unless every value is one that is allowed.
    public func validate() throws(OpenAIRequestError) {
        if let model, model.isEmpty || model.utf8.count > OpenAILimits.modelNameBytesMax {
            throw .range(
                "model", "1 to \(OpenAILimits.modelNameBytesMax) bytes long",
                got: model.utf8.count)
        }
        guard (1...OpenAILimits.embeddingInputsMax).contains(inputs.count) else {
            throw .range(
                "input", "1 to \(OpenAILimits.embeddingInputsMax) texts", got: inputs.count)
        }
        for input in inputs {
            switch input {
            case .text(let text):
                guard !text.isEmpty else { throw .range("input", "not empty", got: "empty") }
            case .tokens(let tokens):
                guard (1...OpenAILimits.promptTokensMax).contains(tokens.count),
                    tokens.allSatisfy({ $0 >= 0 })
                else {
                    throw .range(
                        "input", "1 to \(OpenAILimits.promptTokensMax) token ids, not negative",
                        got: "otherwise")
                }
            }
        }
    }
}

/// The answer to `POST /v1/embeddings`.
public struct EmbeddingsList: Codable, Equatable, Sendable {
    /// A vector, in the form that was asked for.
    public enum Vector: Codable, Equatable, Sendable {
        /// Numbers.
        case numbers([Float])
        /// Base 64 of little-endian singles.
        case base64(String)

        /// The vector in a form.
        public init(_ elements: [Float], encoding: EmbeddingsRequest.Encoding) {
            switch encoding {
            case .float: self = .numbers(elements)
            case .base64:
                var data = Data(capacity: elements.count * 4)
                for element in elements {
                    withUnsafeBytes(of: element.bitPattern.littleEndian) {
                        data.append(contentsOf: $0)
                    }
                }
                self = .base64(data.base64EncodedString())
            }
        }

        /// Reads either form.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .base64(text)
            } else {
                self = .numbers(try container.decode([Float].self))
            }
        }

        /// Writes the form it has.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .numbers(let numbers): try container.encode(numbers)
            case .base64(let text): try container.encode(text)
            }
        }
    }

    /// The vector of one text.
    public struct Entry: Codable, Equatable, Sendable {
        /// Always `embedding`.
        public var object = "embedding"
        /// Which text.
        public var index: Int
        /// Its vector.
        public var embedding: Vector

        /// The vector of the text at `index`.
        public init(index: Int, embedding: Vector) {
            self.index = index
            self.embedding = embedding
        }
    }

    /// What it cost.
    public struct Usage: Codable, Equatable, Sendable {
        /// Tokens of all texts.
        public var promptTokens: Int
        /// The same.
        public var totalTokens: Int

        /// The cost of so many tokens.
        public init(promptTokens: Int) {
            self.promptTokens = promptTokens
            totalTokens = promptTokens
        }

        private enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case totalTokens = "total_tokens"
        }
    }

    /// Always `list`.
    public var object = "list"
    /// The model that answered.
    public var model: String
    /// The vectors, in the order of the texts.
    public var data: [Entry]
    /// What it cost.
    public var usage: Usage
    /// Who answered; only Shoal says.
    public var shoal: ShoalInfo?

    /// An answer.
    public init(model: String, data: [Entry], usage: Usage, shoal: ShoalInfo?) {
        self.model = model
        self.data = data
        self.usage = usage
        self.shoal = shoal
    }
}
