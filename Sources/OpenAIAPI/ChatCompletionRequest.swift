/// The body of `POST /v1/chat/completions`.
public struct ChatCompletionRequest: Codable, Equatable, Sendable {
    /// The conversation so far.
    public var messages: [ChatMessage]
    /// Everything else.
    public var options: GenerationOptions

    /// A request to continue `messages`.
    public init(messages: [ChatMessage], options: GenerationOptions = GenerationOptions()) {
        self.messages = messages
        self.options = options
    }

    private enum CodingKeys: String, CodingKey { case messages }

    /// Reads a request, ignoring unknown fields and refusing what is not supported by name.
    public init(from decoder: any Decoder) throws {
        try Refusal.check(Refusal.chat, in: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        messages = try container.decode([ChatMessage].self, forKey: .messages)
        options = try GenerationOptions(from: decoder)
    }

    /// Writes the fields of ``options`` beside the messages.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(messages, forKey: .messages)
        try options.encode(to: encoder)
    }

    /// Throws, naming the parameter and its range, unless every value is one that is allowed.
    public func validate() throws(OpenAIRequestError) {
        guard (1...OpenAILimits.messagesMax).contains(messages.count) else {
            throw .range(
                "messages", "1 to \(OpenAILimits.messagesMax) messages", got: messages.count)
        }
        try options.validate()
    }
}

/// One message of a conversation.
public struct ChatMessage: Codable, Equatable, Sendable {
    /// Who speaks.
    public enum Role: String, Codable, Sendable, CaseIterable {
        /// Sets the frame.
        case system
        /// OpenAI's newer name for ``system``.
        case developer
        /// The person.
        case user
        /// The model.
        case assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said; the parts of a content in parts, joined.
    public var content: String

    /// A message.
    public init(role: Role, content: String) {
        self.role = role
        self.content = content
    }

    private enum CodingKeys: String, CodingKey {
        case role, content
        case toolCalls = "tool_calls"
        case functionCall = "function_call"
    }

    /// Reads a message whose content is a string or an array of text parts.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .role)
        let path = OpenAIRequestError.path(decoder.codingPath) ?? "message"
        guard let role = Role(rawValue: name) else {
            if name == "tool" || name == "function" {
                throw OpenAIRequestError.unsupported("\(path).role", "the role '\(name)' is")
            }
            let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw OpenAIRequestError.range("\(path).role", "one of \(roles)", got: "'\(name)'")
        }
        for key in [CodingKeys.toolCalls, .functionCall] where container.contains(key) {
            let value = try container.decode(JSONValue.self, forKey: key)
            guard value == .null || value == .array([]) else {
                throw OpenAIRequestError.unsupported("\(path).\(key.rawValue)", "a tool call is")
            }
        }
        self.role = role
        if let text = try? container.decode(String.self, forKey: .content) {
            content = text
            return
        }
        let parts: [ContentPart]
        do {
            parts = try container.decode([ContentPart].self, forKey: .content)
        } catch let error as DecodingError {
            guard error.isAboutType(at: decoder.codingPath.count + 1) else { throw error }
            throw OpenAIRequestError(
                "'\(path).content' must be a string or an array of text parts",
                parameter: "\(path).content", code: "invalid_type")
        }
        guard parts.count <= OpenAILimits.contentPartsMax else {
            throw OpenAIRequestError.range(
                "\(path).content", "at most \(OpenAILimits.contentPartsMax) parts",
                got: parts.count)
        }
        content = parts.map(\.text).joined()
    }

    /// Writes the content as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(role, forKey: .role)
        try container.encode(content, forKey: .content)
    }
}

/// One part of a content in parts; only text is taken.
private struct ContentPart: Decodable {
    let text: String

    private enum CodingKeys: String, CodingKey { case type, text }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let type = try container.decode(String.self, forKey: .type)
        guard type == "text" else {
            let path = OpenAIRequestError.path(decoder.codingPath) ?? "content"
            throw OpenAIRequestError.unsupported("\(path).type", "content of type '\(type)' is")
        }
        text = try container.decode(String.self, forKey: .text)
    }
}
