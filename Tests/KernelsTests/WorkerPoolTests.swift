import Kernels
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func everyChunkRunsOnceInEveryRound(threads: Int) {
        let pool = WorkerPool(threads: threads)
        #expect(pool.threadCount == threads)
        for round in 0..<300 {
            let chunks = round % 17
            let counts = Counters()
            pool.run(chunks: chunks) { counts.add($0) }
            #expect(counts.values == [Int](repeating: 1, count: chunks) + counts.zeros(chunks))
        }
    }

    @Test(arguments: [1, 2, 5])
    func splitsCoverARangeWithoutOverlap(threads: Int) {
        let pool = WorkerPool(threads: threads)
        for count in [0, 1, 2, 7, 8, 9, 31] {
            let counts = Counters()
            pool.split(count) { range in for index in range { counts.add(index) } }
            #expect(counts.values == [Int](repeating: 1, count: count) + counts.zeros(count))
        }
    }

    @Test func manyPoolsComeAndGo() {
        for _ in 0..<50 {
            let counts = Counters()
            WorkerPool(threads: 4).run(chunks: 8) { counts.add($0) }
            #expect(counts.values.reduce(0, +) == 8)
        }
    }
}

/// Counts calls per chunk, from any thread.
private final class Counters: Sendable {
    private static let size = 40
    private let counts = Mutex([Int](repeating: 0, count: size))

    var values: [Int] { counts.withLock { $0 } }

    func add(_ index: Int) { counts.withLock { $0[index] += 1 } }
    func zeros(_ after: Int) -> [Int] { [Int](repeating: 0, count: Self.size - after) }
}
