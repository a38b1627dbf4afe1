import CKernels

/// Threads that share the chunks of one task at a time; the caller is one of them.
///
/// They are the pool's own, never those of Swift's cooperative pool. Between tasks they spin for
/// some tens of microseconds, then sleep.
public final class WorkerPool: Sendable {
    // The C pool does its own locking; `run` is for one caller at a time, as documented.
    private nonisolated(unsafe) let pool: OpaquePointer?

    /// The number of threads, the caller included.
    public let threadCount: Int

    /// A pool of `threads` (1...``KernelsLimits/threadsMax``) threads, or of as many as the
    /// system grants.
    public init(threads: Int) {
        let wanted = min(max(threads, 1), KernelsLimits.threadsMax)
        pool = wanted > 1 ? shoal_pool_create(Int32(wanted)) : nil
        threadCount = pool.map { Int(shoal_pool_threads($0)) } ?? 1
    }

    deinit {
        if let pool { shoal_pool_destroy(pool) }
    }

    /// Calls `body` once with each of `0..<chunks`, on any thread, and returns when all are done.
    ///
    /// One caller at a time, and never from within `body`. What `body` writes for one chunk must
    /// not be touched for another.
    public func run(chunks: Int, _ body: (Int) -> Void) {
        guard let pool, chunks > 1 else {
            for chunk in 0..<max(chunks, 0) { body(chunk) }
            return
        }
        // The pointer is used only until `shoal_pool_run` returns, which `body` outlives.
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { pointer in
                shoal_pool_run(
                    pool, Int32(clamping: chunks),
                    { context, chunk in
                        context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int(chunk))
                    }, UnsafeMutableRawPointer(mutating: pointer))
            }
        }
    }

    /// Divides `0..<count` into at most `4 * threadCount` ranges of near equal length and calls
    /// `body` once with each. Four per thread, so that a thread held up does not hold up all.
    public func split(_ count: Int, _ body: (Range<Int>) -> Void) {
        let chunks = min(count, threadCount == 1 ? 1 : threadCount * 4)
        run(chunks: chunks) { chunk in
            body(count * chunk / chunks..<count * (chunk + 1) / chunks)
        }
    }
}
