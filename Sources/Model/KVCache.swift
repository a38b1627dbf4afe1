import Kernels

/// How keys and values are kept. Part of a request's identity: it changes the logits.
public enum KVType: UInt8, Sendable, CaseIterable {
    /// Single precision.
    case f32 = 0
    /// Half precision, rounded to nearest even.
    case f16 = 1

    /// Bytes of one element.
    public var elementBytes: Int {
        switch self {
        case .f32: 4
        case .f16: 2
        }
    }
}

extension KVType: CustomStringConvertible {
    /// The name users give: `f32` or `f16`.
    public var description: String {
        switch self {
        case .f32: "f32"
        case .f16: "f16"
        }
    }

    /// The type called `name`, if there is one.
    public init?(name: some StringProtocol) {
        guard let type = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = type
    }
}

/// The keys and values of one sequence. Owned by one thread at a time.
///
/// Per layer and key head, rows of `headDimension` elements by position, so that attention reads
/// them in one sweep. Memory that no position has reached is reserved but not yet taken.
public final class KVCache {
    /// How elements are kept.
    public let type: KVType
    /// Positions there is room for, in tokens.
    public let capacity: Int
    /// Positions that are filled, in tokens: where the next token goes.
    public private(set) var count = 0

    let layerCount: Int
    let kvHeadCount: Int
    let headDimension: Int
    private let keys: AlignedBuffer
    private let values: AlignedBuffer

    /// Bytes of a cache for `capacity` tokens of a model of this shape.
    public static func bytesNeeded(
        _ configuration: ModelConfiguration, capacity: Int, type: KVType
    ) -> Int {
        2 * configuration.layerCount * configuration.keyLength * capacity * type.elementBytes
    }

    /// An empty cache for up to `capacity` tokens, 1...`contextLength` of the model.
    ///
    /// Throws ``ModelError/contextFull(needed:capacity:)`` for more than that, and
    /// ``ModelError/kernels(_:)`` if the system refuses the memory.
    public init(
        configuration: ModelConfiguration, capacity: Int, type: KVType
    ) throws(ModelError) {
        guard 1...configuration.contextLength ~= capacity else {
            throw .contextFull(needed: capacity, capacity: configuration.contextLength)
        }
        let half = Self.bytesNeeded(configuration, capacity: capacity, type: type) / 2
        keys = try callingKernels { () throws(KernelError) in try AlignedBuffer(byteCount: half) }
        values = try callingKernels { () throws(KernelError) in try AlignedBuffer(byteCount: half) }
        self.type = type
        self.capacity = capacity
        layerCount = configuration.layerCount
        kvHeadCount = configuration.kvHeadCount
        headDimension = configuration.headDimension
    }

    /// An empty cache for `model`; as ``init(configuration:capacity:type:)``.
    public convenience init(
        model: LoadedModel, capacity: Int, type: KVType
    ) throws(ModelError) {
        try self.init(configuration: model.configuration, capacity: capacity, type: type)
    }

    /// Bytes reserved.
    public var byteCount: Int { keys.byteCount + values.byteCount }

    /// Forgets all positions from `count` on. Traps if fewer are filled.
    public func truncate(to count: Int) {
        precondition(0...self.count ~= count, "the cache has only \(self.count) positions")
        self.count = count
    }

    /// Takes note that positions up to `count` are now filled.
    func advance(to count: Int) { self.count = count }

    /// Where the rows of one head begin: position 0.
    func rows(layer: Int, head: Int) -> (keys: UnsafeRawPointer, values: UnsafeRawPointer) {
        let offset = offset(layer: layer, head: head, position: 0)
        return (UnsafeRawPointer(keys.base + offset), UnsafeRawPointer(values.base + offset))
    }

    /// Stores one head's key and value at a position, in this cache's type.
    func store(
        key: UnsafePointer<Float>, value: UnsafePointer<Float>, layer: Int, head: Int,
        position: Int, kernels: KernelTable
    ) {
        let offset = offset(layer: layer, head: head, position: position)
        let (toKey, toValue) = (keys.base + offset, values.base + offset)
        switch type {
        case .f32:
            toKey.copyMemory(from: key, byteCount: headDimension * 4)
            toValue.copyMemory(from: value, byteCount: headDimension * 4)
        case .f16:
            kernels.narrow(
                key, count: headDimension, into: toKey.assumingMemoryBound(to: UInt16.self))
            kernels.narrow(
                value, count: headDimension, into: toValue.assumingMemoryBound(to: UInt16.self))
        }
    }

    private func offset(layer: Int, head: Int, position: Int) -> Int {
        // The caller's loops are over this cache's own shape; a position is checked once a pass.
        ((layer * kvHeadCount + head) * capacity + position) * headDimension * type.elementBytes
    }
}
