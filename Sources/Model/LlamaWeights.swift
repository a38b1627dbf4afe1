import GGUF
import Kernels

/// One layer's weights: first as descriptions in the file, then as matrices ready for the kernels.
struct LlamaLayer<Matrix, Vector> {
    let attentionNorm: Vector
    let query: Matrix
    let key: Matrix
    let value: Matrix
    let attentionOutput: Matrix
    let feedForwardNorm: Vector
    let gate: Matrix
    let up: Matrix
    let down: Matrix
}

extension LlamaLayer: Sendable where Matrix: Sendable, Vector: Sendable {}

/// All weights but the embedding, which is read row by row from the file.
struct LlamaWeights<Matrix, Vector> {
    let layers: [LlamaLayer<Matrix, Vector>]
    let outputNorm: Vector
    /// The embedding itself where the file ties the two.
    let output: Matrix
}

extension LlamaWeights: Sendable where Matrix: Sendable, Vector: Sendable {}

/// A vector of singles in memory of its own.
final class FloatVector: Sendable {
    // Written only in `init`; read-only ever after.
    private nonisolated(unsafe) let storage: AlignedBuffer
    let count: Int

    init(count: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void) throws(ModelError) {
        storage = try callingKernels { () throws(KernelError) in
            try AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        }
        self.count = count
        fill(storage.elements(count: count))
    }

    var pointer: UnsafePointer<Float> {
        UnsafePointer(storage.base.assumingMemoryBound(to: Float.self))
    }
}

/// Finds the tensors of a model and checks each against the configuration.
struct TensorFinder {
    let file: GGUFFile
    private(set) var used: Set<String> = []

    init(file: GGUFFile) { self.file = file }

    /// A matrix of `rows` output rows; any format that has kernels.
    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> GGUFTensor {
        let tensor = try find(name, dimensions: [columns, rows])
        let format = try WeightFormat(tensor)
        _ = try callingKernels { () throws(KernelError) in
            try PackedMatrix.bytesNeeded(format: format, rows: rows, columns: columns)
        }
        return tensor
    }

    /// A vector; stored in a format without blocks.
    mutating func vector(_ name: String, count: Int) throws(ModelError) -> GGUFTensor {
        let tensor = try find(name, dimensions: [count])
        guard try WeightFormat(tensor).blockElements == 1 else {
            throw .unsupportedFormat(
                tensor: name, format: tensor.type.name, supported: ["F32", "F16", "BF16"])
        }
        return tensor
    }

    /// Whether the file has the tensor at all.
    func has(_ name: String) -> Bool { file.tensor(name) != nil }

    /// A tensor left unread would mean another model than the file describes.
    func requireAllUsed() throws(ModelError) {
        for tensor in file.tensors where !used.contains(tensor.name) {
            throw .unexpectedTensor(tensor.name)
        }
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
    /// The format of a tensor, if there are kernels for it.
    init(_ tensor: GGUFTensor) throws(ModelError) {
        switch tensor.type {
        case .f32: self = .f32
        case .f16: self = .f16
        case .bf16: self = .bf16
        case .q8_0: self = .q8_0
        case .q4_0: self = .q4_0
        default:
            throw .unsupportedFormat(
                tensor: tensor.name, format: tensor.type.name,
                supported: ["F32", "F16", "BF16", "Q8_0", "Q4_0"])
        }
    }
}

/// The tensors of a Llama file, found and checked; nothing is reserved yet.
struct LlamaTensors {
    let embedding: GGUFTensor
    let weights: LlamaWeights<GGUFTensor, GGUFTensor>
    let ropeFactors: GGUFTensor?

    init(file: GGUFFile, configuration c: ModelConfiguration) throws(ModelError) {
        var finder = TensorFinder(file: file)
        embedding = try finder.matrix(
            "token_embd.weight", rows: c.vocabularySize, columns: c.embeddingLength)
        var layers: [LlamaLayer<GGUFTensor, GGUFTensor>] = []
        for layer in 0..<c.layerCount {
            let name = "blk.\(layer)."
            layers.append(
                LlamaLayer(
                    attentionNorm: try finder.vector(
                        name + "attn_norm.weight", count: c.embeddingLength),
                    query: try finder.matrix(
                        name + "attn_q.weight", rows: c.queryLength, columns: c.embeddingLength),
                    key: try finder.matrix(
                        name + "attn_k.weight", rows: c.keyLength, columns: c.embeddingLength),
                    value: try finder.matrix(
                        name + "attn_v.weight", rows: c.keyLength, columns: c.embeddingLength),
                    attentionOutput: try finder.matrix(
                        name + "attn_output.weight", rows: c.embeddingLength,
                        columns: c.queryLength),
                    feedForwardNorm: try finder.vector(
                        name + "ffn_norm.weight", count: c.embeddingLength),
                    gate: try finder.matrix(
                        name + "ffn_gate.weight", rows: c.feedForwardLength,
                        columns: c.embeddingLength),
                    up: try finder.matrix(
                        name + "ffn_up.weight", rows: c.feedForwardLength,
                        columns: c.embeddingLength),
                    down: try finder.matrix(
                        name + "ffn_down.weight", rows: c.embeddingLength,
                        columns: c.feedForwardLength)))
        }
        weights = LlamaWeights(
            layers: layers,
            outputNorm: try finder.vector("output_norm.weight", count: c.embeddingLength),
            output: finder.has("output.weight")
                ? try finder.matrix(
                    "output.weight", rows: c.vocabularySize, columns: c.embeddingLength)
                : embedding)
        ropeFactors =
            finder.has("rope_freqs.weight")
            ? try finder.vector("rope_freqs.weight", count: c.ropeDimension / 2) : nil
        try finder.requireAllUsed()
    }

    /// Bytes that the packed weights will occupy.
    func bytesNeeded() throws(ModelError) -> Int {
        var total = try Self.bytes(weights.output) + weights.outputNorm.elementCount * 4
        for layer in weights.layers {
            for matrix in [
                layer.query, layer.key, layer.value, layer.attentionOutput, layer.gate, layer.up,
                layer.down,
            ] {
                total += try Self.bytes(matrix)
            }
            total += (layer.attentionNorm.elementCount + layer.feedForwardNorm.elementCount) * 4
        }
        return total
    }

    private static func bytes(_ tensor: GGUFTensor) throws(ModelError) -> Int {
        let format = try WeightFormat(tensor)
        return try callingKernels { () throws(KernelError) in
            try PackedMatrix.bytesNeeded(
                format: format, rows: tensor.rowCount, columns: tensor.rowElements)
        }
    }
}
