import Foundation
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

    @Test("Rounds follow each other so fast that threads are late, and none takes another's chunk")
    func lateThreadsTakeNothingOfALaterRound() {
        let pool = WorkerPool(threads: 6)
        for round in 1...20_000 {
            // Every chunk of a round writes the round's number, and adds one.
            let chunks = 1 + round % 7
            let seen = (0..<7).map { _ in ChunkRecord() }
            pool.run(chunks: chunks) { chunk in seen[chunk].note(round) }
            for chunk in 0..<7 {
                let expected = chunk < chunks ? (round, 1) : (0, 0)
                let found = seen[chunk].value
                if found != expected { Issue.record("round \(round), chunk \(chunk): \(found)") }
            }
        }
    }

    @Test("Two pools with more threads than any machine here has cores both finish")
    func crowdedPoolsMakeProgress() async {
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let pool = WorkerPool(threads: 32)
                    let done = Atomic<Int>(0)
                    for _ in 0..<200 {
                        pool.split(1000) { range in
                            done.add(range.count, ordering: .relaxed)
                        }
                    }
                    return done.load(ordering: .relaxed)
                }
            }
            for await done in group { #expect(done == 200_000) }
        }
    }

    @Test("What a round writes is there when it ends, also after the threads have slept")
    func resultsAreVisible() {
        let pool = WorkerPool(threads: 4)
        for pause in [0, 200, 2000] as [UInt32] {
            for round in 0..<20 {
                var out = [Int](repeating: -1, count: 64)
                out.withUnsafeMutableBufferPointer { out in
                    nonisolated(unsafe) let out = out
                    pool.run(chunks: 64) { out[$0] = $0 * round }
                }
                #expect(out == (0..<64).map { $0 * round })
                usleep(pause)
            }
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

/// What one chunk saw: the last round, and how often.
private final class ChunkRecord: Sendable {
    private let state = Mutex((0, 0))

    var value: (Int, Int) { state.withLock { $0 } }
    func note(_ round: Int) { state.withLock { $0 = (round, $0.1 + 1) } }
}
