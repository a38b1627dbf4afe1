import GGUF
import Kernels

/// Finds the tensors of a model and checks each against its shape. Names are those of files:
/// within a layer, `attn_q` stands for `blk.N.attn_q.weight`.
struct TensorFinder {
    let file: GGUFFile
    let shape: ModelConfiguration
    /// The layer whose tensors are asked for.
    private(set) var layer = 0
    private var isInLayer = false
    private var used: Set<String> = []

    /// Whether a product has a bias.
    enum Bias { case none, optional, required }

    /// Tensors of old files that hold what the metadata says anyway.
    private static let ignoredSuffixes = [".attn_rot_embd", ".attn_rot_embd.weight"]

    init(file: GGUFFile, shape: ModelConfiguration) {
        self.file = file
        self.shape = shape
    }

    /// Asks for the tensors of a layer from here on.
    mutating func enter(layer: Int) {
        self.layer = layer
        isInLayer = true
    }

    /// Whether the file has the tensor at all; a full name.
    func has(_ name: String) -> Bool { file.tensor(name) != nil }

    /// Takes note that a tensor may be in the file and is not needed; a full name.
    mutating func ignore(_ name: String) { used.insert(name) }

    /// A tensor left unread would mean another model than the file describes.
    func requireAllUsed() throws(ModelError) {
        for tensor in file.tensors where !used.contains(tensor.name) {
            if Self.ignoredSuffixes.contains(where: tensor.name.hasSuffix) { continue }
            throw .unexpectedTensor(tensor.name)
        }
    }

    func fullName(_ name: String) -> String { isInLayer ? "blk.\(layer).\(name)" : name }

    /// A matrix of `rows` output rows; a full name, any format that has kernels.
    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> MatrixInFile {
        let tensor = try find(name, dimensions: [columns, rows])
        let matrix = MatrixInFile(
            tensor: tensor, format: try WeightFormat(tensor), rows: rows, firstRow: 0)
        _ = try matrix.bytesNeeded()
        return matrix
    }

    /// `count` matrices stacked in one tensor.
    mutating func matrices(
        _ name: String, count: Int, rows: Int, columns: Int
    ) throws(ModelError) -> [MatrixInFile] {
        let tensor = try find(name, dimensions: [columns, rows, count])
        let format = try WeightFormat(tensor)
        let matrices = (0..<count).map {
            MatrixInFile(tensor: tensor, format: format, rows: rows, firstRow: $0 * rows)
        }
        _ = try matrices.first?.bytesNeeded()
        return matrices
    }

    /// A vector; a full name, stored in a format without blocks.
    mutating func vector(_ name: String, count: Int) throws(ModelError) -> VectorInFile {
        try vector(in: find(name, dimensions: [count]), count: count)
    }

    /// The first row of a tensor; a full name.
    mutating func firstRow(_ name: String, columns: Int) throws(ModelError) -> VectorInFile {
        guard let tensor = file.tensor(name) else { throw .missingTensor(name) }
        let rows = tensor.dimensions.count == 2 ? tensor.dimensions[1] : 1
        return try vector(in: find(name, dimensions: [columns, rows]), count: columns)
    }

    private func vector(in tensor: GGUFTensor, count: Int) throws(ModelError) -> VectorInFile {
        let format = try WeightFormat(tensor)
        guard format.blockElements == 1 else {
            throw .unsupportedFormat(
                tensor: tensor.name, format: tensor.type.name, supported: ["F32", "F16", "BF16"])
        }
        return VectorInFile(tensor: tensor, format: format, count: count)
    }

    private mutating func find(
        _ name: String, dimensions: [Int]
    ) throws(ModelError) -> GGUFTensor {
        guard let tensor = file.tensor(name) else { throw .missingTensor(name) }
        guard tensor.dimensions == dimensions else {
            throw .wrongShape(tensor: name, expected: dimensions, found: tensor.dimensions)
        }
        used.insert(name)
        return tensor
    }
}

extension WeightFormat {
    private static let ofTensors: [(type: GGUFTensorType, format: WeightFormat)] = [
        (.f32, .f32), (.f16, .f16), (.bf16, .bf16), (.q8_0, .q8_0), (.q4_0, .q4_0),
        (.q4_1, .q4_1), (.q5_0, .q5_0), (.q5_1, .q5_1), (.iq4_nl, .iq4_nl), (.q2_k, .q2_k),
        (.q3_k, .q3_k), (.q4_k, .q4_k), (.q5_k, .q5_k), (.q6_k, .q6_k),
    ]

    /// The format of a tensor, if there are kernels for it.
    init(_ tensor: GGUFTensor) throws(ModelError) {
        guard let known = Self.ofTensors.first(where: { $0.type == tensor.type }) else {
            throw .unsupportedFormat(
                tensor: tensor.name, format: tensor.type.name,
                supported: Self.ofTensors.map(\.type.name))
        }
        self = known.format
    }
}
