import Kernels

extension FeedForwardKind where Matrix == PackedMatrix, Vector == FloatVector {
    /// The products that read the layer's input.
    var readers: [Linear<PackedMatrix, FloatVector>] {
        switch self {
        case .dense(let dense): dense.inputs
        case .experts(let some): [Linear(matrix: some.router)]
        }
    }
}

extension LayerPass {
    /// Takes the input through a feed-forward layer to the output rows; returns the bias that they
    /// still lack.
    func feedForward(
        _ kind: FeedForwardKind<PackedMatrix, FloatVector>
    ) throws(ModelError) -> FloatVector? {
        switch kind {
        case .dense(let layer):
            try feedForward(layer, input: workspace.input, into: workspace.output)
            return layer.output.bias
        case .experts(let layer):
            try runExperts(layer)
            return nil
        }
    }

    /// Two products with the activation between. The input's own memory holds what the second one
    /// reads.
    func feedForward(
        _ layer: FeedForward<PackedMatrix, FloatVector>, input: KernelInput,
        into out: UnsafeMutablePointer<Float>
    ) throws(ModelError) {
        let inner = c.feedForwardLength
        let stride = inner * c.activation.inputs
        try multiply(layer.inputs, input: input, into: workspace.inner, stride: stride)
        input.reshape(count: input.count, columns: inner)
        input.prepare(blocks: [layer.output].blocks, planes: c.inputPlanes)
        let values = input.values
        forEach(input.count, elements: inner * 4) { row in
            let gate = workspace.inner + row * stride
            var biased = gate
            for linear in layer.inputs {
                if let bias = linear.bias {
                    kernels.add(bias.pointer, count: bias.count, to: biased)
                }
                biased += linear.matrix.rows
            }
            let to = values + row * inner
            switch c.activation {
            case .swiGLU: kernels.swiGLU(gate: gate, up: gate + inner, count: inner, into: to)
            case .geGLU: kernels.geGLU(gate: gate, up: gate + inner, count: inner, into: to)
            case .gelu: kernels.gelu(gate, count: inner, into: to)
            }
            input.encode(rows: row..<row + 1, kernels: kernels)
        }
        try multiply([layer.output], input: input, into: out, stride: c.embeddingLength)
    }
}
