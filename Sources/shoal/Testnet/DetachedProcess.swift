import Foundation
import Node

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Processes that outlive the command that started them.
enum DetachedProcess {
    struct SpawnError: Error, CustomStringConvertible {
        let executable: String
        let code: Int32
        var description: String { "cannot start \(executable): \(String(cString: strerror(code)))" }
    }

    /// Starts `executable` in a session of its own, so that closing the terminal or pressing ^C
    /// does not reach it, with standard input from /dev/null and both outputs appended to a file.
    /// It inherits no other descriptor.
    static func spawn(
        executable: String, arguments: [String], environment: [String: String], logPath: String
    ) throws -> Int32 {
        closeOnSpawn()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals that this command ignores, because it handles them itself, are not for the node
        // to ignore.
        var handled = sigset_t()
        sigemptyset(&handled)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&handled, signal) }
        posix_spawnattr_setsigdefault(&attributes, &handled)
        // The thread that runs this may block signals; a node would begin with them blocked.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        let flags = sessionFlag | Int(POSIX_SPAWN_SETSIGDEF) | Int(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argumentPointers = ([executable] + arguments).map { strdup($0) }
        let environmentPointers = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { (argumentPointers + environmentPointers).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(
            &pid, executable, &actions, &attributes, argumentPointers + [nil],
            environmentPointers + [nil])
        guard code == 0 else { throw SpawnError(executable: executable, code: code) }
        return pid
    }

    /// Keeps what this command was handed from those it starts: whoever waits until a pipe is closed
    /// or a lock is free would wait for as long as they run.
    private static func closeOnSpawn() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? [] {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    /// POSIX_SPAWN_SETSID, which glibc only defines for GNU sources.
    #if canImport(Glibc)
        private static let sessionFlag = 0x80
    #else
        private static let sessionFlag = 0x0400
    #endif

    /// Whether the process that wrote `node` has not ended. A process that has its number by now is
    /// told from it by the time at which it started.
    static func isRunning(_ node: RunningNode) -> Bool {
        guard isRunning(node.pid) else { return false }
        guard let started = node.processStart, let found = ProcessStart.of(node.pid) else {
            return true
        }
        return started == found
    }

    /// Whether a process with this number exists and has not ended.
    static func isRunning(_ pid: Int32) -> Bool {
        guard pid > 0 else { return false }
        var status: Int32 = 0
        // Collects the process if it is a child of this one and has ended.
        if waitpid(pid, &status, WNOHANG) == pid { return false }
        return (kill(pid, 0) == 0 || errno == EPERM) && !isZombie(pid)
    }

    /// Whether a process has ended and only its parent has not asked yet. A killed node's parent is
    /// the system's first process, which in a container may ask late or never.
    private static func isZombie(_ pid: Int32) -> Bool {
        // "PID (NAME) STATE …", where the name may hold anything. There is no such file on macOS,
        // where the first process always asks.
        guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/stat"),
            let end = line.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        return line[end...].dropFirst(2).first == UInt8(ascii: "Z")
    }
}
