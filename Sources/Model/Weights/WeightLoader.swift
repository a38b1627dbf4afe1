import GGUF
import Kernels

/// Turns weights in a file into weights in memory, and lets go of what it has read.
struct WeightLoader: WeightMap {
    let file: GGUFFile
    let workers: WorkerPool?
    /// Bytes of the file that are to be read.
    let total: Int
    /// Told what share of them has been.
    let progress: (Double) -> Void
    private var read = 0

    init(
        file: GGUFFile, workers: WorkerPool?, total: Int, progress: @escaping (Double) -> Void
    ) {
        self.file = file
        self.workers = workers
        self.total = total
        self.progress = progress
    }

    mutating func matrix(_ matrix: MatrixInFile) throws(ModelError) -> PackedMatrix {
        let range = matrix.byteRange
        let packed = try callingKernels { () throws(KernelError) in
            try file.withBytes(of: matrix.tensor) { (bytes) throws(KernelError) in
                try PackedMatrix(
                    format: matrix.format, rows: matrix.rows, columns: matrix.columns,
                    source: UnsafeRawBufferPointer(rebasing: bytes[range]), workers: workers)
            }
        }
        file.releasePages(of: matrix.tensor, range)
        advance(by: range.count)
        return packed
    }

    mutating func vector(_ vector: VectorInFile) throws(ModelError) -> FloatVector {
        let bytes = vector.format.rowBytes(columns: vector.count) ?? 0
        let loaded = try FloatVector(count: vector.count) { out in
            file.withBytes(of: vector.tensor) {
                vector.format.unpackRow(UnsafeRawBufferPointer(rebasing: $0[..<bytes]), into: out)
            }
        }
        advance(by: bytes)
        return loaded
    }

    /// The divisors of the rotation's frequencies.
    mutating func ropeFactors(_ vector: VectorInFile?) throws(ModelError) -> [Float] {
        guard let vector else { return [] }
        let loaded = try self.vector(vector)
        let factors = Array(UnsafeBufferPointer(start: loaded.pointer, count: loaded.count))
        for factor in factors where !(ModelLimits.ropeFactor ~= factor) {
            throw .invalidConfiguration(
                key: vector.tensor.name, value: "\(factor)",
                reason: "a divisor of a frequency must be in \(ModelLimits.ropeFactor)")
        }
        return factors
    }

    private mutating func advance(by bytes: Int) {
        read += bytes
        progress(min(Double(read) / Double(max(total, 1)), 1))
    }
}

/// A matrix that is read a row at a time: the embedding of tokens or of positions.
enum RowTable: Sendable {
    /// The output matrix, which the file ties to the embedding.
    case packed(PackedMatrix)
    /// In the mapped file, of which only the rows in use come to memory.
    case inFile(GGUFFile, MatrixInFile)

    /// Writes row `index`, which must be there, as singles.
    func read(_ index: Int, into out: UnsafeMutableBufferPointer<Float>) {
        switch self {
        case .packed(let matrix): matrix.unpackRow(index, into: out)
        case .inFile(let file, let matrix):
            let rowBytes = matrix.tensor.rowBytes
            file.withBytes(of: matrix.tensor) { bytes in
                let row = bytes[index * rowBytes..<(index + 1) * rowBytes]
                matrix.format.unpackRow(UnsafeRawBufferPointer(rebasing: row), into: out)
            }
        }
    }
}
