import Kernels

/// Which rows of logits a forward pass returns.
public enum LogitsRows: Sendable {
    /// None: the tokens only fill the cache.
    case none
    /// Those after the last token.
    case last
    /// Those after each token.
    case all
}

/// One sequence's part of a forward pass.
public struct BatchEntry: Sendable {
    /// What is run, at the positions `start..<start + tokens.count`.
    public var tokens: [Int32]
    /// Positions that are filled.
    public var start: Int
    /// Page numbers: those of positions 0..<64, 64..<128 and so on, up to the last token's.
    public var pages: [Int32]
    /// What is returned.
    public var logits: LogitsRows

    /// All parts in order.
    public init(tokens: [Int32], start: Int, pages: [Int32], logits: LogitsRows) {
        self.tokens = tokens
        self.start = start
        self.pages = pages
        self.logits = logits
    }
}

extension LoadedModel {
    /// Runs all entries through the layers together, their tokens as rows of the same products,
    /// and writes their keys and values to their pages.
    ///
    /// An entry's logits do not depend on the others, on how a prompt is divided among calls, on
    /// the number of threads or on the instruction set: the same tokens give the same bits. No
    /// entry may write a page that another one reads or writes.
    ///
    /// - Parameters:
    ///   - workspace: made for this model.
    ///   - isCancelled: asked on the calling thread, between layers and between parts of a layer.
    /// - Returns: for each entry `vocabularySize` finite logits for each row asked for.
    /// - Throws: ``ModelError/noTokens``, ``ModelError/tokenOutOfRange(token:vocabularySize:)``,
    ///   ``ModelError/contextFull(needed:capacity:)``, ``ModelError/badPages(reason:)``,
    ///   ``ModelError/wrongKind(architecture:isEncoder:)`` before anything has happened;
    ///   ``ModelError/cancelled``, ``ModelError/notANumber(position:)`` when positions from `start`
    ///   on may have been written, which running the entry again writes again.
    public func forward(
        batch: [BatchEntry], pages: KVPages, workspace: Workspace,
        isCancelled: () -> Bool = { false }
    ) throws(ModelError) -> [[Float]] {
        precondition(workspace.configuration == configuration, "a workspace of another model")
        precondition(pages.configuration == configuration, "pages of another model")
        guard !configuration.isEncoder else { throw wrongKind }
        guard batch.count <= ModelLimits.entriesPerBatch else {
            throw .badPages(
                reason: "\(batch.count) entries, above \(ModelLimits.entriesPerBatch)")
        }
        for entry in batch { try check(entry, pages: pages) }
        let tables = PageTables(batch: batch, pages: pages)
        var results = LogitsBuffer(batch: batch, vocabularySize: configuration.vocabularySize)
        for rows in RowPlan.passes(of: batch, tokensMax: configuration.tokensPerPass) {
            try withCancellation(isCancelled) { isCancelled throws(ModelError) in
                var pass = LayerPass(
                    model: self, pages: pages, tables: tables, workspace: workspace, rows: rows,
                    isCancelled: isCancelled)
                pass.embed { batch[$0].tokens[$1] }
                try pass.run()
                try pass.computeLogits(into: &results)
            }
        }
        return results.rows
    }

    var wrongKind: ModelError {
        .wrongKind(
            architecture: configuration.architecture.rawValue,
            isEncoder: configuration.isEncoder)
    }

    func check(tokens: [Int32]) throws(ModelError) {
        guard !tokens.isEmpty else { throw .noTokens }
        let vocabularySize = configuration.vocabularySize
        for token in tokens where !(0..<vocabularySize ~= Int(token)) {
            throw .tokenOutOfRange(token: token, vocabularySize: vocabularySize)
        }
    }

    private func check(_ entry: BatchEntry, pages: KVPages) throws(ModelError) {
        try check(tokens: entry.tokens)
        let context = configuration.contextLength
        guard entry.start >= 0, entry.start <= context,
            entry.tokens.count <= context - entry.start
        else {
            let (needed, overflow) = entry.start.addingReportingOverflow(entry.tokens.count)
            throw .contextFull(needed: overflow ? .max : needed, capacity: context)
        }
        let end = entry.start + entry.tokens.count
        let needed = KVPages.pages(for: end)
        guard entry.pages.count >= needed else {
            throw .badPages(
                reason: "\(end) positions need \(needed) pages, there are \(entry.pages.count)")
        }
        for page in entry.pages.prefix(needed) where !(0..<pages.pageCount ~= Int(page)) {
            throw .badPages(reason: "there is no page \(page) among \(pages.pageCount)")
        }
    }
}

/// Calls `body` with `isCancelled` as a closure that can be kept for that long.
func withCancellation(
    _ isCancelled: () -> Bool, _ body: (@escaping () -> Bool) throws(ModelError) -> Void
) throws(ModelError) {
    let result = withoutActuallyEscaping(isCancelled) { isCancelled -> Result<Void, ModelError> in
        do throws(ModelError) { return .success(try body(isCancelled)) } catch {
            return .failure(error)
        }
    }
    try result.get()
}
