import Kernels

extension LayerPass {
    /// Appends the logits of all rows left.
    ///
    /// The input of a quantised output matrix has two planes of codes. Its error goes straight to
    /// the logits, unlike that of the layers, which later ones average out; and the matrix is read
    /// once either way, so that decoding is hardly slower.
    func computeLogits(into results: inout LogitsBuffer) throws(ModelError) {
        guard let output = model.output, rows.count > 0 else { return }
        let (length, vocabulary, input) = (c.embeddingLength, c.vocabularySize, workspace.input)
        let planes = output.format.readsCodes ? 2 : 1
        let (positions, entries) = (rows.positions, rows.entries)
        let atOnce = ModelLimits.logitsRowsPerProduct
        for first in stride(from: 0, to: rows.count, by: atOnce) {
            let count = min(atOnce, rows.count - first)
            input.reshape(count: count, columns: length)
            input.prepare(blocks: [Linear(matrix: output)].blocks, planes: planes)
            let values = input.values
            forEach(count, elements: 2 * length) { row in
                normalise(
                    workspace.stream + (first + row) * length, by: model.outputNorm,
                    into: values + row * length)
                input.encode(rows: row..<row + 1, kernels: kernels)
            }
            try multiplyPlanes(
                [Linear(matrix: output)], input: input, into: workspace.logits,
                stride: vocabulary)
            for row in 0..<count {
                let logits = workspace.logits + row * planes * vocabulary
                guard finish(logits, planes: planes) else {
                    throw .notANumber(position: positions[first + row])
                }
                results.append(entry: entries[first + row], logits)
            }
        }
    }

    /// Adds the second plane of a row of logits to the first; false if one is no finite number.
    private func finish(_ logits: UnsafeMutablePointer<Float>, planes: Int) -> Bool {
        let (vocabulary, size) = (c.vocabularySize, ModelLimits.elementsPerThread)
        let parts = (vocabulary + size - 1) / size
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: parts) { worst in
            guard let worst = worst.baseAddress else { return false }
            workers.run(chunks: parts) { part in
                let (begin, end) = (part * size, min((part + 1) * size, vocabulary))
                if planes == 2 {
                    kernels.add(
                        logits + vocabulary + begin, count: end - begin, to: logits + begin)
                }
                // The exponent of what is infinite or no number is the largest there is.
                var largest: UInt32 = 0
                for index in begin..<end {
                    largest = max(largest, logits[index].bitPattern & 0x7f80_0000)
                }
                worst[part] = largest
            }
            return (0..<parts).allSatisfy { worst[$0] < 0x7f80_0000 }
        }
    }
}
