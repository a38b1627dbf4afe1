import Kernels

/// What a sublayer does with its last product before and after adding it to the stream.
struct Addition {
    var bias: FloatVector?
    var norm: NormWeights<FloatVector>?
    var streamNorm: NormWeights<FloatVector>?
}

extension LayerPass {
    /// The next product's input becomes the normalised rows of the stream.
    func read(
        by norm: NormWeights<FloatVector>?, for readers: [Linear<PackedMatrix, FloatVector>]
    ) {
        step(adding: nil, thenReadBy: norm, for: readers)
    }

    /// Adds the output rows to the stream; the next product's input becomes its normalised rows.
    func add(
        _ addition: Addition, thenReadBy norm: NormWeights<FloatVector>?,
        for readers: [Linear<PackedMatrix, FloatVector>]?
    ) {
        step(adding: addition, thenReadBy: norm, for: readers)
    }

    private func step(
        adding addition: Addition?, thenReadBy norm: NormWeights<FloatVector>?,
        for readers: [Linear<PackedMatrix, FloatVector>]?
    ) {
        let (length, input) = (c.embeddingLength, workspace.input)
        input.reshape(count: rows.count, columns: length)
        input.prepare(blocks: readers?.blocks ?? [], planes: c.inputPlanes)
        let values = input.values
        forEach(rows.count, elements: 2 * length) { row in
            let x = workspace.stream + row * length
            if let addition {
                let y = workspace.output + row * length
                if let bias = addition.bias { kernels.add(bias.pointer, count: length, to: y) }
                normalise(y, by: addition.norm, into: y)
                kernels.add(y, count: length, to: x)
                normalise(x, by: addition.streamNorm, into: x)
            }
            guard readers != nil else { return }
            if norm == nil {
                (values + row * length).update(from: x, count: length)
            } else {
                normalise(x, by: norm, into: values + row * length)
            }
            input.encode(rows: row..<row + 1, kernels: kernels)
        }
    }

    /// A norm over the stream's length, in place or not; without weights nothing happens.
    func normalise(
        _ x: UnsafePointer<Float>, by norm: NormWeights<FloatVector>?,
        into out: UnsafeMutablePointer<Float>
    ) {
        guard let norm else { return }
        switch (c.norm, norm.bias) {
        case (.layer, let bias?):
            kernels.layerNorm(
                x, weight: norm.weight.pointer, bias: bias.pointer, count: norm.weight.count,
                epsilon: c.normEpsilon, into: out)
        default:
            kernels.rmsNorm(
                x, weight: norm.weight.pointer, count: norm.weight.count,
                epsilon: c.normEpsilon, into: out)
        }
    }

    /// Makes the codes that `readers` want of the input.
    func encode(_ input: KernelInput, for readers: [Linear<PackedMatrix, FloatVector>]) {
        input.prepare(blocks: readers.blocks, planes: c.inputPlanes)
        guard !input.blocks.isEmpty else { return }
        forEach(input.count, elements: input.columns) { row in
            input.encode(rows: row..<row + 1, kernels: kernels)
        }
    }
}

extension [Linear<PackedMatrix, FloatVector>] {
    /// The codes of their input that they read.
    var blocks: CodeBlocks {
        reduce(into: []) { $0.formUnion($1.matrix.format.activationBlock ?? []) }
    }
}
