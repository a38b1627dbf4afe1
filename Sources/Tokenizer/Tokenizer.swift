// Tokenizer: text to token ids and back, and chat templates.
//
// Pure: a vocabulary is handed in as arrays. Reads no files.
//
// What lives here: `Vocabulary` (checked arrays), `SentencePieceTokenizer` (score-driven merges
// with byte fallback), `StreamingDecoder` (tokens' bytes to text, never half a character) and
// `ChatTemplate`. A text or a vocabulary may come from a stranger: both are bounded, and encoding
// takes time in proportion to n log n for n bytes whatever they are.

/// Bounds on vocabularies and texts.
public enum TokenizerLimits {
    /// The most tokens of a vocabulary.
    public static let tokensMax = 1 << 20
    /// The longest token, in bytes.
    public static let tokenBytesMax = 4096
    /// The longest text that is encoded at once, in bytes. More than any context holds.
    public static let textBytesMax = 4 << 20
    /// The most messages of a conversation.
    public static let messagesMax = 4096
}
