#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A lock that the system releases when the process ends, however it ends.
public final class StateLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock, or says that another process has it.
    convenience init(path: String) throws(StateError) { try self.init(path, waits: false) }

    /// Takes the lock as soon as nobody else has it: for changes that take a moment.
    convenience init(waitingFor path: String) throws(StateError) {
        try self.init(path, waits: true)
    }

    private init(_ path: String, waits: Bool) throws(StateError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .system(path: path, operation: "open", reason: String(cString: strerror(errno)))
        }
        var result = flock(descriptor, waits ? LOCK_EX : LOCK_EX | LOCK_NB)
        while result != 0, errno == EINTR, waits { result = flock(descriptor, LOCK_EX) }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw .system(
                    path: path, operation: "lock", reason: String(cString: strerror(code)))
            }
            throw .inUse(path: path)
        }
        // Only now: a class whose properties are set runs `deinit` when its `init` throws, which
        // would close the descriptor twice.
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
