import Model

/// What a generation needs of a model. `LoadedModel` is one; tests bring others.
protocol SequenceModel: Sendable {
    /// How many logits a row has.
    var vocabularySize: Int { get }
    /// The most tokens of a sequence.
    var contextLength: Int { get }
    /// What a session of `capacity` tokens takes, in bytes.
    func sessionBytes(capacity: Int, kv: KVType) -> Int
    /// An empty sequence with room for `capacity` tokens.
    func makeSession(capacity: Int, kv: KVType) throws(EngineError) -> any SequenceSession
}

/// One sequence in a model: its keys and values. Used by one thread at a time.
protocol SequenceSession: AnyObject {
    /// How many tokens it holds.
    var count: Int { get }
    /// Forgets all tokens from position `count` on.
    func truncate(to count: Int)
    /// Runs tokens after those it holds. Gives the logits of the last one, or of each, row by row.
    func forward(
        _ tokens: [Int32], everyRow: Bool, isCancelled: () -> Bool
    ) throws(EngineError) -> [Float]
}

extension SequenceSession {
    /// Runs `tokens` in chunks and gives the logits of the last one. `tokens` is not empty.
    func forward(
        chunked tokens: [Int32], chunkTokens: Int, isCancelled: () -> Bool
    ) throws(EngineError) -> [Float] {
        var logits: [Float] = []
        var start = 0
        while start < tokens.count {
            guard !isCancelled() else { throw .cancelled }
            let end = min(start + chunkTokens, tokens.count)
            logits = try forward(
                Array(tokens[start..<end]), everyRow: false, isCancelled: isCancelled)
            start = end
        }
        return logits
    }
}
