public import Jinja

/// Why a vocabulary or a text was refused.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A kind of tokenizer that isn't supported; with those that are.
    case unsupportedModel(String, supported: [String])
    /// The vocabulary has no tokens, or more than the limit.
    case vocabularySize(count: Int, limit: Int)
    /// The arrays of a vocabulary differ in length.
    case lengthMismatch(what: String, expected: Int, found: Int)
    /// A token is unusable: too long, an unknown type, a score that is not a number.
    case invalidToken(id: Int, reason: String)
    /// A merge is unusable: too long, or not two parts.
    case invalidMerge(index: Int, reason: String)
    /// A byte-pair vocabulary without a list of merges.
    case missingMerges
    /// The vocabulary has more merges than the limit.
    case mergeCount(Int, limit: Int)
    /// A pre-tokenizer that isn't known; with those that are.
    case unknownPreTokenizer(String, known: [String])
    /// A special token's id is not in the vocabulary.
    case specialTokenOutOfRange(name: String, id: Int)
    /// Text outside the vocabulary couldn't be encoded: neither byte tokens nor an unknown token.
    case noFallback
    /// A text over ``TokenizerLimits/textBytesMax``.
    case textTooLong(bytes: Int, limit: Int)
    /// A conversation over ``TokenizerLimits/messagesMax``, or without a message.
    case messageCount(Int, limit: Int)
    /// A chat template that is unusable, or that refuses the conversation.
    case template(TemplateError)

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .unsupportedModel(let name, let supported):
            "the tokenizer \"\(name)\" is not supported; supported: "
                + supported.joined(separator: ", ")
        case .vocabularySize(let count, let limit):
            "the vocabulary has \(count) tokens; 1 to \(limit) are allowed"
        case .lengthMismatch(let what, let expected, let found):
            "the vocabulary has \(expected) tokens but \(found) \(what)"
        case .invalidToken(let id, let reason):
            "token \(id) is unusable: \(reason)"
        case .invalidMerge(let index, let reason):
            "merge \(index) is unusable: \(reason)"
        case .missingMerges:
            "the file has no tokenizer.ggml.merges; convert the model again"
        case .mergeCount(let count, let limit):
            "the vocabulary has \(count) merges; at most \(limit) are allowed"
        case .unknownPreTokenizer(let name, let known):
            "the pre-tokenizer \"\(name)\" is not known; known: " + known.joined(separator: ", ")
        case .specialTokenOutOfRange(let name, let id):
            "the \(name) token's id \(id) is not in the vocabulary"
        case .noFallback:
            "the vocabulary has neither byte tokens nor an unknown token"
        case .textTooLong(let bytes, let limit):
            "the text has \(bytes) bytes; at most \(limit) are encoded at once"
        case .messageCount(let count, let limit):
            "the conversation has \(count) messages; 1 to \(limit) are allowed"
        case .template(let error):
            "the chat template, \(error)"
        }
    }
}
