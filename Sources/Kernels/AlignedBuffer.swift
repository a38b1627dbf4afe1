#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Memory for kernels: aligned to 64 bytes, owned, not initialised.
///
/// Pages that are never touched cost nothing, so a buffer may be sized for the worst case. A large
/// buffer is aligned to 2 MiB and the system is asked for pages of that size: a product that reads
/// all weights once would else spend a part of its time on translating addresses.
public final class AlignedBuffer {
    /// The first byte.
    public let base: UnsafeMutableRawPointer
    /// The size, in bytes.
    public let byteCount: Int
    /// What was mapped from `base` on, in bytes; 0 if the memory is from the heap.
    private let mappedBytes: Int

    /// Alignment, in bytes: one cache line, one AVX-512 register.
    public static let alignment = 64
    /// The size of a large page, in bytes; a buffer of less is from the heap.
    public static let largePage = 1 << 21

    /// Reserves `byteCount` bytes.
    public init(byteCount: Int) throws(KernelError) {
        guard byteCount >= 0, byteCount <= KernelsLimits.matrixBytesMax else {
            throw .outOfMemory(bytes: byteCount)
        }
        self.byteCount = byteCount
        if byteCount >= Self.largePage {
            (base, mappedBytes) = try Self.map(byteCount)
        } else {
            var pointer: UnsafeMutableRawPointer?
            guard posix_memalign(&pointer, Self.alignment, max(byteCount, Self.alignment)) == 0,
                let pointer
            else { throw .outOfMemory(bytes: byteCount) }
            (base, mappedBytes) = (pointer, 0)
        }
    }

    deinit {
        if mappedBytes > 0 {
            munmap(base, mappedBytes)
        } else {
            free(base)
        }
    }

    /// Maps `byteCount` bytes from a multiple of ``largePage`` on.
    private static func map(
        _ byteCount: Int
    ) throws(KernelError) -> (base: UnsafeMutableRawPointer, bytes: Int) {
        // The system's pages are at most 64 KiB; what is mapped ends at a multiple of that.
        let bytes = (byteCount + 0xffff) & ~0xffff
        let all = mmap(
            nil, bytes + largePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let all, all != MAP_FAILED else {
            throw .outOfMemory(bytes: byteCount)
        }
        // Too much by one large page, so that an aligned part is inside; the rest goes back.
        let before = -Int(bitPattern: all) & (largePage - 1)
        let base = all + before
        if before > 0 { munmap(all, before) }
        munmap(base + bytes, largePage - before)
        #if os(Linux)
            // Refused where the system has none: the memory is then as any other.
            _ = madvise(base, bytes, MADV_HUGEPAGE)
        #endif
        return (base, bytes)
    }

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
