import Kernels

/// Which rows of logits a forward pass returns.
public enum LogitsRows: Sendable {
    /// Those after the last token.
    case last
    /// Those after each token.
    case all
}

extension LoadedModel {
    /// Runs `tokens` at the positions from `cache.count` on, and appends them to `cache`.
    ///
    /// The logits do not depend on how a prompt is divided among calls, on the number of threads
    /// or on the instruction set: the same tokens give the same bits.
    ///
    /// - Parameters:
    ///   - workspace: made for this model.
    ///   - isCancelled: asked between layers.
    /// - Returns: `vocabularySize` finite logits for each row asked for.
    /// - Throws: ``ModelError/noTokens``, ``ModelError/tokenOutOfRange(token:vocabularySize:)``,
    ///   ``ModelError/contextFull(needed:capacity:)``, ``ModelError/cancelled``,
    ///   ``ModelError/notANumber(position:)``; `cache` is then as before.
    public func forward(
        tokens: [Int32], cache: KVCache, logits: LogitsRows = .last, workspace: Workspace,
        isCancelled: () -> Bool = { false }
    ) throws(ModelError) -> [Float] {
        precondition(workspace.configuration == configuration, "a workspace of another model")
        precondition(
            cache.layerCount == configuration.layerCount
                && cache.kvHeadCount == configuration.kvHeadCount
                && cache.headDimension == configuration.headDimension, "a cache of another model")
        guard !tokens.isEmpty else { throw .noTokens }
        let vocabularySize = configuration.vocabularySize
        for token in tokens where !(0..<vocabularySize ~= Int(token)) {
            throw .tokenOutOfRange(token: token, vocabularySize: vocabularySize)
        }
        let end = cache.count + tokens.count
        guard end <= cache.capacity else {
            throw .contextFull(needed: end, capacity: cache.capacity)
        }
        var result: [Float] = []
        result.reserveCapacity(vocabularySize * (logits == .all ? tokens.count : 1))
        var done = 0
        while done < tokens.count {
            let count = min(ModelLimits.tokensPerPass, tokens.count - done)
            let pass = LayerPass(
                model: self, cache: cache, workspace: workspace,
                positions: cache.count + done..<cache.count + done + count)
            pass.embed(tokens[done..<done + count])
            try pass.run(layers: 0..<configuration.layerCount, isCancelled: isCancelled)
            done += count
            switch logits {
            case .all: try pass.appendLogits(rows: 0..<count, to: &result)
            case .last where done == tokens.count:
                try pass.appendLogits(rows: count - 1..<count, to: &result)
            case .last: break
            }
        }
        cache.advance(to: end)
        return result
    }
}

/// Some tokens of one sequence on their way through the layers.
struct LayerPass {
    let model: LoadedModel
    let cache: KVCache
    let workspace: Workspace
    /// Absolute positions of the tokens.
    let positions: Range<Int>

    private var c: ModelConfiguration { model.configuration }
    private var kernels: KernelTable { model.kernels }
    private var workers: WorkerPool { workspace.workers }

    /// Fills the residual stream with the tokens' embeddings.
    func embed(_ tokens: ArraySlice<Int32>) {
        for (row, token) in tokens.enumerated() {
            model.embed(
                Int(token),
                into: UnsafeMutableBufferPointer(
                    start: workspace.hidden + row * c.embeddingLength, count: c.embeddingLength))
        }
    }

    /// Takes the residual stream through some layers: attention, then feed-forward, each added to
    /// what came in (LLaMA, Touvron et al. 2023).
    func run(layers: Range<Int>, isCancelled: () -> Bool) throws(ModelError) {
        let pairs = model.rotary.pairCount
        for (row, position) in positions.enumerated() {
            model.rotary.fill(
                position: position, cosines: workspace.cosines + row * pairs,
                sines: workspace.sines + row * pairs)
        }
        for index in layers {
            if isCancelled() { throw .cancelled }
            let layer = model.weights.layers[index]

            normalise(rows: 0..<positions.count, by: layer.attentionNorm)
            multiply([
                (layer.query, workspace.queries), (layer.key, workspace.keys),
                (layer.value, workspace.values),
            ])
            rotateAndStore(layer: index)
            attend(layer: index)
            multiply([(layer.attentionOutput, workspace.output)])
            addOutput()

            normalise(rows: 0..<positions.count, by: layer.feedForwardNorm)
            multiply([(layer.gate, workspace.gate), (layer.up, workspace.up)])
            activate()
            multiply([(layer.down, workspace.output)])
            addOutput()
        }
    }

