public import GGUF
public import Kernels

/// A model ready to run: its shape, its weights repacked for the kernels, nothing that changes.
///
/// Any number of sequences may use it at once, each with pages of its own in a ``KVPages``.
public final class LoadedModel: Sendable {
    /// The model's shape.
    public let configuration: ModelConfiguration
    /// What computes.
    public let kernels: KernelTable
    /// Bytes of the repacked weights.
    public let weightBytes: Int

    let layers: [Layer<PackedMatrix, FloatVector>]
    let embedding: RowTable
    /// Embeddings of positions, where they are not rotations.
    let positions: RowTable?
    let kind: FloatVector?
    let embeddingNorm: NormWeights<FloatVector>?
    let outputNorm: NormWeights<FloatVector>?
    /// None in an encoder.
    let output: PackedMatrix?
    /// The rotation of layers that see all positions, and that of layers that see a window.
    let rotaries: (global: RotaryTable, local: RotaryTable)?

    /// Bytes that loading `file` will take, beside the mapped file itself. Reserves nothing.
    ///
    /// Throws whatever loading would throw for the file's metadata and shapes.
    public static func bytesNeeded(file: GGUFFile) throws(ModelError) -> Int {
        let configuration = try ModelConfiguration(file: file)
        return try WeightsInFile(file: file, configuration: configuration).bytesNeeded()
    }

    /// Checks `file` and repacks its weights, the work shared by `workers`, if given. The pages of
    /// the file that have been read are given back to the system as it goes.
    ///
    /// Keeps the file mapped where embeddings are read from it.
    ///
    /// - Parameter progress: called after each tensor with the share of the work that is done.
    public init(
        file: GGUFFile, kernels: KernelTable, workers: WorkerPool? = nil,
        progress: @escaping (Double) -> Void = { _ in }
    ) throws(ModelError) {
        let configuration = try ModelConfiguration(file: file)
        let source = try WeightsInFile(file: file, configuration: configuration)
        weightBytes = try source.bytesNeeded()
        var loader = WeightLoader(
            file: file, workers: workers, total: weightBytes, progress: progress)
        // The largest first, while little else is in memory beside its two copies.
        let ends = source.ends
        let output = try loader.optional(ends.output)
        embedding =
            if let output, ends.output == ends.embedding {
                .packed(output)
            } else {
                .inFile(file, ends.embedding)
            }
        self.output = output
        positions = ends.positions.map { .inFile(file, $0) }
        kind = try loader.optional(ends.kind)
        embeddingNorm = try loader.norm(ends.embeddingNorm)
        outputNorm = try loader.norm(ends.outputNorm)
        var layers: [Layer<PackedMatrix, FloatVector>] = []
        for layer in source.layers { layers.append(try loader.layer(layer)) }
        self.layers = layers
        let factors = try loader.ropeFactors(source.ropeFactors)
        rotaries = configuration.rotation.map { rotation in
            let global = RotaryTable(rotation, factors: factors)
            let local = configuration.windowRotation.map { RotaryTable($0, factors: []) }
            return (global, local ?? global)
        }
        self.configuration = configuration
        self.kernels = kernels
        progress(1)
    }
}
