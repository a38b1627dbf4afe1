import GGUF
import Kernels

// One shape of structures for two stages: weights as they lie in a file (`…InFile`), checked but not
// yet read, and weights ready for the kernels.

/// A product with a matrix, and what is then added.
struct Linear<Matrix, Vector> {
    let matrix: Matrix
    var bias: Vector?
}

/// What a normalised vector is multiplied by, and what is then added.
struct NormWeights<Vector> {
    let weight: Vector
    var bias: Vector?
}

/// A feed-forward layer, or one expert of many.
struct FeedForward<Matrix, Vector> {
    /// Their rows, one after the other, are the gate, where there is one, and what it lets through.
    let inputs: [Linear<Matrix, Vector>]
    let output: Linear<Matrix, Vector>
}

/// A feed-forward layer that sends each token to some of its experts.
struct Experts<Matrix, Vector> {
    /// A row for each expert: how much a token is for it.
    let router: Matrix
    let experts: [FeedForward<Matrix, Vector>]
}

/// The second half of a layer.
enum FeedForwardKind<Matrix, Vector> {
    case dense(FeedForward<Matrix, Vector>)
    case experts(Experts<Matrix, Vector>)
}

/// One layer: attention, then feed-forward, each added to the residual stream.
struct Layer<Matrix, Vector> {
    /// The norm of what attention reads; without one it reads the stream as it is.
    var attentionNorm: NormWeights<Vector>?
    /// Their rows, one after the other, are all query heads, all key heads and all value heads.
    let attentionInputs: [Linear<Matrix, Vector>]
    /// Norms of each head of the queries and keys.
    var queryNorm: Vector?
    var keyNorm: Vector?
    let attentionOutput: Linear<Matrix, Vector>
    /// The norm of what attention adds to the stream.
    var attentionResultNorm: NormWeights<Vector>?
    /// The norm of the stream after the addition.
    var attentionStreamNorm: NormWeights<Vector>?

    /// The same for feed-forward.
    var feedForwardNorm: NormWeights<Vector>?
    let feedForward: FeedForwardKind<Matrix, Vector>
    var feedForwardResultNorm: NormWeights<Vector>?
    var feedForwardStreamNorm: NormWeights<Vector>?
}

/// What stands before and after the layers.
struct ModelEnds<Matrix, Vector> {
    let embedding: Matrix
    /// A row for each position, and the vector of the text's kind, added to the embedding.
    var positions: Matrix?
    var kind: Vector?
    var embeddingNorm: NormWeights<Vector>?
    var outputNorm: NormWeights<Vector>?
    /// The logits' matrix; the embedding itself where the file ties the two.
    var output: Matrix?
}

extension Linear: Sendable where Matrix: Sendable, Vector: Sendable {}
extension NormWeights: Sendable where Vector: Sendable {}
extension FeedForward: Sendable where Matrix: Sendable, Vector: Sendable {}
extension Experts: Sendable where Matrix: Sendable, Vector: Sendable {}
extension FeedForwardKind: Sendable where Matrix: Sendable, Vector: Sendable {}
extension Layer: Sendable where Matrix: Sendable, Vector: Sendable {}
extension ModelEnds: Sendable where Matrix: Sendable, Vector: Sendable {}

typealias LayerInFile = Layer<MatrixInFile, VectorInFile>
typealias LinearInFile = Linear<MatrixInFile, VectorInFile>
typealias FeedForwardInFile = FeedForward<MatrixInFile, VectorInFile>
typealias ModelEndsInFile = ModelEnds<MatrixInFile, VectorInFile>

/// A matrix in a file: a tensor, or one of those that are stacked in it.
struct MatrixInFile: Hashable {
    let tensor: GGUFTensor
    let format: WeightFormat
    let rows: Int
    /// Rows of the tensor before the first of this matrix.
    let firstRow: Int

    var columns: Int { tensor.rowElements }
    /// Its bytes, from the beginning of the tensor.
    var byteRange: Range<Int> {
        firstRow * tensor.rowBytes..<(firstRow + rows) * tensor.rowBytes
    }

    /// Bytes that the packed matrix will occupy.
    func bytesNeeded() throws(ModelError) -> Int {
        try callingKernels { () throws(KernelError) in
            try PackedMatrix.bytesNeeded(format: format, rows: rows, columns: columns)
        }
    }
}

/// A vector in a file: a tensor, or the first elements of one.
struct VectorInFile {
    let tensor: GGUFTensor
    let format: WeightFormat
    let count: Int
}
