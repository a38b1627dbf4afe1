import Kernels

/// Pages of keys and values, for all layers and heads of one model. Owned by one thread at a time.
///
/// A page holds ``KVBlock/positions`` successive positions of a sequence: per layer and key head one
/// block of keys and values. Which pages belong to which sequence, and which are shared, its user
/// knows. Pages that are never written are reserved but take no memory.
public final class KVPages {
    /// Pages there are.
    public let pageCount: Int
    /// How elements are kept.
    public let type: KVType

    let configuration: ModelConfiguration
    private let bytesPerPage: Int
    private let blockBytes: Int
    private let storage: AlignedBuffer

    /// Bytes of one page; 0 where a model of this shape cannot keep its keys and values so.
    public static func bytesPerPage(_ configuration: ModelConfiguration, type: KVType) -> Int {
        let block = KVBlock.bytes(type.format, headDimension: configuration.headDimension) ?? 0
        return configuration.layerCount * configuration.kvHeadCount * block
    }

    /// Pages that hold `count` positions.
    public static func pages(for count: Int) -> Int {
        (count + KVBlock.positions - 1) / KVBlock.positions
    }

    /// Reserves `pageCount` pages, 1...``ModelLimits/pagesMax``.
    ///
    /// Throws ``ModelError/unsupportedFeature(_:)`` if the model's heads cannot be kept as `type`
    /// says, and ``ModelError/kernels(_:)`` if the system refuses the memory.
    public init(
        configuration: ModelConfiguration, pageCount: Int, type: KVType
    ) throws(ModelError) {
        guard
            let blockBytes = KVBlock.bytes(
                type.format, headDimension: configuration.headDimension)
        else {
            throw .unsupportedFeature(
                "a KV cache of type \(type) for heads of \(configuration.headDimension) elements")
        }
        guard 1...ModelLimits.pagesMax ~= pageCount else {
            throw .badPages(reason: "\(pageCount) pages, outside 1...\(ModelLimits.pagesMax)")
        }
        bytesPerPage = Self.bytesPerPage(configuration, type: type)
        // Layers and heads are at most 2^10 each, a block less than 2^20 bytes, pages 2^24.
        let (bytes, overflow) = bytesPerPage.multipliedReportingOverflow(by: pageCount)
        guard !overflow else { throw .kernels(.outOfMemory(bytes: .max)) }
        storage = try callingKernels { () throws(KernelError) in
            try AlignedBuffer(byteCount: bytes)
        }
        self.blockBytes = blockBytes
        self.configuration = configuration
        self.pageCount = pageCount
        self.type = type
    }

    /// Bytes reserved.
    public var byteCount: Int { bytesPerPage * pageCount }

    /// Makes page `to` equal to `page`, for a sequence that goes on writing where another one's
    /// page is partly filled. Traps if there is no such page.
    public func copy(page: Int, to: Int) {
        precondition(0..<pageCount ~= page && 0..<pageCount ~= to, "no such page")
        guard page != to else { return }
        base(of: to).copyMemory(from: base(of: page), byteCount: bytesPerPage)
    }

    /// The first byte of a page, whose number must have been checked.
    func base(of page: Int) -> UnsafeMutableRawPointer { storage.base + page * bytesPerPage }

    /// Where the block of a layer's key head begins in a page.
    func offset(layer: Int, head: Int) -> Int {
        (layer * configuration.kvHeadCount + head) * blockBytes
    }
}
