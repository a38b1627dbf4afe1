public import Kernels

/// The memory of a forward pass and the threads that run it, kept from pass to pass.
///
/// Owned by one thread at a time; serves any number of sequences of one model in turn.
public final class Workspace {
    /// The threads that share the work.
    public let workers: WorkerPool

    let configuration: ModelConfiguration
    /// The residual stream: a row of `embeddingLength` for each token of the pass.
    let hidden: UnsafeMutablePointer<Float>
    /// What the next product reads.
    let input: KernelInput
    let queries: UnsafeMutablePointer<Float>
    let keys: UnsafeMutablePointer<Float>
    let values: UnsafeMutablePointer<Float>
    let gate: UnsafeMutablePointer<Float>
    let up: UnsafeMutablePointer<Float>
    let output: UnsafeMutablePointer<Float>
    let cosines: UnsafeMutablePointer<Float>
    let sines: UnsafeMutablePointer<Float>
    let logits: UnsafeMutablePointer<Float>

    private let storage: AlignedBuffer

    /// Elements of each buffer, in the order of the properties.
    private static func sizes(_ c: ModelConfiguration) -> [Int] {
        let tokens = ModelLimits.tokensPerPass
        return [
            tokens * c.embeddingLength, tokens * c.queryLength, tokens * c.keyLength,
            tokens * c.keyLength, tokens * c.feedForwardLength, tokens * c.feedForwardLength,
            tokens * c.embeddingLength, tokens * c.ropeDimension / 2, tokens * c.ropeDimension / 2,
            // Twice: the inputs of the output matrix have two planes.
            2 * ModelLimits.logitsRowsPerProduct * c.vocabularySize,
        ]
    }

    private static func inputElements(_ c: ModelConfiguration) -> Int {
        ModelLimits.tokensPerPass * max(c.embeddingLength, c.queryLength, c.feedForwardLength)
    }

    /// Rounded up so that every buffer begins on a cache line.
    private static func bytes(_ elements: Int) -> Int { (elements * 4 + 63) & ~63 }

    /// Bytes of a workspace for a model of this shape.
    public static func bytesNeeded(_ configuration: ModelConfiguration) -> Int {
        sizes(configuration).map(bytes).reduce(0, +)
            + KernelInput.bytesNeeded(elementsMax: inputElements(configuration))
    }

    /// Reserves the memory. Throws ``ModelError/kernels(_:)`` if the system refuses it.
    public init(model: LoadedModel, workers: WorkerPool) throws(ModelError) {
        let configuration = model.configuration
        let sizes = Self.sizes(configuration)
        let storage = try callingKernels { () throws(KernelError) in
            try AlignedBuffer(byteCount: sizes.map(Self.bytes).reduce(0, +))
        }
        var offset = 0
        var pointers: [UnsafeMutablePointer<Float>] = []
        for size in sizes {
            pointers.append(
                (storage.base + offset).bindMemory(to: Float.self, capacity: max(size, 1)))
            offset += Self.bytes(size)
        }
        hidden = pointers[0]
        queries = pointers[1]
        keys = pointers[2]
        values = pointers[3]
        gate = pointers[4]
        up = pointers[5]
        output = pointers[6]
        cosines = pointers[7]
        sines = pointers[8]
        logits = pointers[9]
        input = try callingKernels { () throws(KernelError) in
            try KernelInput(elementsMax: Self.inputElements(configuration))
        }
        self.storage = storage
        self.workers = workers
        self.configuration = configuration
    }
}
