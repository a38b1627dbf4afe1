import Mesh
import Platform
import Synchronization
import Trust
import Wire

/// The thread at a node's peer port. It accepts connections, asks the ``Doorman`` about each, and
/// hands on those that may make a handshake; whoever floods the port keeps this thread busy and no
/// other.
final class Door: Sendable {
    private typealias Job = @Sendable (DoorLoop) -> Void

    private struct Inbox {
        var jobs: [Job] = []
        var isOver = false
        /// Called on the thread when all is closed.
        var atEnd: (@Sendable () -> Void)?
    }

    private let inbox = Mutex(Inbox())
    private let bell: Readiness.Bell

    /// A thread that runs until ``end()``.
    ///
    /// - Parameter admit: Called on the thread with the socket of a connection that was let in, which
    ///   is its own from then on. ``released(_:)`` is to be called when its handshake is over.
    init(
        doorman: Doorman, wallClock: @escaping @Sendable () -> WallTime,
        clock: @escaping @Sendable () -> MonotonicInstant,
        admit: @escaping @Sendable (Int32, AdmittedConnection) -> Void
    ) throws(SystemError) {
        guard let bell = Readiness.Bell() else { throw SystemError(code: SystemError.noThread) }
        self.bell = bell
        _ = DescriptorLimit.raise(to: MeshTransportLimits.descriptorsWanted)
        let isRunning = Threads.start { [self] in
            run(
                DoorLoop(
                    doorman: doorman, bell: bell, wallClock: wallClock, clock: clock, admit: admit))
        }
        guard isRunning else { throw SystemError(code: SystemError.noThread) }
    }

    private func run(_ loop: DoorLoop) {
        while true {
            let (jobs, isOver, atEnd) = inbox.withLock { inbox in
                defer { inbox.jobs = [] }
                return (inbox.jobs, inbox.isOver, inbox.atEnd)
            }
            for job in jobs { job(loop) }
            if isOver {
                loop.end()
                atEnd?()
                return
            }
            loop.turn()
        }
    }

    private func execute(_ job: @escaping Job) {
        inbox.withLock { inbox in
            // The thread is gone, and with it all that the job could concern.
            guard !inbox.isOver else { return }
            inbox.jobs.append(job)
        }
        bell.ring()
    }

    /// Lets callers of a socket in from now on.
    func listen(on socket: ListeningSocket) { execute { $0.listen(on: socket) } }

    /// Judges by other keys and revocations from now on.
    func update(_ body: @escaping @Sendable (inout Doorman) -> Void) {
        execute { body(&$0.doorman) }
    }

    /// The handshake of a connection that was let in is over.
    func released(_ connection: UInt64) { execute { $0.doorman.released(connection) } }

    /// What came so far, and how many wait now.
    func counters() async -> (counted: AdmissionCounters, waiting: Int) {
        await withCheckedContinuation { continuation in
            let isAsked = inbox.withLock { inbox in
                guard !inbox.isOver else { return false }
                inbox.jobs.append { loop in
                    continuation.resume(returning: (loop.doorman.counters, loop.waiting))
                }
                return true
            }
            if isAsked { bell.ring() } else { continuation.resume(returning: (.init(), 0)) }
        }
    }

    /// Closes what listens and who waits, and ends the thread. Once.
    ///
    /// - Parameter atEnd: Called on the thread when nothing listens any more.
    func end(_ atEnd: @escaping @Sendable () -> Void) {
        inbox.withLock { inbox in
            inbox.isOver = true
            inbox.atEnd = atEnd
        }
        bell.ring()
    }
}
