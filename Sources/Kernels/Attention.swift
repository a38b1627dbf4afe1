import CKernels

/// How keys and values are kept.
public enum KVFormat: UInt8, Sendable, CaseIterable {
    /// Single precision.
    case f32 = 0
    /// Half precision, rounded to nearest even.
    case f16 = 1
    /// 8-bit codes with one half-precision scale per 32 dimensions; queries are encoded likewise
    /// (with a single-precision scale) for the scores.
    case q8 = 2

    var code: shoal_kv_format {
        switch self {
        case .f32: SHOAL_KV_F32
        case .f16: SHOAL_KV_F16
        case .q8: SHOAL_KV_Q8
        }
    }
}

/// The keys and values of 64 consecutive positions of one key head of one layer.
///
/// What lies where within it is the kernels' own affair (`CKernels/attention_block.h`); it is the
/// same for every instruction set, and a block may be copied byte by byte. Slots may be written by
/// several threads at once, each slot by one; a slot that no query sees is never used, whatever its
/// bytes.
public enum KVBlock {
    /// Positions of one block.
    public static let positions = Int(SHOAL_KEY_BLOCK)

    /// Bytes of one block, a multiple of 64; nil if the format does not take that head dimension:
    /// 1...``KernelsLimits/headDimensionMax``, for ``KVFormat/q8`` a multiple of 32.
    public static func bytes(_ format: KVFormat, headDimension: Int) -> Int? {
        let bytes = shoal_kv_block_bytes(format.code, Int64(headDimension))
        return bytes > 0 ? Int(bytes) : nil
    }
}

/// Attention of consecutive positions of one sequence, for the query heads that share a key head.
///
/// The result of a query depends on its position and on the keys it sees alone, to the bit: not on
/// the queries beside it, nor on where pages lie.
public struct AttentionTask {
    /// `queryCount` rows, `queryStride` elements apart: `group` heads of `headDimension` elements.
    public var queries: UnsafePointer<Float>
    /// Elements from one position's queries to the next one's.
    public var queryStride: Int
    /// Consecutive positions.
    public var queryCount: Int
    /// The position of the first query.
    public var firstPosition: Int
    /// `pages[b] + offset` is the block of positions `64 * b..<64 * (b + 1)`. Pages that no query
    /// sees are not looked at.
    public var pages: UnsafePointer<UnsafeRawPointer>
    /// Bytes from the beginning of a page to the block, a multiple of 64.
    public var offset: Int
    /// How the blocks hold keys and values.
    public var format: KVFormat
    /// Elements of a head, 1...``KernelsLimits/headDimensionMax``; for ``KVFormat/q8`` a multiple
    /// of 32.
    public var headDimension: Int
    /// Query heads, 1...``KernelsLimits/headsPerGroupMax``.
    public var group: Int
    /// What a score is multiplied by.
    public var scale: Float
    /// Positions that a query sees, its own included (it sees `j > position - window`); 0 for all.
    public var window: Int
    /// Above 0: no causal mask and no window, every query sees `0..<bidirectionalEnd` (encoders).
    public var bidirectionalEnd: Int
    /// Where rows like those of the queries go; may not overlap the inputs.
    public var out: UnsafeMutablePointer<Float>
    /// Elements from one position's result to the next one's.
    public var outStride: Int

    /// All arguments in order.
    public init(
        queries: UnsafePointer<Float>, queryStride: Int, queryCount: Int, firstPosition: Int,
        pages: UnsafePointer<UnsafeRawPointer>, offset: Int, format: KVFormat, headDimension: Int,
        group: Int, scale: Float, window: Int = 0, bidirectionalEnd: Int = 0,
        out: UnsafeMutablePointer<Float>, outStride: Int
    ) {
        self.queries = queries
        self.queryStride = queryStride
        self.queryCount = queryCount
        self.firstPosition = firstPosition
        self.pages = pages
        self.offset = offset
        self.format = format
        self.headDimension = headDimension
        self.group = group
        self.scale = scale
        self.window = window
        self.bidirectionalEnd = bidirectionalEnd
        self.out = out
        self.outStride = outStride
    }

    /// Bytes of scratch memory that one thread needs for heads of this dimension, whatever the
    /// group, the format and the number of queries.
    public static func scratchBytes(headDimension: Int) -> Int {
        Int(shoal_attend_scratch_bytes(Int64(headDimension)))
    }
}

extension KernelTable {
    /// Writes one position's key and value, `headDimension` elements each, into a block.
    ///
    /// A value of ``KVFormat/f16`` or ``KVFormat/q8`` that the format cannot hold becomes infinite
    /// or NaN, and so does what attends to it. Traps unless `slot` is in
    /// `0..<`\ ``KVBlock/positions``.
    public func storeKV(
        _ format: KVFormat, block: UnsafeMutableRawPointer, slot: Int, headDimension: Int,
        key: UnsafePointer<Float>, value: UnsafePointer<Float>
    ) {
        precondition(0..<KVBlock.positions ~= slot, "no slot of a block")
        functions.pointee.store_kv(
            format.code, block, Int64(slot), Int64(headDimension), key, value)
    }

    /// Runs `task`. `scratch` is ``AttentionTask/scratchBytes(headDimension:)`` bytes aligned to
    /// 64, used by no one else meanwhile.
    public func attend(_ task: AttentionTask, scratch: UnsafeMutableRawPointer) {
        precondition(1...KernelsLimits.headsPerGroupMax ~= task.group, "too many heads in a group")
        precondition(
            KVBlock.bytes(task.format, headDimension: task.headDimension) != nil,
            "no format for heads of this dimension")
        precondition(
            task.queryCount >= 0 && task.firstPosition >= 0 && task.window >= 0
                && task.firstPosition + task.queryCount <= KernelsLimits.positionsMax
                && task.bidirectionalEnd <= KernelsLimits.positionsMax, "no such positions")
        // An optional pointer has the layout of the pointer itself.
        let pages = UnsafeRawPointer(task.pages).assumingMemoryBound(to: UnsafeRawPointer?.self)
        var attention = shoal_attention(
            queries: task.queries, query_stride: Int64(task.queryStride),
            query_count: Int64(task.queryCount), first_position: Int64(task.firstPosition),
            pages: pages, offset: Int64(task.offset), format: task.format.code,
            head_dim: Int64(task.headDimension), group: Int64(task.group), scale: task.scale,
            window: Int64(task.window), bidirectional_end: Int64(task.bidirectionalEnd),
            out: task.out, out_stride: Int64(task.outStride))
        functions.pointee.attend(&attention, scratch)
    }
}
