import Kernels

extension LayerPass {
    /// Products of an input with several matrices, their rows shared out together and written one
    /// after the other; a row of `stride` elements for each vector of the input.
    func multiply(
        _ linears: [Linear<PackedMatrix, FloatVector>], input: KernelInput? = nil,
        into out: UnsafeMutablePointer<Float>, stride: Int
    ) throws(ModelError) {
        let input = input ?? workspace.input
        try multiplyPlanes(linears, input: input, into: out, stride: stride)
        guard input.planes == 2 else { return }
        var column = 0
        for linear in linears {
            if linear.matrix.format.readsCodes {
                fold(
                    count: input.count, columns: column..<column + linear.matrix.rows, of: out,
                    stride: stride)
            }
            column += linear.matrix.rows
        }
    }

    /// As ``multiply(_:input:into:stride:)``, but where the input has two planes of codes, a matrix
    /// that reads them writes a row for each plane.
    func multiplyPlanes(
        _ linears: [Linear<PackedMatrix, FloatVector>], input: KernelInput,
        into out: UnsafeMutablePointer<Float>, stride: Int
    ) throws(ModelError) {
        let panels = linears.reduce(0) { $0 + $1.matrix.panelCount }
        let work = PackedMatrix.rowsPerPanel * input.columns * max(input.count * input.planes, 1)
        let atOnce = max(ModelLimits.multiplicationsBetweenChecks / work, workers.threadCount)
        for begin in Swift.stride(from: 0, to: panels, by: atOnce) {
            try checkCancelled()
            workers.split(min(atOnce, panels - begin)) { part in
                let range = begin + part.lowerBound..<begin + part.upperBound
                var (first, out) = (0, out)
                for linear in linears {
                    let matrix = linear.matrix
                    let own = range.clamped(to: first..<first + matrix.panelCount)
                    if !own.isEmpty {
                        matrix.multiply(
                            input, panels: own.lowerBound - first..<own.upperBound - first,
                            kernels: kernels, into: out, stride: stride)
                    }
                    first += matrix.panelCount
                    out += matrix.rows
                }
            }
        }
    }

    /// Adds the rows of two planes, `count` pairs, and moves the sums together.
    private func fold(
        count: Int, columns: Range<Int>, of out: UnsafeMutablePointer<Float>, stride: Int
    ) {
        workers.split(columns.count) { part in
            let start = out + columns.lowerBound + part.lowerBound
            // A sum's place is never behind the pairs still to be read.
            for row in 0..<count {
                let pair = start + 2 * row * stride
                kernels.add(pair + stride, count: part.count, to: pair)
                if row > 0 { (start + row * stride).update(from: pair, count: part.count) }
            }
        }
    }
}
