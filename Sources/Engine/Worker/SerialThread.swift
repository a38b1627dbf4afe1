import Platform

/// One thread that does what takes long, in order, so that neither tasks nor the thread that runs
/// steps wait for it: encoding prompts, loading models. Started when it is first needed.
final class SerialThread: Sendable {
    private struct State: Sendable {
        var work: [@Sendable () -> Void] = []
        var isStarted = false
        var isStopped = false
    }

    private let monitor = Monitor(State())
    private let niceness: Int

    init(niceness: Int) { self.niceness = niceness }

    /// Runs `work` after all that came before. How much may wait is bounded by whoever calls. False where the system gives no thread.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        let mustStart = monitor.withLock { state in
            state.work.append(work)
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard mustStart else { return true }
        // The thread keeps what it waits on, not the one who may let go of it.
        let monitor = monitor
        let isRunning = Threads.start(niceness: niceness) {
            // nil twice over: nothing to do yet; `.some(nil)`: stop.
            while let next = monitor.wait({ state -> (@Sendable () -> Void)?? in
                if !state.work.isEmpty { return state.work.removeFirst() }
                return state.isStopped ? .some(nil) : nil
            }) {
                next()
            }
        }
        if !isRunning {
            monitor.withLock { state in
                state.isStarted = false
                state.work = []
            }
        }
        return isRunning
    }

    /// Ends the thread once what waits is done.
    func stop() { monitor.withLock { $0.isStopped = true } }
}
