public import Kernels

/// The memory of a forward pass and the threads that run it, kept from pass to pass.
///
/// Owned by one thread at a time; serves any number of sequences of one model in turn.
public final class Workspace {
    /// The threads that share the work.
    public let workers: WorkerPool

    let configuration: ModelConfiguration
    /// The residual stream: a row of `embeddingLength` for each token of the pass.
    let stream: UnsafeMutablePointer<Float>
    /// What the next product reads.
    let input: KernelInput
    /// Rows of all query heads, all key heads and all value heads.
    let heads: UnsafeMutablePointer<Float>
    /// Rows of the gate, where there is one, and what it lets through.
    let inner: UnsafeMutablePointer<Float>
    /// Rows of what a sublayer adds to the stream.
    let output: UnsafeMutablePointer<Float>
    /// Cosines and sines of each token's position, for layers that see all, then for the others.
    let angles: UnsafeMutablePointer<Float>
    let logits: UnsafeMutablePointer<Float>
    /// How much a token is for each expert.
    let routes: UnsafeMutablePointer<Float>
    /// What the products of an expert read, and what it gives.
    let expertInput: KernelInput?
    let expertOutput: UnsafeMutablePointer<Float>

    private let storage: AlignedBuffer
    private let attentionScratch: AlignedBuffer
    private let scratchBytes: Int

    /// Elements of each buffer, in the order of the properties.
    private static func sizes(_ c: ModelConfiguration) -> [Int] {
        let tokens = c.tokensPerPass
        return [
            tokens * c.embeddingLength,
            // A row for each plane of a product's input.
            tokens * c.attentionInputLength * c.inputPlanes,
            tokens * c.feedForwardLength * c.activation.inputs * c.inputPlanes,
            tokens * c.embeddingLength * c.inputPlanes,
            tokens * c.angleLength,
            // The inputs of the output matrix have two.
            c.isEncoder ? 0 : 2 * ModelLimits.logitsRowsPerProduct * c.vocabularySize,
            tokens * c.expertCount,
            c.expertCount > 0 ? tokens * c.embeddingLength : 0,
        ]
    }

    private static func inputElements(_ c: ModelConfiguration) -> Int {
        max(
            c.tokensPerPass * c.inputPlanes
                * max(c.embeddingLength, c.queryLength, c.feedForwardLength),
            2 * ModelLimits.logitsRowsPerProduct * c.embeddingLength)
    }

    /// Rounded up so that every buffer begins on a cache line.
    private static func bytes(_ elements: Int) -> Int { (elements * 4 + 63) & ~63 }

    /// Ranges of attention's work, each of which has scratch memory of its own.
    static func attentionShares(_ workers: WorkerPool) -> Int {
        workers.threadCount == 1 ? 1 : workers.threadCount * 4
    }

    /// Bytes of a workspace for a model of this shape, beside a little for each thread.
    public static func bytesNeeded(_ configuration: ModelConfiguration) -> Int {
        let inputs = configuration.expertCount > 0 ? 2 : 1
        return sizes(configuration).map(bytes).reduce(0, +)
            + inputs * KernelInput.bytesNeeded(elementsMax: inputElements(configuration))
    }

    /// Reserves the memory. Throws ``ModelError/kernels(_:)`` if the system refuses it.
    public init(model: LoadedModel, workers: WorkerPool) throws(ModelError) {
        let configuration = model.configuration
        let sizes = Self.sizes(configuration)
        let scratch = AttentionTask.scratchBytes(headDimension: configuration.headDimension)
        let elements = Self.inputElements(configuration)
        (storage, attentionScratch, input, expertInput) = try callingKernels {
            () throws(KernelError) in
            (
                try AlignedBuffer(byteCount: sizes.map(Self.bytes).reduce(0, +)),
                try AlignedBuffer(byteCount: scratch * Self.attentionShares(workers)),
                try KernelInput(elementsMax: elements),
                configuration.expertCount > 0 ? try KernelInput(elementsMax: elements) : nil
            )
        }
        var offset = 0
        var pointers: [UnsafeMutablePointer<Float>] = []
        for size in sizes {
            pointers.append(
                (storage.base + offset).bindMemory(to: Float.self, capacity: max(size, 1)))
            offset += Self.bytes(size)
        }
        stream = pointers[0]
        heads = pointers[1]
        inner = pointers[2]
        output = pointers[3]
        angles = pointers[4]
        logits = pointers[5]
        routes = pointers[6]
        expertOutput = pointers[7]
        scratchBytes = scratch
        self.workers = workers
        self.configuration = configuration
    }

    /// Scratch memory of one share of attention's work.
    func scratch(share: Int) -> UnsafeMutableRawPointer {
        attentionScratch.base + share * scratchBytes
    }
}

extension ModelConfiguration {
    /// Singles that a token's cosines and sines take.
    var angleLength: Int {
        (rotation?.dimension ?? 0) + (windowRotation?.dimension ?? 0)
    }
}
