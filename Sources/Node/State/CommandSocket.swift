import Foundation
import Platform

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a node serves the commands of its own machine: a Unix socket, so that nothing of them is
/// on a network interface, and only the node's user reaches it.
///
/// It is `run/http.sock` in the node's directory. Systems bound the length of a socket's path; where
/// that is too long, a new private directory with a short name holds it, and the running node tells
/// where.
enum CommandSocket {
    /// The longest path of a socket, in bytes: 107 on Linux, 103 on macOS.
    static let pathBytesMax = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// How the private directory's name begins.
    private static let prefix = "shoal-"

    /// A place for the socket of a node that starts, with its directory made. What an earlier start
    /// left in a private directory is removed. Nil when no directory can be made.
    static func prepare(
        in files: DirectoryFiles, earlier: RunningNode?,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String? {
        if let left = earlier?.socket { remove(left, of: files) }
        let own = files.path("run/http.sock")
        if own.utf8.count <= pathBytesMax { return own }
        for base in [environment["XDG_RUNTIME_DIR"], "/tmp"].compactMap({ $0 })
        where base.hasPrefix("/") {
            if let path = privateDirectory(in: base) { return path + "/http.sock" }
        }
        return nil
    }

    private static func privateDirectory(in base: String) -> String? {
        var template = Array("\(base)/\(prefix)\(String(repeating: "X", count: 6))".utf8CString)
        // mkdtemp(3) makes it with mode 0700, and a name that nobody had in place of the letters.
        guard template.count + "/http.sock".utf8.count <= pathBytesMax + 1,
            mkdtemp(&template) != nil
        else { return nil }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a socket that a node made, with its private directory if it has one.
    static func remove(_ path: String, of files: DirectoryFiles) {
        guard path != files.path("run/http.sock") else {
            unlink(path)
            return
        }
        let parts = path.split(separator: "/")
        guard parts.count >= 2, parts.last == "http.sock",
            parts[parts.count - 2].hasPrefix(prefix)
        else { return }
        let directory = "/" + parts.dropLast().joined(separator: "/")
        guard let status = FileStatus(path: directory, followsLink: false),
            status.kind == .directory, status.owner == geteuid(), status.permissions == 0o700
        else { return }
        unlink(path)
        rmdir(directory)
    }
}
