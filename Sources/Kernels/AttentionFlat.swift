import CKernels

/// Attention of one position over a flat cache.
///
/// Superseded by ``AttentionTask``, whose keys and values lie in pages.
///
/// Keys are taken in blocks of 64 at absolute positions, merged in order, so the result depends on
/// the position and the keys before it alone.
public struct FlatAttentionTask {
    /// `group` vectors of `headDimension` elements.
    public var queries: UnsafePointer<Float>
    /// Rows of `headDimension` elements, one per position, position 0 first.
    public var keys: UnsafeRawPointer
    /// As `keys`.
    public var values: UnsafeRawPointer
    /// Whether keys and values are halves; else singles.
    public var isHalf: Bool
    /// Positions seen: the query's own is the last.
    public var positionCount: Int
    /// Elements of a head.
    public var headDimension: Int
    /// Query heads, 1...``KernelsLimits/headsPerGroupMax``.
    public var group: Int
    /// What a score is multiplied by.
    public var scale: Float
    /// `group` vectors of `headDimension` elements; may not overlap the inputs.
    public var out: UnsafeMutablePointer<Float>

    /// All arguments in order.
    public init(
        queries: UnsafePointer<Float>, keys: UnsafeRawPointer, values: UnsafeRawPointer,
        isHalf: Bool, positionCount: Int, headDimension: Int, group: Int, scale: Float,
        out: UnsafeMutablePointer<Float>
    ) {
        self.queries = queries
        self.keys = keys
        self.values = values
        self.isHalf = isHalf
        self.positionCount = positionCount
        self.headDimension = headDimension
        self.group = group
        self.scale = scale
        self.out = out
    }
}

extension KernelTable {
    /// Attention of one position, for the query heads that share one key head.
    public func attend(_ task: FlatAttentionTask) {
        precondition(1...KernelsLimits.headsPerGroupMax ~= task.group, "too many heads in a group")
        var attention = shoal_flat_attention(
            queries: task.queries, keys: task.keys, values: task.values,
            type: task.isHalf ? SHOAL_KV_F16 : SHOAL_KV_F32,
            position_count: Int64(task.positionCount), head_dim: Int64(task.headDimension),
            group: Int64(task.group), scale: task.scale, out: task.out)
        functions.pointee.flat_attention(&attention)
    }
}
