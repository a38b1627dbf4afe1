#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Memory for kernels: aligned to 64 bytes, owned, not initialised.
///
/// Pages that are never touched cost nothing, so a buffer may be sized for the worst case.
public final class AlignedBuffer {
    /// The first byte.
    public let base: UnsafeMutableRawPointer
    /// The size, in bytes.
    public let byteCount: Int

    /// Alignment, in bytes: one cache line, one AVX-512 register.
    public static let alignment = 64

    private static let largePage = 2 << 20

    /// Reserves `byteCount` bytes.
    public init(byteCount: Int) throws(KernelError) {
        var pointer: UnsafeMutableRawPointer?
        let isLarge = byteCount >= Self.largePage
        guard byteCount >= 0,
            posix_memalign(
                &pointer, isLarge ? Self.largePage : Self.alignment,
                max(byteCount, Self.alignment)) == 0,
            let pointer
        else { throw .outOfMemory(bytes: byteCount) }
        #if os(Linux)
            // Fewer faults and fewer address translations; a system without large pages ignores it.
            if isLarge {
                madvise(pointer, byteCount / Self.largePage * Self.largePage, MADV_HUGEPAGE)
            }
        #endif
        base = pointer
        self.byteCount = byteCount
    }

    deinit { free(base) }

    /// The memory as `count` elements of a trivial type from byte `offset` on.
    ///
    /// Traps outside the buffer.
    public func elements<T: BitwiseCopyable>(
        _ type: T.Type = T.self, offset: Int = 0, count: Int
    ) -> UnsafeMutableBufferPointer<T> {
        precondition(offset >= 0 && count >= 0 && offset % MemoryLayout<T>.alignment == 0)
        precondition(offset + count * MemoryLayout<T>.stride <= byteCount, "beyond the buffer")
        return UnsafeMutableBufferPointer(
            start: (base + offset).bindMemory(to: T.self, capacity: count), count: count)
    }
}
