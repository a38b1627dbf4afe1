import CKernels

/// What this machine can do at most, to measure kernels against: reading memory, and multiplying
/// and adding bytes.
public final class MachineProbe {
    private let memory: AlignedBuffer
    private let workers: WorkerPool
    private let now: () -> Double

    /// Bytes that one group of loads reads.
    private static let groupBytes = 256
    /// Rounds of dot products of one measurement: some milliseconds.
    private static let rounds: Int64 = 1_000_000

    /// A probe with a buffer of `bytes`, which should be much larger than any cache, read by the
    /// threads of `workers`. Throws if the system refuses the memory.
    ///
    /// - Parameter now: the time in seconds; time that goes by, unless given.
    public init(
        bytes: Int, workers: WorkerPool, now: (() -> Double)? = nil
    ) throws(KernelError) {
        let begin = ContinuousClock.now
        self.now = now ?? { Self.seconds(ContinuousClock.now - begin) }
        memory = try AlignedBuffer(byteCount: max(bytes, 1 << 20))
        self.workers = workers
        // Pages that were never written may all be one page of zeros, which a cache would hold.
        for word in 0..<memory.byteCount / 8 {
            memory.base.storeBytes(of: 1, toByteOffset: word * 8, as: UInt64.self)
        }
    }

    /// Bytes per second that all threads together read: once through the buffer.
    public func readBytesPerSecond() -> Double {
        let groups = memory.byteCount / Self.groupBytes
        let chunks = workers.threadCount * 4
        // One line for each chunk's sum, so that no two threads write to the same.
        var sums = [UInt64](repeating: 0, count: chunks * 8)
        let base = memory.base
        let begin = now()
        sums.withUnsafeMutableBufferPointer { sums in
            workers.run(chunks: chunks) { chunk in
                let from = groups * chunk / chunks * Self.groupBytes
                let to = groups * (chunk + 1) / chunks * Self.groupBytes
                sums[chunk * 8] = shoal_probe_read(base + from, Int64(to - from))
            }
        }
        let seconds = now() - begin
        precondition(
            sums.reduce(0, &+) == UInt64(groups * Self.groupBytes / 8), "memory changed")
        return Double(groups * Self.groupBytes) / seconds
    }

    /// Multiplications and additions of bytes per second, all threads together.
    public func int8OperationsPerSecond() -> Double {
        let threads = workers.threadCount
        var done = [Int64](repeating: 0, count: threads * 8)
        let begin = now()
        done.withUnsafeMutableBufferPointer { done in
            workers.run(chunks: threads) { chunk in
                var sink = Int32(chunk)
                done[chunk * 8] = shoal_probe_int8(Self.rounds, &sink)
            }
        }
        return Double(done.reduce(0, +)) / (now() - begin)
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}