    /// Appends the logits of some rows of the residual stream.
    ///
    /// The input of a quantised output matrix has two planes of codes. Its error goes straight to
    /// the logits, unlike that of the layers, which later ones average out; and the matrix is read
    /// once either way, so that decoding is hardly slower.
    func appendLogits(rows: Range<Int>, to result: inout [Float]) throws(ModelError) {
        let output = model.weights.output
        let planes = output.format.readsCodes ? 2 : 1
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtOnce) {
            let some = first..<min(first + rowsAtOnce, rows.upperBound)
            normalise(rows: some, by: model.weights.outputNorm)
            multiply([(output, workspace.logits)], planes: planes)
            for row in 0..<some.count {
                let logits = workspace.logits + row * planes * c.vocabularySize
                if planes == 2 {
                    kernels.add(
                        logits + c.vocabularySize, count: c.vocabularySize, to: logits)
                }
                let computed = UnsafeBufferPointer(start: logits, count: c.vocabularySize)
                guard computed.allSatisfy(\.isFinite) else {
                    throw .notANumber(position: positions.lowerBound + some.lowerBound + row)
                }
                result.append(contentsOf: computed)
            }
        }
    }

    private var rowsAtOnce: Int { ModelLimits.logitsRowsPerProduct }

    /// The next product's input becomes the normalised rows of the residual stream.
    private func normalise(rows: Range<Int>, by weight: FloatVector) {
        let (length, input) = (c.embeddingLength, workspace.input)
        input.reshape(count: rows.count, columns: length)
        let (to, from) = (input.values, workspace.hidden + rows.lowerBound * length)
        workers.split(rows.count) { rows in
            for row in rows {
                kernels.rmsNorm(
                    from + row * length, weight: weight.pointer, count: length,
                    epsilon: c.normEpsilon, into: to + row * length)
            }
        }
    }

    /// Products of the input with several matrices, their rows shared out together.
    private func multiply(
        _ products: [(matrix: PackedMatrix, out: UnsafeMutablePointer<Float>)], planes: Int = 1
    ) {
        let input = workspace.input
        if products.contains(where: { $0.matrix.format.readsCodes }) {
            input.quantise(planes: planes, kernels: kernels, workers: workers)
        }
        let panels = products.reduce(0) { $0 + $1.matrix.panelCount }
        workers.split(panels) { range in
            var first = 0
            for (matrix, out) in products {
                let own = range.clamped(to: first..<first + matrix.panelCount)
                if !own.isEmpty {
                    matrix.multiply(
                        input, panels: own.lowerBound - first..<own.upperBound - first,
                        kernels: kernels, into: out, stride: matrix.rows)
                }
                first += matrix.panelCount
            }
        }
    }

    /// Turns queries and keys by their positions; keys and values go to the cache.
    private func rotateAndStore(layer: Int) {
        let (dimension, pairs) = (c.headDimension, model.rotary.pairCount)
        workers.split(positions.count) { rows in
            for row in rows {
                let cosines = workspace.cosines + row * pairs
                let sines = workspace.sines + row * pairs
                for head in 0..<c.headCount {
                    kernels.rotate(
                        workspace.queries + row * c.queryLength + head * dimension,
                        cosines: cosines, sines: sines, pairs: pairs)
                }
                for head in 0..<c.kvHeadCount {
                    let key = workspace.keys + row * c.keyLength + head * dimension
                    kernels.rotate(key, cosines: cosines, sines: sines, pairs: pairs)
                    cache.store(
                        key: key, value: workspace.values + row * c.keyLength + head * dimension,
                        layer: layer, head: head, position: positions.lowerBound + row,
                        kernels: kernels)
                }
            }
        }
    }

    /// Every query head attends to its key head's positions up to its own (grouped queries,
    /// Ainslie et al. 2023); the result is the next product's input.
    private func attend(layer: Int) {
        let dimension = c.headDimension
        let scale = 1 / Float(dimension).squareRoot()
        workspace.input.reshape(count: positions.count, columns: c.queryLength)
        let out = workspace.input.values
        workers.split(positions.count * c.kvHeadCount) { tasks in
            for task in tasks {
                let (row, head) = task.quotientAndRemainder(dividingBy: c.kvHeadCount)
                let offset = row * c.queryLength + head * c.groupSize * dimension
                let cached = cache.rows(layer: layer, head: head)
                kernels.attend(
                    FlatAttentionTask(
                        queries: workspace.queries + offset, keys: cached.keys,
                        values: cached.values, isHalf: cache.type == .f16,
                        positionCount: positions.lowerBound + row + 1, headDimension: dimension,
                        group: c.groupSize, scale: scale, out: out + offset))
            }
        }
    }

    /// The next product's input becomes silu(gate) * up (SwiGLU, Shazeer 2020).
    private func activate() {
        let length = c.feedForwardLength
        workspace.input.reshape(count: positions.count, columns: length)
        let out = workspace.input.values
        workers.split(positions.count) { rows in
            let from = rows.lowerBound * length
            kernels.swiGLU(
                gate: workspace.gate + from, up: workspace.up + from, count: rows.count * length,
                into: out + from)
        }
    }

    private func addOutput() {
        kernels.add(
            workspace.output, count: positions.count * c.embeddingLength, to: workspace.hidden)
    }
}
