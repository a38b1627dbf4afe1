import Foundation
import Synchronization

/// Work that is independent, on several threads.
enum Jobs {
    /// The results of all jobs in their order. Long ones should come first.
    static func run<Result: Sendable>(
        _ jobs: [@Sendable () -> Result], threads: Int,
        progress: @escaping @Sendable (_ done: Int) -> Void
    ) -> [Result] {
        let results = Mutex<[Result?]>(Array(repeating: nil, count: jobs.count))
        let next = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, jobs.count))) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < jobs.count else { return }
                let result = jobs[index]()
                results.withLock { $0[index] = result }
                progress(done.add(1, ordering: .relaxed).newValue)
            }
        }
        // Each index was taken by one thread, and all of them have come back.
        return results.withLock { $0.compactMap { $0 } }
    }
}
