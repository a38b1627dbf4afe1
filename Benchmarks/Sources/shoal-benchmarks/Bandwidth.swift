import CBandwidth
import Kernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How fast this machine reads memory with the threads of a pool.
final class Bandwidth {
    private let memory: UnsafeMutableRawPointer
    private let byteCount: Int
    private let workers: WorkerPool

    private static let lineGroupBytes = 256

    /// A buffer of `bytes` bytes, a multiple of 1 MiB, that should be much larger than any cache.
    init(bytes: Int, workers: WorkerPool) throws {
        guard let memory = bandwidth_buffer(bytes) else {
            throw BenchmarkError.outOfMemory(bytes: bytes)
        }
        self.memory = memory
        byteCount = bytes
        self.workers = workers
    }

    deinit { free(memory) }

    /// Reads the buffer once and gives 10^9 bytes per second.
    func gigabytesPerSecond() throws -> Double {
        let words = UInt64(byteCount / 8)
        let groups = byteCount / Self.lineGroupBytes
        let chunks = workers.threadCount * 4
        // One line for each chunk's sum, so that no two threads write to the same.
        var sums = [UInt64](repeating: 0, count: chunks * 8)
        let memory = memory
        let begin = Clock.now(threads: workers.threadCount)
        sums.withUnsafeMutableBufferPointer { sums in
            workers.run(chunks: chunks) { chunk in
                let from = groups * chunk / chunks * Self.lineGroupBytes
                let to = groups * (chunk + 1) / chunks * Self.lineGroupBytes
                sums[chunk * 8] = bandwidth_read(memory + from, to - from)
            }
        }
        let seconds = Clock.now(threads: workers.threadCount) - begin
        let sum = sums.reduce(0, &+)
        guard sum == words &* 0x0101_0101_0101_0101 else {
            throw BenchmarkError.wrongResult("the sum of the memory read")
        }
        return Double(byteCount) / seconds / 1e9
    }
}
