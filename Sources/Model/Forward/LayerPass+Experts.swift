import Kernels

// Experts (Shazeer et al. 2017; Jiang et al. 2024): the softmax of the router's scores over all
// experts; of these the largest few, divided by their sum, weigh what their experts give.

extension LayerPass {
    /// Takes the input through the experts of each row to the output rows. The sum over experts is
    /// in the order of their numbers, whatever other rows they serve.
    func runExperts(_ layer: Experts<PackedMatrix, FloatVector>) throws(ModelError) {
        guard let gathered = workspace.expertInput else { return }
        let (length, count) = (c.embeddingLength, c.expertCount)
        try multiply(
            [Linear(matrix: layer.router)], into: workspace.routes, stride: count)
        let assigned = assignRows()
        workspace.output.update(repeating: 0, count: rows.count * length)
        for (expert, weights) in zip(layer.experts, assigned) where !weights.isEmpty {
            gathered.reshape(count: weights.count, columns: length)
            let (from, to) = (workspace.input.values, gathered.values)
            for (index, assignment) in weights.enumerated() {
                (to + index * length).update(
                    from: from + assignment.row * length, count: length)
            }
            encode(gathered, for: expert.inputs)
            try feedForward(expert, input: gathered, into: workspace.expertOutput)
            forEach(weights.count, elements: length) { index in
                let (row, weight) = weights[index]
                let y = workspace.expertOutput + index * length
                if let bias = expert.output.bias {
                    kernels.add(bias.pointer, count: length, to: y)
                }
                kernels.addScaled(
                    y, scale: weight, count: length, to: workspace.output + row * length)
            }
        }
    }

    /// For each expert the rows it serves, ascending, and their weights.
    private func assignRows() -> [[(row: Int, weight: Float)]] {
        var assigned = [[(row: Int, weight: Float)]](repeating: [], count: c.expertCount)
        for row in 0..<rows.count {
            let routes = workspace.routes + row * c.expertCount
            kernels.softmax(routes, count: c.expertCount)
            let shares = UnsafeBufferPointer(start: routes, count: c.expertCount)
            let chosen = Self.largest(c.expertsUsed, of: shares)
            var sum: Float = 0
            for expert in chosen { sum += shares[expert] }
            for expert in chosen { assigned[expert].append((row, shares[expert] / sum)) }
        }
        return assigned
    }

    /// The indices of the `count` largest values, ascending; of equal values the first ones. A value
    /// that is not a number counts as the largest, so that it reaches the logits.
    static func largest(_ count: Int, of values: UnsafeBufferPointer<Float>) -> [Int] {
        var chosen = [Bool](repeating: false, count: values.count)
        for _ in 0..<min(count, values.count) {
            var best = -1
            for (index, value) in values.enumerated() where !chosen[index] {
                if best < 0 || value.isNaN || value > values[best] { best = index }
            }
            chosen[best] = true
        }
        return values.indices.filter { chosen[$0] }
    }
}
