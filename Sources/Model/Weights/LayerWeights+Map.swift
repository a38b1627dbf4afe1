// From one stage of weights to the next, in the order of the forward pass.

/// What turns a weight of one stage into that of the next.
protocol WeightMap<FromMatrix, FromVector> {
    associatedtype FromMatrix
    associatedtype FromVector
    associatedtype ToMatrix
    associatedtype ToVector

    mutating func matrix(_ matrix: FromMatrix) throws(ModelError) -> ToMatrix
    mutating func vector(_ vector: FromVector) throws(ModelError) -> ToVector
}

extension WeightMap {
    mutating func optional(_ vector: FromVector?) throws(ModelError) -> ToVector? {
        guard let vector else { return nil }
        return try self.vector(vector)
    }

    mutating func optional(_ matrix: FromMatrix?) throws(ModelError) -> ToMatrix? {
        guard let matrix else { return nil }
        return try self.matrix(matrix)
    }

    mutating func norm(
        _ norm: NormWeights<FromVector>?
    ) throws(ModelError) -> NormWeights<ToVector>? {
        guard let norm else { return nil }
        return NormWeights(weight: try vector(norm.weight), bias: try optional(norm.bias))
    }

    mutating func linear(
        _ linear: Linear<FromMatrix, FromVector>
    ) throws(ModelError) -> Linear<ToMatrix, ToVector> {
        Linear(matrix: try matrix(linear.matrix), bias: try optional(linear.bias))
    }

    mutating func linears(
        _ some: [Linear<FromMatrix, FromVector>]
    ) throws(ModelError) -> [Linear<ToMatrix, ToVector>] {
        var result: [Linear<ToMatrix, ToVector>] = []
        for one in some { result.append(try linear(one)) }
        return result
    }

    mutating func feedForward(
        _ layer: FeedForward<FromMatrix, FromVector>
    ) throws(ModelError) -> FeedForward<ToMatrix, ToVector> {
        FeedForward(inputs: try linears(layer.inputs), output: try linear(layer.output))
    }

    mutating func feedForward(
        _ kind: FeedForwardKind<FromMatrix, FromVector>
    ) throws(ModelError) -> FeedForwardKind<ToMatrix, ToVector> {
        switch kind {
        case .dense(let dense): return .dense(try feedForward(dense))
        case .experts(let some):
            var experts: [FeedForward<ToMatrix, ToVector>] = []
            for expert in some.experts { experts.append(try feedForward(expert)) }
            return .experts(Experts(router: try matrix(some.router), experts: experts))
        }
    }

    mutating func layer(
        _ layer: Layer<FromMatrix, FromVector>
    ) throws(ModelError) -> Layer<ToMatrix, ToVector> {
        Layer(
            attentionNorm: try norm(layer.attentionNorm),
            attentionInputs: try linears(layer.attentionInputs),
            queryNorm: try optional(layer.queryNorm), keyNorm: try optional(layer.keyNorm),
            attentionOutput: try linear(layer.attentionOutput),
            attentionResultNorm: try norm(layer.attentionResultNorm),
            attentionStreamNorm: try norm(layer.attentionStreamNorm),
            feedForwardNorm: try norm(layer.feedForwardNorm),
            feedForward: try feedForward(layer.feedForward),
            feedForwardResultNorm: try norm(layer.feedForwardResultNorm),
            feedForwardStreamNorm: try norm(layer.feedForwardStreamNorm))
    }
}
