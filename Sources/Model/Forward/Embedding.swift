import Kernels

extension LoadedModel {
    /// Makes a vector of each text: pooled as the file says, of length 1.
    ///
    /// A text's vector does not depend on the others, on the number of threads or on the
    /// instruction set.
    ///
    /// - Parameters:
    ///   - tokens: of each text, at most `contextLength`, with the special tokens that the model
    ///     wants.
    ///   - isCancelled: asked on the calling thread, between layers and between parts of a layer.
    /// - Returns: `embeddingLength` numbers for each text.
    /// - Throws: ``ModelError/noTokens``, ``ModelError/tokenOutOfRange(token:vocabularySize:)``,
    ///   ``ModelError/contextFull(needed:capacity:)``,
    ///   ``ModelError/wrongKind(architecture:isEncoder:)``, ``ModelError/kernels(_:)`` if the
    ///   system refuses memory, ``ModelError/cancelled``, ``ModelError/notANumber(position:)``.
    public func embed(
        tokens: [[Int32]], workspace: Workspace, isCancelled: () -> Bool = { false }
    ) throws(ModelError) -> [[Float]] {
        precondition(workspace.configuration == configuration, "a workspace of another model")
        guard let pooling = configuration.pooling else { throw wrongKind }
        for text in tokens {
            try check(tokens: text)
            guard text.count <= configuration.contextLength else {
                throw .contextFull(needed: text.count, capacity: configuration.contextLength)
            }
        }
        var vectors: [[Float]] = []
        vectors.reserveCapacity(tokens.count)
        var rest = tokens[...]
        while !rest.isEmpty {
            var (texts, total) = (rest.prefix(0), 0)
            while let next = rest.first, total + next.count <= configuration.tokensPerPass {
                total += next.count
                texts = tokens[texts.startIndex...rest.startIndex]
                rest = rest.dropFirst()
            }
            try withCancellation(isCancelled) { isCancelled throws(ModelError) in
                vectors += try embed(
                    Array(texts), pooling: pooling, workspace: workspace,
                    isCancelled: isCancelled)
            }
        }
        return vectors
    }

    /// Texts that fit one pass.
    private func embed(
        _ texts: [[Int32]], pooling: ModelConfiguration.Pooling, workspace: Workspace,
        isCancelled: @escaping () -> Bool
    ) throws(ModelError) -> [[Float]] {
        let counts = texts.map { KVPages.pages(for: $0.count) }
        let pages = try KVPages(
            configuration: configuration, pageCount: counts.reduce(0, +), type: .f32)
        var rows = RowPlan()
        for (index, text) in texts.enumerated() {
            let all = 0..<text.count
            let wanted =
                switch pooling {
                case .mean: all
                case .first: all.prefix(1)
                case .last: all.suffix(1)
                }
            rows.append(entry: index, tokens: all, position: 0, wanted: wanted)
        }
        var pass = LayerPass(
            model: self, pages: pages, tables: PageTables(counts: counts, pages: pages),
            workspace: workspace, rows: rows, isCancelled: isCancelled,
            textLengths: texts.map(\.count))
        pass.embed { texts[$0][$1] }
        try pass.run()
        var vectors: [[Float]] = []
        for segment in pass.rows.segments { vectors.append(try pass.pool(segment)) }
        return vectors
    }
}

extension LayerPass {
    /// The mean of a segment's rows, divided by its length as a vector.
    fileprivate func pool(_ segment: RowPlan.Segment) throws(ModelError) -> [Float] {
        let length = c.embeddingLength
        var sum = [Float](repeating: 0, count: length)
        for row in segment.row..<segment.row + segment.count {
            kernels.add(workspace.stream + row * length, count: length, to: &sum)
        }
        // In double precision, in which no sum of squares of singles overflows.
        var squares = 0.0
        for value in sum { squares += Double(value) * Double(value) }
        guard squares.isFinite else { throw .notANumber(position: segment.position) }
        // A vector of zeros has no direction; it stays one.
        let scale = squares > 0 ? 1 / squares.squareRoot() : 0
        return sum.map { Float(Double($0) * scale) }
    }
}
