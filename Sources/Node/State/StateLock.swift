#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A lock that the system releases when the process ends, however it ends.
public final class StateLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(StateError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .system(path: path, operation: "open", reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
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
