public import Jinja

/// Who says a message.
public enum ChatRole: String, Sendable, Hashable, CaseIterable {
    /// Instructions to the model.
    case system
    /// The person or program that asks.
    case user
    /// The model.
    case assistant
    /// The result of a tool the model called.
    case tool
}

/// A call of a tool, as a model asked for it.
public struct ChatToolCall: Sendable, Hashable {
    /// The name by which the result refers to the call.
    public let id: String
    /// The tool.
    public let name: String
    /// What it is called with, most often a mapping; see ``Jinja/JinjaValue/init(json:isTrusted:)``.
    public let arguments: JinjaValue

    /// A call.
    public init(id: String, name: String, arguments: JinjaValue) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// One message of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// Who says it.
    public let role: ChatRole
    /// What is said.
    public let content: String
    /// The name of who says it, or of the tool that answers.
    public let name: String?
    /// The calls that a message of the model makes.
    public let toolCalls: [ChatToolCall]
    /// The call that a tool's message answers.
    public let toolCallID: String?
    /// What the model thought before it answered, where that is kept apart from the content.
    public let reasoning: String?

    /// A message.
    public init(
        role: ChatRole, content: String, name: String? = nil, toolCalls: [ChatToolCall] = [],
        toolCallID: String? = nil, reasoning: String? = nil
    ) {
        self.role = role
        self.content = content
        self.name = name
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.reasoning = reasoning
    }

    /// The message as templates know it. What is absent has no entry: templates ask for it with
    /// `is defined`.
    var value: JinjaValue {
        var object: JinjaObject = [
            "role": .trusted(role.rawValue), "content": .untrusted(content),
        ]
        object["reasoning_content"] = reasoning.map(JinjaValue.untrusted)
        object["name"] = name.map(JinjaValue.untrusted)
        object["tool_call_id"] = toolCallID.map(JinjaValue.untrusted)
        if !toolCalls.isEmpty { object["tool_calls"] = .list(toolCalls.map(\.value)) }
        return .object(object)
    }
}

extension ChatToolCall {
    fileprivate var value: JinjaValue {
        .object([
            "type": .trusted("function"),
            "id": .untrusted(id),
            "function": .object(["name": .untrusted(name), "arguments": arguments]),
        ])
    }
}
