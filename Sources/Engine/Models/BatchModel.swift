import Model

/// What an engine needs of a model. `LoadedModel` is one; tests bring others.
protocol BatchModel: Sendable {
    /// How many logits a row has.
    var vocabularySize: Int { get }
    /// The most tokens of a sequence.
    var contextLength: Int { get }
    /// Whether it makes vectors of texts instead of tokens.
    var makesEmbeddings: Bool { get }
    /// Bytes of a page of ``EngineLimits/pagePositions`` positions; nil for a type that the model
    /// does not take.
    func bytesPerPage(_ kv: KVType) -> Int?
    /// What the weights take, in bytes.
    var weightBytes: Int { get }
    /// What a runner takes beside its pages, in bytes.
    var runnerBytes: Int { get }
    /// Something that runs steps over pages of its own.
    func makeRunner(pageCount: Int, kv: KVType) throws(EngineError) -> any BatchRunner
    /// Something that makes vectors of texts.
    func makeEmbedder() throws(EngineError) -> any TextEmbedder
}

/// Makes vectors of texts. Used by one thread at a time.
protocol TextEmbedder: AnyObject {
    /// A vector for each text. Throws ``EngineError/cancelled`` soon after `isCancelled` says so.
    func embed(
        _ texts: [[Int32]], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]]
}

/// Runs steps. Used by one thread at a time.
protocol BatchRunner: AnyObject {
    /// Copies all that a page holds.
    func copy(page: Int32, to: Int32)
    /// Runs all entries together: each one's tokens at its positions, in its pages, after what
    /// those hold already. Gives the logits of the rows asked for, for each entry, row by row.
    ///
    /// Throws ``EngineError/cancelled`` soon after `isCancelled` says so. After an error the same
    /// entries can be run again.
    func forward(
        _ entries: [Step.Entry], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]]
    /// Shares out work that is no part of a pass among the threads that run passes.
    func split(_ count: Int, _ body: (Range<Int>) -> Void)
}

extension BatchModel {
    var makesEmbeddings: Bool { false }

    func makeEmbedder() throws(EngineError) -> any TextEmbedder {
        throw .wrongKindOfModel(reason: "this model makes tokens, not embeddings")
    }

    /// The error for a type of keys and values that the model does not take.
    func refusal(of kv: KVType) -> EngineError {
        let taken = KVType.allCases.filter { bytesPerPage($0) != nil }.map(\.description)
        return .invalidRequest(
            field: "kv",
            reason: "this model's heads can't be kept as \(kv); it takes "
                + taken.joined(separator: ", "))
    }
}
