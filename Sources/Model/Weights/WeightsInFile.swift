import GGUF

/// All weights of a model, found in its file and checked; nothing is reserved yet.
struct WeightsInFile {
    let ends: ModelEndsInFile
    let layers: [LayerInFile]
    /// Divisors of the rotation's frequencies.
    let ropeFactors: VectorInFile?

    init(file: GGUFFile, configuration: ModelConfiguration) throws(ModelError) {
        let architecture = configuration.architecture.description
        var finder = TensorFinder(file: file, shape: configuration)
        ends = try architecture.ends(&finder)
        ropeFactors =
            if let rotation = configuration.rotation, finder.has(configuration.ropeFactors) {
                try finder.vector(configuration.ropeFactors, count: rotation.dimension / 2)
            } else { nil }
        var layers: [LayerInFile] = []
        for layer in 0..<configuration.layerCount {
            finder.enter(layer: layer)
            layers.append(try architecture.layer(&finder))
        }
        self.layers = layers
        try finder.requireAllUsed()
    }

    /// Bytes that the weights will occupy once loaded.
    func bytesNeeded() throws(ModelError) -> Int {
        var sizes = WeightSizes()
        try visit(&sizes)
        return sizes.total
    }

    /// Shows every weight that is loaded to `map`, in the order of loading.
    ///
    /// An embedding that is the output matrix too is kept once, packed; another stays in the file,
    /// which a pass reads a row a token from.
    func visit(_ map: inout some WeightMap<MatrixInFile, VectorInFile>) throws(ModelError) {
        _ = try map.optional(ends.output)
        _ = try map.optional(ends.kind)
        _ = try map.norm(ends.embeddingNorm)
        _ = try map.norm(ends.outputNorm)
        for layer in layers { _ = try map.layer(layer) }
    }
}

/// Adds up what the weights will occupy.
private struct WeightSizes: WeightMap {
    var total = 0

    mutating func matrix(_ matrix: MatrixInFile) throws(ModelError) {
        total += try matrix.bytesNeeded()
    }

    mutating func vector(_ vector: VectorInFile) { total += vector.count * 4 }
}
