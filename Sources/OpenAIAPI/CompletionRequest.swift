/// The body of `POST /v1/completions`.
public struct CompletionRequest: Codable, Equatable, Sendable {
    /// What to continue.
    public enum Prompt: Equatable, Sendable {
        /// Text, tokenised by the server.
        case text(String)
        /// Token ids, taken as they are.
        case tokens([Int32])
    }

    /// What to continue.
    public var prompt: Prompt
    /// Everything else.
    public var options: GenerationOptions

    /// A request to continue `prompt`.
    public init(prompt: Prompt, options: GenerationOptions = GenerationOptions()) {
        self.prompt = prompt
        self.options = options
    }

    private enum CodingKeys: String, CodingKey { case prompt }

    /// Reads a request, ignoring unknown fields and refusing what is not supported by name.
    public init(from decoder: any Decoder) throws {
        try Refusal.check(Refusal.completion, in: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let text = try? container.decode(String.self, forKey: .prompt) {
            prompt = .text(text)
        } else if let texts = try? container.decode([String].self, forKey: .prompt),
            !texts.isEmpty
        {
            prompt = .text(try Self.only(texts))
        } else if let lists = try? container.decode([[Int32]].self, forKey: .prompt),
            !lists.isEmpty
        {
            prompt = .tokens(try Self.only(lists))
        } else {
            do {
                prompt = .tokens(try container.decode([Int32].self, forKey: .prompt))
            } catch DecodingError.keyNotFound(let key, let context) {
                throw DecodingError.keyNotFound(key, context)
            } catch {
                throw OpenAIRequestError(
                    "'prompt' must be a string, an array of one string, or an array of token ids",
                    parameter: "prompt", code: "invalid_type")
            }
        }
        options = try GenerationOptions(from: decoder)
    }

    private static func only<Element>(_ prompts: [Element]) throws(OpenAIRequestError) -> Element {
        guard let first = prompts.first, prompts.count == 1 else {
            throw .unsupported("prompt", "more than one prompt in a request is")
        }
        return first
    }

    /// Writes the fields of ``options`` beside the prompt.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch prompt {
        case .text(let text): try container.encode(text, forKey: .prompt)
        case .tokens(let tokens): try container.encode(tokens, forKey: .prompt)
        }
        try options.encode(to: encoder)
    }

    /// Throws, naming the parameter and its range, unless every value is one that is allowed.
    public func validate() throws(OpenAIRequestError) {
        if case .tokens(let tokens) = prompt {
            guard (1...OpenAILimits.promptTokensMax).contains(tokens.count) else {
                throw .range(
                    "prompt", "1 to \(OpenAILimits.promptTokensMax) token ids", got: tokens.count)
            }
            if let negative = tokens.first(where: { $0 < 0 }) {
                throw .range("prompt", "token ids that are not negative", got: negative)
            }
        }
        try options.validate()
    }
}
