import Kernels

/// Some tokens of some sequences on their way through the layers, a row of the residual stream each.
///
/// Nothing that is computed for a row depends on another row of the pass, except through keys and
/// values.
struct LayerPass {
    let model: LoadedModel
    let pages: KVPages
    let tables: PageTables
    let workspace: Workspace
    var rows: RowPlan
    let isCancelled: () -> Bool
    /// Tokens of each entry's text; of an encoder only, in which a token sees all others.
    var textLengths: [Int] = []

    var c: ModelConfiguration { model.configuration }
    var kernels: KernelTable { model.kernels }
    var workers: WorkerPool { workspace.workers }

    /// Fills the residual stream with embeddings: of tokens, and where the model has them of
    /// positions and of the text's kind.
    func embed(token: (_ entry: Int, _ index: Int) -> Int32) {
        let length = c.embeddingLength
        for segment in rows.segments {
            for index in 0..<segment.count {
                let x = workspace.stream + (segment.row + index) * length
                let row = UnsafeMutableBufferPointer(start: x, count: length)
                model.embedding.read(
                    Int(token(segment.entry, segment.tokens.lowerBound + index)), into: row)
                if c.embeddingScale != 1 { kernels.scale(x, by: c.embeddingScale, count: length) }
                if let positions = model.positions {
                    let other = UnsafeMutableBufferPointer(
                        start: workspace.output, count: length)
                    positions.read(segment.position + index, into: other)
                    kernels.add(workspace.output, count: length, to: x)
                }
                if let kind = model.kind { kernels.add(kind.pointer, count: length, to: x) }
                normalise(x, by: model.embeddingNorm, into: x)
            }
        }
    }

    /// Takes the residual stream through all layers. What is left are the rows that are wanted.
    mutating func run() throws(ModelError) {
        fillAngles()
        let layers = model.layers
        read(by: layers[0].attentionNorm, for: layers[0].attentionInputs)
        for (index, layer) in layers.enumerated() {
            let next = index + 1 < layers.count ? layers[index + 1] : nil
            try multiply(
                layer.attentionInputs, into: workspace.heads, stride: c.attentionInputLength)
            prepareHeads(layer, index: index)
            if next == nil { keepWantedRows() }
            if rows.count == 0 { return }
            try attend(layer, index: index)
            try multiply(
                [layer.attentionOutput], into: workspace.output, stride: c.embeddingLength)
            add(
                Addition(
                    bias: layer.attentionOutput.bias, norm: layer.attentionResultNorm,
                    streamNorm: layer.attentionStreamNorm),
                thenReadBy: layer.feedForwardNorm, for: layer.feedForward.readers)
            let bias = try feedForward(layer.feedForward)
            add(
                Addition(
                    bias: bias, norm: layer.feedForwardResultNorm,
                    streamNorm: layer.feedForwardStreamNorm),
                thenReadBy: next?.attentionNorm, for: next?.attentionInputs)
        }
    }

    func checkCancelled() throws(ModelError) {
        if isCancelled() { throw .cancelled }
    }

    /// Calls `body` with each of `0..<count`, on several threads if `elements` in each are worth it.
    func forEach(_ count: Int, elements: Int, _ body: (Int) -> Void) {
        if count * elements <= ModelLimits.elementsPerThread {
            for index in 0..<count { body(index) }
        } else {
            workers.split(count) { range in for index in range { body(index) } }
        }
    }

    /// Leaves the rows whose logits or vectors are wanted, moved together. The last layer need not
    /// compute more than their keys and values for the others.
    private mutating func keepWantedRows() {
        let (length, heads) = (c.embeddingLength, c.attentionInputLength)
        rows.forEachMove { from, to in
            guard from != to else { return }
            (workspace.stream + to * length).update(
                from: workspace.stream + from * length, count: length)
            (workspace.heads + to * heads).update(
                from: workspace.heads + from * heads, count: c.queryLength)
        }
        rows = rows.wantedRows
    }
}
