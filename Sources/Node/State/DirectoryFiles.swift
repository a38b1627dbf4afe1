import Platform
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files of a state directory: written whole or not at all, read only when they are what they
/// should be. A crash at any point leaves the old content or the new.
struct DirectoryFiles: Sendable {
    let root: String

    /// The longest file read back, in bytes.
    static let fileBytesMax = 4 << 20

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func exists(_ name: String) -> Bool {
        FileStatus(path: path(name), followsLink: false) != nil
    }

    /// Creates a directory with mode 0700, parents included, unless it is there.
    func makeDirectory(_ name: String = "") throws(StateError) {
        let full = name.isEmpty ? root : path(name)
        var partial = full.hasPrefix("/") ? "" : "."
        for component in full.split(separator: "/") {
            partial += "/\(component)"
            if mkdir(partial, 0o700) != 0, errno != EEXIST {
                throw .system(path: partial, operation: "create", reason: reason())
            }
        }
    }

    /// Refuses a directory that others may write in: they could put keys of their own in place of
    /// the node's.
    func checkRoot() throws(StateError) {
        guard let status = FileStatus(path: root, followsLink: true), status.kind == .directory
        else { throw .notPlain(path: root) }
        guard Self.isOurs(status) else { throw .notOwned(path: root) }
        guard status.permissions & 0o022 == 0 else {
            throw .writable(path: root, mode: String(status.permissions, radix: 8))
        }
    }

    /// Whether the process's user owns it. The superuser may use what others own: it could anyway,
    /// and in containers it does.
    private static func isOurs(_ status: FileStatus) -> Bool {
        status.owner == geteuid() || geteuid() == 0
    }

    /// Replaces a file by `bytes`: a temporary file of mode 0600, synced, renamed, the directory
    /// synced.
    func write(_ bytes: [UInt8], to name: String) throws(StateError) {
        let target = path(name)
        let temporary = "\(target).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try create(temporary, bytes)
        guard rename(temporary, target) == 0 else {
            let why = reason()
            unlink(temporary)
            throw .system(path: target, operation: "write", reason: why)
        }
        try syncDirectory(of: target)
    }

    /// Creates a file that must not be there. Returns whether this call did: of any number of
    /// callers, in any number of processes, exactly one is told true.
    func createExclusively(_ bytes: [UInt8], at name: String) throws(StateError) -> Bool {
        let target = path(name)
        let temporary = "\(target).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try create(temporary, bytes)
        defer { unlink(temporary) }
        // link(2) is atomic and refuses an existing name; the content is whole when it appears.
        guard link(temporary, target) == 0 else {
            if errno == EEXIST { return false }
            throw .system(path: target, operation: "create", reason: reason())
        }
        try syncDirectory(of: target)
        return true
    }

