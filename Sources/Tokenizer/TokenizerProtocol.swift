/// A stretch of a prompt, and whether it may contain special tokens.
public struct TextPiece: Sendable, Hashable {
    /// Raw bytes that need not be UTF-8.
    public var text: [UInt8]
    /// Whether the spelling of a control token in it becomes that token: for text that a template
    /// wrote, never for text from a user.
    public var isTrusted: Bool

    /// A piece of text.
    public init(text: [UInt8], isTrusted: Bool) {
        self.text = text
        self.isTrusted = isTrusted
    }

    /// A piece of text.
    public init(_ text: String, isTrusted: Bool) {
        self.init(text: Array(text.utf8), isTrusted: isTrusted)
    }
}

/// Text to token ids and back.
public protocol TokenizerProtocol: Sendable {
    /// How many tokens there are; ids are below it.
    var vocabularySize: Int { get }
    /// The token that begins a sequence, if there is one.
    var bos: Int32? { get }
    /// The token that ends a sequence, if there is one.
    var eos: Int32? { get }

    /// The ids of `pieces` joined to one text; nothing is trimmed.
    ///
    /// A piece merges with its neighbour as it would in one string, but the spelling of a control
    /// token is that token only where all of it lies in trusted text: no text from a user can forge
    /// one, alone or together with what stands beside it. User-defined tokens are text and are
    /// found anywhere. With `addSpecial`, tokens that begin or end a sequence are added where the
    /// vocabulary wants them.
    func encode(_ pieces: [TextPiece], addSpecial: Bool) throws(TokenizerError) -> [Int32]

    /// The bytes that `token` adds to a text: none for a control token or an id out of range, and
    /// possibly half a character.
    func bytes(of token: Int32) -> [UInt8]

    /// How the vocabulary spells `token`, control tokens too, for templates that name them; none
    /// for an id out of range.
    func spelling(of token: Int32) -> [UInt8]

    /// Whether `token` ends an answer.
    func isEndOfGeneration(_ token: Int32) -> Bool
}

extension TokenizerProtocol {
    /// The ids of `text`, raw bytes that need not be UTF-8; nothing is trimmed.
    ///
    /// With `addSpecial`, tokens that begin or end a sequence are added where the vocabulary wants
    /// them. With `parseSpecial`, the spelling of a control token in the text becomes that token:
    /// for rendered templates, never for text from a user.
    public func encode(
        _ text: [UInt8], addSpecial: Bool, parseSpecial: Bool
    ) throws(TokenizerError) -> [Int32] {
        try encode([TextPiece(text: text, isTrusted: parseSpecial)], addSpecial: addSpecial)
    }

    /// The ids of `text`; see ``encode(_:addSpecial:parseSpecial:)-([UInt8],_,_)``.
    public func encode(
        _ text: String, addSpecial: Bool, parseSpecial: Bool
    ) throws(TokenizerError) -> [Int32] {
        try encode(Array(text.utf8), addSpecial: addSpecial, parseSpecial: parseSpecial)
    }

    /// The bytes of a whole sequence, control tokens left out.
    public func bytes(of tokens: [Int32]) -> [UInt8] {
        tokens.flatMap { bytes(of: $0) }
    }
}
