public import Jinja

/// What a template is told besides the messages.
public struct ChatOptions: Sendable, Hashable {
    /// The spelling of the token that begins a sequence; nil for the tokenizer's own.
    public var bosToken: String?
    /// The spelling of the token that ends a sequence; nil for the tokenizer's own.
    public var eosToken: String?
    /// Whether the prompt ends where the model's answer begins.
    public var addsGenerationPrompt = true
    /// The tools that the model may call, each in the form of the OpenAI API (an object with `type`
    /// and `function`): what `JinjaValue(json:)` makes of it, not trusted.
    public var tools: [JinjaValue] = []
    /// What templates are told when they ask for the date. Without it they put none, or one of
    /// their own.
    public var now: JinjaDate?
    /// Further names that a template may know, such as `enable_thinking`.
    public var variables: JinjaObject = [:]

    /// The options of a conversation without tools.
    public init() {}

    /// The names that a template sees.
    func context(for messages: [ChatMessage]) -> JinjaObject {
        var context = variables
        context["messages"] = .list(messages.map(\.value))
        // The absence of tools is a value, as in the programs that templates are written for.
        context["tools"] = tools.isEmpty ? JinjaValue.none : .list(tools)
        context["documents"] = context["documents"] ?? JinjaValue.none
        context["add_generation_prompt"] = .boolean(addsGenerationPrompt)
        for (name, token) in [("bos_token", bosToken), ("eos_token", eosToken)] {
            if let token, !token.isEmpty { context[name] = .trusted(token) }
        }
        return context
    }
}
