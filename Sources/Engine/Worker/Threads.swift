import Platform

extension Threads {
    /// Runs `body` on a new thread and waits for what it gives; nil where the system gives none.
    static func run<R: Sendable>(niceness: Int, _ body: @escaping @Sendable () -> R) -> R? {
        let result = Monitor<R?>(nil)
        guard start(niceness: niceness, { result.set(body()) }) else { return nil }
        return result.wait { $0 }
    }
}

extension Monitor {
    /// Replaces the state and wakes a sleeper.
    func set(_ state: State) { withLock { $0 = state } }
}
