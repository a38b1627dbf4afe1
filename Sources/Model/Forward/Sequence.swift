extension LoadedModel {
    /// Runs `tokens` at the positions from `cache.count` on, and appends them to `cache`: a batch of
    /// one sequence.
    ///
    /// Throws what ``forward(batch:pages:workspace:isCancelled:)`` throws; `cache` is then as before.
    /// - Returns: `vocabularySize` finite logits for each row asked for.
    public func forward(
        tokens: [Int32], cache: KVCache, logits: LogitsRows = .last, workspace: Workspace,
        isCancelled: () -> Bool = { false }
    ) throws(ModelError) -> [Float] {
        let end = cache.count + tokens.count
        guard end <= cache.capacity else {
            throw .contextFull(needed: end, capacity: cache.capacity)
        }
        let entry = BatchEntry(
            tokens: tokens, start: cache.count,
            pages: Array(0..<Int32(clamping: KVPages.pages(for: end))), logits: logits)
        let rows = try forward(
            batch: [entry], pages: cache.pages, workspace: workspace, isCancelled: isCancelled)
        cache.advance(to: end)
        return rows[0]
    }
}
