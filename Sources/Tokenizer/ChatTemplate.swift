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

/// One message of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// Who says it.
    public let role: ChatRole
    /// What is said.
    public let content: String

    /// A message.
    public init(role: ChatRole, content: String) {
        self.role = role
        self.content = content
    }
}

/// How a conversation becomes one prompt.
///
/// Only the plain rendering exists so far, and a model file's own template (`chat_template`) is not
/// used: a model trained on a template will understand a plain conversation less well.
public enum ChatTemplate: Sendable, Hashable {
    /// The contents joined by line feeds, without roles: right for models that only continue text,
    /// which would otherwise continue the role names too.
    case plain

    /// The prompt for `messages`, to be encoded with the vocabulary's special tokens added and
    /// without parsing special tokens: no message can forge one.
    public func render(_ messages: [ChatMessage]) throws(TokenizerError) -> String {
        guard (1...TokenizerLimits.messagesMax).contains(messages.count) else {
            throw .messageCount(messages.count, limit: TokenizerLimits.messagesMax)
        }
        switch self {
        case .plain: return messages.map(\.content).joined(separator: "\n")
        }
    }
}
