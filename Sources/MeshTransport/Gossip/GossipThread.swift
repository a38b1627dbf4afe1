import Platform
import Synchronization
import Wire

/// The thread of a node's gossip: it alone touches the ``GossipLoop``. In each turn it does what
/// others asked of it, reads the socket until nothing is left, and only then looks at the time, so
/// that what waited in the socket during a pause is known before anything that depends on its
/// absence is concluded. Between turns it sleeps.
final class GossipThread: Sendable {
    typealias Job = @Sendable (GossipLoop) -> Void

    private struct Inbox {
        var jobs: [Job] = []
        var isSleeping = false
        var isOver = false
    }

    private let inbox = Mutex(Inbox())
    private let bell: Readiness.Bell

    /// A thread that runs, with the loop that `make` gives on it, until ``end()``.
    init(_ make: @escaping @Sendable (GossipThread) -> GossipLoop) throws(ThreadError) {
        guard let bell = Readiness.Bell() else { throw ThreadError() }
        self.bell = bell
        guard Threads.start({ [self] in turn(make(self)) }) else { throw ThreadError() }
    }

    /// The system gave no thread, or nothing to wake it with.
    struct ThreadError: Error, CustomStringConvertible {
        var description: String { "the system refuses a thread for gossip" }
    }

    /// Has the thread do something soon, in the order in which it was asked. After ``end()`` nothing
    /// is done.
    func execute(_ job: @escaping Job) {
        let mustWake = inbox.withLock { inbox in
            guard !inbox.isOver else { return false }
            inbox.jobs.append(job)
            defer { inbox.isSleeping = false }
            return inbox.isSleeping
        }
        if mustWake { bell.ring() }
    }

    /// Has the thread do something and waits for what it gives. Not after ``end()``.
    func run<R: Sendable>(_ body: @escaping @Sendable (GossipLoop) -> R) async -> R {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: body($0)) }
        }
    }

    /// Ends the thread once what waits is done.
    func end() {
        let mustWake = inbox.withLock { inbox in
            inbox.isOver = true
            defer { inbox.isSleeping = false }
            return inbox.isSleeping
        }
        if mustWake { bell.ring() }
    }

    private func turn(_ loop: GossipLoop) {
        var readiness = Readiness(bell: bell)
        var watched: Int32?
        while true {
            let (jobs, isOver) = inbox.withLock { inbox in
                defer { inbox.jobs = [] }
                return (inbox.jobs, inbox.isOver)
            }
            for job in jobs { job(loop) }
            if isOver { return }
            let due = loop.turn()
            let maySleep = inbox.withLock { inbox in
                inbox.isSleeping = inbox.jobs.isEmpty && !inbox.isOver
                return inbox.isSleeping
            }
            guard maySleep else { continue }
            // A port that is opened anew has another socket.
            if loop.port.descriptor != watched {
                if let watched { readiness.forget(watched) }
                watched = loop.port.descriptor
                if let watched { readiness.watch(watched, as: 0) }
            }
            _ = readiness.wait(for: due - loop.now)
            inbox.withLock { $0.isSleeping = false }
        }
    }
}
