public import GGUF
public import Kernels

/// A model ready to run: its shape, its weights repacked for the kernels, nothing that changes.
///
/// Any number of sequences may use it at once, each with a ``KVCache`` and a ``Workspace``.
public final class LoadedModel: Sendable {
    /// The model's shape.
    public let configuration: ModelConfiguration
    /// What computes.
    public let kernels: KernelTable
    /// Bytes of the repacked weights.
    public let weightBytes: Int

    let weights: LlamaWeights<PackedMatrix, FloatVector>
    let rotary: RotaryTable
    private let file: GGUFFile
    private let embedding: GGUFTensor
    private let embeddingFormat: WeightFormat

    /// Bytes that loading `file` will take, beside the mapped file itself. Reserves nothing.
    ///
    /// Throws whatever loading would throw for the file's metadata and shapes.
    public static func bytesNeeded(file: GGUFFile) throws(ModelError) -> Int {
        let configuration = try ModelConfiguration(file: file)
        return try LlamaTensors(file: file, configuration: configuration).bytesNeeded()
    }

    /// Checks `file` and repacks its weights, the work shared by `workers`, if given.
    ///
    /// Keeps the file mapped: embeddings are read from it.
    public init(
        file: GGUFFile, kernels: KernelTable, workers: WorkerPool? = nil
    ) throws(ModelError) {
        let configuration = try ModelConfiguration(file: file)
        let tensors = try LlamaTensors(file: file, configuration: configuration)
        weightBytes = try tensors.bytesNeeded()
        let loader = WeightLoader(file: file, workers: workers)
        var layers: [LlamaLayer<PackedMatrix, FloatVector>] = []
        for layer in tensors.weights.layers {
            layers.append(
                LlamaLayer(
                    attentionNorm: try loader.vector(layer.attentionNorm),
                    query: try loader.matrix(layer.query),
                    key: try loader.matrix(layer.key),
                    value: try loader.matrix(layer.value),
                    attentionOutput: try loader.matrix(layer.attentionOutput),
                    feedForwardNorm: try loader.vector(layer.feedForwardNorm),
                    gate: try loader.matrix(layer.gate),
                    up: try loader.matrix(layer.up),
                    down: try loader.matrix(layer.down)))
        }
        weights = LlamaWeights(
            layers: layers, outputNorm: try loader.vector(tensors.weights.outputNorm),
            output: try loader.matrix(tensors.weights.output))
        rotary = RotaryTable(
            configuration: configuration, factors: try loader.ropeFactors(tensors.ropeFactors))
        embeddingFormat = try WeightFormat(tensors.embedding)
        embedding = tensors.embedding
        self.file = file
        self.configuration = configuration
        self.kernels = kernels
    }

    /// Writes the embedding of `token`, which must be in the vocabulary.
    func embed(_ token: Int, into out: UnsafeMutableBufferPointer<Float>) {
        let rowBytes = embedding.rowBytes
        file.withBytes(of: embedding) { bytes in
            let row = bytes[token * rowBytes..<(token + 1) * rowBytes]
            embeddingFormat.unpackRow(UnsafeRawBufferPointer(rebasing: row), into: out)
        }
    }
}

/// Turns descriptions of tensors into weights in memory.
private struct WeightLoader {
    let file: GGUFFile
    let workers: WorkerPool?

    func matrix(_ tensor: GGUFTensor) throws(ModelError) -> PackedMatrix {
        let format = try WeightFormat(tensor)
        return try callingKernels { () throws(KernelError) in
            try file.withBytes(of: tensor) { (bytes) throws(KernelError) in
                try PackedMatrix(
                    format: format, rows: tensor.rowCount, columns: tensor.rowElements,
                    source: bytes, workers: workers)
            }
        }
    }

    func vector(_ tensor: GGUFTensor) throws(ModelError) -> FloatVector {
        let format = try WeightFormat(tensor)
        return try FloatVector(count: tensor.elementCount) { out in
            file.withBytes(of: tensor) { format.unpackRow($0, into: out) }
        }
    }

    func ropeFactors(_ tensor: GGUFTensor?) throws(ModelError) -> [Float] {
        guard let tensor else { return [] }
        let vector = try vector(tensor)
        let factors = Array(UnsafeBufferPointer(start: vector.pointer, count: vector.count))
        for factor in factors where !(ModelLimits.ropeFactor ~= factor) {
            throw .invalidConfiguration(
                key: tensor.name, value: "\(factor)",
                reason: "a divisor of a frequency must be in \(ModelLimits.ropeFactor)")
        }
        return factors
    }
}
