public import Jinja

/// How a conversation becomes one prompt.
///
/// What a message says can never become a special token: a rendering is in pieces that are the
/// template's own words or somebody's text, and only in the former are special tokens found.
public enum ChatTemplate: Sendable, Hashable {
    /// The contents joined by line feeds, without roles.
    ///
    /// It is the default for a file without a template: right for models that only continue text,
    /// which would otherwise continue the role names too. A model that was trained on a template
    /// understands a plain conversation less well.
    case plain
    /// The template that a model file brings (`tokenizer.chat_template`).
    case jinja(Template)

    /// A model file's template. Throws if it does not parse or uses what is not supported; whether
    /// ``plain`` takes its place is for the caller to decide, and to tell.
    public init(source: String) throws(TokenizerError) {
        do { self = .jinja(try Template(source)) } catch { throw .template(error) }
    }

    /// The prompt for `messages` in pieces.
    ///
    /// Trusted are what the template says and the names of roles. Throws if there are no messages
    /// or too many, or if the template refuses the conversation, as many refuse a system message
    /// or two messages of one role in a row.
    public func render(
        _ messages: [ChatMessage], _ options: ChatOptions
    ) throws(TokenizerError) -> [TextPiece] {
        guard (1...TokenizerLimits.messagesMax).contains(messages.count) else {
            throw .messageCount(messages.count, limit: TokenizerLimits.messagesMax)
        }
        switch self {
        case .plain: return Self.renderPlain(messages)
        case .jinja(let template):
            do {
                let context = options.context(for: messages)
                return try template.render(context, now: options.now).runs.map {
                    TextPiece(text: $0.bytes, isTrusted: $0.isTrusted)
                }
            } catch { throw .template(error) }
        }
    }

    /// The prompt for `messages` as one text: to be shown, or encoded without parsing special
    /// tokens, which a template needs; see ``encode(_:with:_:)``.
    public func render(_ messages: [ChatMessage]) throws(TokenizerError) -> String {
        let pieces = try render(messages, ChatOptions())
        return String(decoding: pieces.flatMap(\.text), as: UTF8.self)
    }

    /// The tokens of the prompt for `messages`.
    ///
    /// The names of the special tokens are those of `tokenizer`. A sequence begins with the token
    /// that the vocabulary wants there, once, whether the template writes it or not.
    public func encode(
        _ messages: [ChatMessage], with tokenizer: any TokenizerProtocol,
        _ options: ChatOptions = ChatOptions()
    ) throws(TokenizerError) -> [Int32] {
        var options = options
        let bos = tokenizer.bos.map(tokenizer.spelling(of:)) ?? []
        let eos = tokenizer.eos.map(tokenizer.spelling(of:)) ?? []
        options.bosToken = options.bosToken ?? String(decoding: bos, as: UTF8.self)
        options.eosToken = options.eosToken ?? String(decoding: eos, as: UTF8.self)
        let pieces = try render(messages, options)
        let isBegun = Self.begins(pieces, with: bos)
        return try tokenizer.encode(pieces, addSpecial: !isBegun)
    }

    /// Whether a rendering begins with the token spelled `bos` in the template's own words, so that
    /// it must not be added once more.
    public static func begins(_ pieces: [TextPiece], with bos: [UInt8]) -> Bool {
        guard let first = pieces.first, first.isTrusted, !bos.isEmpty else { return false }
        return first.text.starts(with: bos)
    }

    private static func renderPlain(_ messages: [ChatMessage]) -> [TextPiece] {
        var pieces: [TextPiece] = []
        for message in messages {
            if !pieces.isEmpty { pieces.append(TextPiece("\n", isTrusted: true)) }
            if !message.content.isEmpty {
                pieces.append(TextPiece(message.content, isTrusted: false))
            }
        }
        return pieces
    }
}
