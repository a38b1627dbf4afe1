import Platform
import Synchronization
import Wire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

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
    private let alarm: Alarm

    /// A thread that runs, with the loop that `make` gives on it, until ``end()``.
    init(_ make: @escaping @Sendable (GossipThread) -> GossipLoop) throws(ThreadError) {
        guard let alarm = Alarm() else { throw ThreadError() }
        self.alarm = alarm
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
        if mustWake { alarm.ring() }
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
        if mustWake { alarm.ring() }
    }

    private func turn(_ loop: GossipLoop) {
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
            alarm.wait(orReadable: loop.port.descriptor, for: due - loop.now)
            inbox.withLock { $0.isSleeping = false }
        }
    }
}

/// What a sleeping thread is woken by: a pipe, beside the socket that it also waits for.
private final class Alarm: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func ring() {
        var byte: UInt8 = 0
        // One byte, from a variable of this frame. A pipe that is full wakes too.
        _ = write(writeEnd, &byte, 1)
    }

    /// Sleeps until it rings, `descriptor` can be read, or the time is over.
    func wait(orReadable descriptor: Int32?, for time: Duration) {
        // A descriptor of -1 is not looked at.
        var polled = [
            pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        // Rounded up, so that the time has come when it is over.
        let milliseconds = (max(time, .zero).nanoseconds + 999_999) / 1_000_000
        _ = poll(&polled, 2, Int32(clamping: milliseconds))
        guard polled[0].revents != 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 64)
        // At most as many bytes as there is room for; what remains rings again.
        _ = read(readEnd, &bytes, bytes.count)
    }
}
