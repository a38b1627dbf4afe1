// The parts that layers of most architectures share. Names within a layer, without `.weight`.

extension TensorFinder {
    /// A matrix with a row for each token; a full name.
    mutating func embedding(_ name: String) throws(ModelError) -> MatrixInFile {
        try matrix(name, rows: shape.vocabularySize, columns: shape.embeddingLength)
    }

    /// What all models of the next token have: an embedding, a last norm, and an output matrix,
    /// which is the embedding itself where the file has no other.
    mutating func decoderEnds() throws(ModelError) -> ModelEndsInFile {
        let embedding = try embedding("token_embd.weight")
        return ModelEndsInFile(
            embedding: embedding, outputNorm: try norm("output_norm"),
            output: has("output.weight") ? try self.embedding("output.weight") : embedding)
    }

    /// A norm over the residual stream; one of layers has a bias.
    mutating func norm(_ name: String) throws(ModelError) -> NormWeights<VectorInFile> {
        let (name, count) = (fullName(name), shape.embeddingLength)
        return NormWeights(
            weight: try vector(name + ".weight", count: count),
            bias: shape.norm == .layer ? try vector(name + ".bias", count: count) : nil)
    }

    /// A norm over each head.
    mutating func headNorm(_ name: String) throws(ModelError) -> VectorInFile {
        try vector(fullName(name) + ".weight", count: shape.headDimension)
    }

    /// A product with a matrix of `rows` rows.
    mutating func linear(
        _ name: String, rows: Int, columns: Int, bias: Bias
    ) throws(ModelError) -> LinearInFile {
        let name = fullName(name)
        let matrix = try matrix(name + ".weight", rows: rows, columns: columns)
        let hasBias = bias == .required || bias == .optional && has(name + ".bias")
        return LinearInFile(
            matrix: matrix, bias: hasBias ? try vector(name + ".bias", count: rows) : nil)
    }

    /// Queries, keys and values, each by a matrix of its own.
    mutating func queryKeyValue(bias: Bias) throws(ModelError) -> [LinearInFile] {
        let columns = shape.embeddingLength
        return [
            try linear("attn_q", rows: shape.queryLength, columns: columns, bias: bias),
            try linear("attn_k", rows: shape.keyLength, columns: columns, bias: bias),
            try linear("attn_v", rows: shape.keyLength, columns: columns, bias: bias),
        ]
    }

    /// What attention found, as the residual stream has it.
    mutating func attentionOutput(bias: Bias) throws(ModelError) -> LinearInFile {
        try linear(
            "attn_output", rows: shape.embeddingLength, columns: shape.queryLength, bias: bias)
    }

    /// Gate, up and down, each by a matrix of its own.
    mutating func gatedFeedForward(_ bias: Bias) throws(ModelError) -> FeedForwardInFile {
        let (inner, outer) = (shape.feedForwardLength, shape.embeddingLength)
        return FeedForwardInFile(
            inputs: [
                try linear("ffn_gate", rows: inner, columns: outer, bias: bias),
                try linear("ffn_up", rows: inner, columns: outer, bias: bias),
            ],
            output: try linear("ffn_down", rows: outer, columns: inner, bias: bias))
    }

    /// Experts, stacked in three tensors, or in files of early 2024 three tensors each.
    mutating func experts() throws(ModelError) -> Experts<MatrixInFile, VectorInFile> {
        let (inner, outer) = (shape.feedForwardLength, shape.embeddingLength)
        let router = try matrix(
            fullName("ffn_gate_inp.weight"), rows: shape.expertCount, columns: outer)
        let gates = try expertMatrices("ffn_gate", rows: inner, columns: outer)
        let ups = try expertMatrices("ffn_up", rows: inner, columns: outer)
        let downs = try expertMatrices("ffn_down", rows: outer, columns: inner)
        return Experts(
            router: router,
            experts: (0..<shape.expertCount).map {
                FeedForwardInFile(
                    inputs: [LinearInFile(matrix: gates[$0]), LinearInFile(matrix: ups[$0])],
                    output: LinearInFile(matrix: downs[$0]))
            })
    }

    private mutating func expertMatrices(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> [MatrixInFile] {
        if has(fullName("\(name).0.weight")) {
            var result: [MatrixInFile] = []
            for expert in 0..<shape.expertCount {
                result.append(
                    try matrix(fullName("\(name).\(expert).weight"), rows: rows, columns: columns))
            }
            return result
        }
        return try matrices(
            fullName("\(name)_exps.weight"), count: shape.expertCount, rows: rows,
            columns: columns)
    }
}
