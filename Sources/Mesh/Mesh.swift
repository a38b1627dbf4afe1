// Mesh: sessions between nodes and what travels in them.
//
// Pure cores, by folder:
//   Link       the handshake and the multiplexer of an encrypted link
//   Inference  the messages that carry a request, its tokens and its end
//   Routing    which node a request goes to, and what happens when that node fails
// Sockets, timers and threads are in `MeshTransport`; no clock or random source is read here.

/// Bounds on what the inference messages and the router accept. Those of links are in `LinkLimits`.
public enum MeshLimits {
    /// The longest message on an inference stream, in bytes.
    public static let messageBytesMax = 4 << 20
    /// The longest prompt as text, in UTF-8 bytes, over all messages of a conversation.
    public static let promptTextBytesMax = 2 << 20
    /// The most messages in a conversation.
    public static let chatMessagesMax = 4096
    /// The most token ids in a prompt, and in one choice's continuation.
    public static let tokensMax = 1 << 19
    /// The most choices (independent completions) of a request.
    public static let choicesMax = 16
    /// The most stop strings of a request.
    public static let stopStringsMax = 16
    /// The longest stop string, in bytes.
    public static let stopStringBytesMax = 1024
    /// The most bytes one token may stand for.
    public static let tokenBytesMax = 4096
    /// The most alternatives with a token's log probability.
    public static let topLogprobsMax = 20
    /// The most tokens with a bias on their logit.
    public static let logitBiasMax = 1024
    /// The longest grammar or schema, in bytes.
    public static let constraintBytesMax = 64 << 10
    /// The most texts of a request for embeddings.
    public static let embeddingInputsMax = 256
    /// The most elements of an embedding.
    public static let embeddingElementsMax = 1 << 16
    /// The most token frames in one message.
    public static let tokenFramesMax = 256
    /// The longest model name, role name or error text, in bytes.
    public static let nameBytesMax = 256
    /// The longest error message, in bytes.
    public static let errorBytesMax = 2048
    /// The most nodes one request is tried at, the first included.
    public static let attemptsMax = 4
}
