// Tokenizer: text to token ids and back, and chat templates.
//
// Pure: a vocabulary is handed in as arrays. Reads no files.
//
// What lives here: `Vocabulary` (checked arrays) and the three kinds of tokenizer over it,
// `SentencePieceTokenizer` (score-driven merges with byte fallback), `BytePairTokenizer` (ranked
// merges of pieces that a pattern cuts) and `WordPieceTokenizer` (longest known parts of words);
// `StreamingDecoder` (tokens' bytes to text, never half a character); `Chat` has conversations and
// `ChatTemplate`, which makes a prompt of them.
// `Patterns` is the small regular-expression matcher and the table of pre-tokenizer rules;
// `Tokens` is what the kinds share. A text or a vocabulary may come from a stranger: both are
// bounded, and encoding takes time in proportion to n log n for n bytes whatever they are.

/// Bounds on vocabularies and texts.
public enum TokenizerLimits {
    /// The most tokens of a vocabulary.
    public static let tokensMax = 1 << 20
    /// The longest token, in bytes.
    public static let tokenBytesMax = 4096
    /// The longest special or user-defined token, in bytes: such tokens are looked for at every byte.
    public static let specialTokenBytesMax = 512
    /// The most bytes that all special and user-defined tokens have together.
    public static let specialBytesMax = 1 << 22
    /// The most merges of a byte-pair vocabulary.
    public static let mergesMax = 1 << 21
    /// The longest word that WordPiece looks up, in characters, as its published form has it; a
    /// longer one is the unknown token.
    public static let wordCharactersMax = 100
    /// The longest text that is encoded at once, in bytes. More than any context holds.
    public static let textBytesMax = 4 << 20
    /// The most messages of a conversation.
    public static let messagesMax = 4096
}
