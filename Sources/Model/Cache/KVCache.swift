import Kernels

/// The keys and values of one sequence, in pages of its own. Owned by one thread at a time.
public final class KVCache {
    /// Positions there is room for, in tokens.
    public let capacity: Int
    /// Positions that are filled, in tokens: where the next token goes.
    public private(set) var count = 0

    let pages: KVPages

    /// Bytes of a cache for `capacity` tokens of a model of this shape.
    public static func bytesNeeded(
        _ configuration: ModelConfiguration, capacity: Int, type: KVType
    ) -> Int {
        KVPages.pages(for: capacity) * KVPages.bytesPerPage(configuration, type: type)
    }

    /// An empty cache for up to `capacity` tokens, 1...`contextLength` of the model.
    ///
    /// Throws ``ModelError/contextFull(needed:capacity:)`` for more than that, and what
    /// ``KVPages/init(configuration:pageCount:type:)`` throws.
    public init(
        configuration: ModelConfiguration, capacity: Int, type: KVType
    ) throws(ModelError) {
        guard 1...configuration.contextLength ~= capacity else {
            throw .contextFull(needed: capacity, capacity: configuration.contextLength)
        }
        pages = try KVPages(
            configuration: configuration, pageCount: KVPages.pages(for: capacity), type: type)
        self.capacity = capacity
    }

    /// An empty cache for `model`; as ``init(configuration:capacity:type:)``.
    public convenience init(
        model: LoadedModel, capacity: Int, type: KVType
    ) throws(ModelError) {
        try self.init(configuration: model.configuration, capacity: capacity, type: type)
    }

    /// How elements are kept.
    public var type: KVType { pages.type }

    /// Bytes reserved.
    public var byteCount: Int { pages.byteCount }

    /// Forgets all positions from `count` on. Traps if fewer are filled.
    public func truncate(to count: Int) {
        precondition(0...self.count ~= count, "the cache has only \(self.count) positions")
        self.count = count
    }

    /// Takes note that positions up to `count` are now filled.
    func advance(to count: Int) { self.count = count }
}