    private func create(_ full: String, _ bytes: [UInt8]) throws(StateError) {
        let descriptor = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .system(path: full, operation: "create", reason: reason())
        }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                #if canImport(Glibc)
                    Glibc.write(descriptor, $0.baseAddress, $0.count)
                #else
                    Darwin.write(descriptor, $0.baseAddress, $0.count)
                #endif
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                let why = reason()
                unlink(full)
                throw .system(path: full, operation: "write", reason: why)
            }
            offset += count
        }
        guard fsync(descriptor) == 0 else {
            let why = reason()
            unlink(full)
            throw .system(path: full, operation: "sync", reason: why)
        }
    }

    private func syncDirectory(of full: String) throws(StateError) {
        let parent = full.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        let descriptor = open(parent.isEmpty ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .system(path: parent, operation: "open", reason: reason())
        }
        defer { close(descriptor) }
        fsync(descriptor)
    }

    /// The whole of a file. A `secret` must be the owner's alone; a link is never followed, and what
    /// is no regular file is not opened: a pipe would wait for somebody to write, a device may act.
    func read(_ name: String, secret: Bool = false) throws(StateError) -> [UInt8] {
        let full = path(name)
        if let status = FileStatus(path: full, followsLink: false), status.kind != .regular {
            throw .notPlain(path: full)
        }
        // Not blocking, in case it was replaced meanwhile.
        let descriptor = open(full, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw .missing(path: full)
            case ELOOP: throw .notPlain(path: full)
            default: throw .system(path: full, operation: "read", reason: reason())
            }
        }
        defer { close(descriptor) }
        guard let status = FileStatus(descriptor: descriptor), status.kind == .regular else {
            throw .notPlain(path: full)
        }
        if secret, !Self.isOurs(status) { throw .notOwned(path: full) }
        if secret, status.permissions & 0o077 != 0 {
            throw .exposed(path: full, mode: String(status.permissions, radix: 8))
        }
        guard status.byteCount <= UInt64(Self.fileBytesMax) else {
            throw .damaged(path: full, reason: "it is larger than any file of its kind")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= Self.fileBytesMax {
            let count = buffer.withUnsafeMutableBytes {
                #if canImport(Glibc)
                    Glibc.read(descriptor, $0.baseAddress, $0.count)
                #else
                    Darwin.read(descriptor, $0.baseAddress, $0.count)
                #endif
            }
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .system(path: full, operation: "read", reason: reason())
            }
            bytes += buffer[..<count]
        }
        throw .damaged(path: full, reason: "it is larger than any file of its kind")
    }

    /// When a file last changed, in seconds since 1970; nil when it is not there.
    func changed(_ name: String) -> UInt64? {
        FileStatus(path: path(name), followsLink: false).map { UInt64(max(0, $0.modified[0])) }
    }

    /// What changes whenever a file is replaced; empty when it is not there.
    func stamp(_ name: String) -> [UInt64] {
        guard let status = FileStatus(path: path(name), followsLink: false) else { return [] }
        return [status.inode, status.byteCount]
            + (status.modified + status.changed).map { UInt64(bitPattern: $0) }
    }

    /// The size of any file, links followed, in bytes; nil when it is not there.
    static func byteCount(ofFile path: String) -> Int? {
        FileStatus(path: path, followsLink: true).map { Int(clamping: $0.byteCount) }
    }

    func remove(_ name: String) { unlink(path(name)) }

    /// The names in a directory, sorted; none when it is not there.
    func list(_ name: String) -> [String] {
        guard let directory = opendir(path(name)) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let text = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if text != ".", text != ".." { names.append(text) }
        }
        return names.sorted()
    }

    private func reason() -> String { String(cString: strerror(errno)) }
}

/// A value kept in a file of its own: what it is, its bytes, and a checksum, so that a half-written
/// or foreign file is never taken for it.
enum Envelope {
    static func seal(_ kind: String, _ bytes: [UInt8], checksum: ([UInt8]) -> [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeString16(kind)
        writer.writeBytes32(bytes)
        return writer.bytes + checksum(writer.bytes)
    }

    /// The content of a file that may be of any of `kinds`, and of which it is.
    static func open(
        oneOf kinds: [String], _ file: [UInt8], path: String, checksum: ([UInt8]) -> [UInt8]
    ) throws(StateError) -> (kind: String, bytes: [UInt8]) {
        var reader = ByteReader(file)
        do {
            let found = try reader.readString16(field: "kind", limit: 64)
            let bytes = try reader.readBytes32(field: "content", limit: DirectoryFiles.fileBytesMax)
            let body = Array(file[..<reader.consumed])
            guard Array(reader.readRest()) == checksum(body) else {
                throw StateError.damaged(path: path, reason: "its checksum does not match")
            }
            guard kinds.contains(found) else {
                throw StateError.damaged(
                    path: path, reason: "it holds a \(found), not a \(kinds[0])")
            }
            return (found, Array(bytes))
        } catch let error as StateError {
            throw error
        } catch {
            throw .damaged(path: path, reason: "it is cut short")
        }
    }
}
