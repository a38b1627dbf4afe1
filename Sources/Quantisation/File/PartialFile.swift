#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that appears under its name only when it is whole.
///
/// It is written under another name in the same folder, brought to the disk, and renamed. Dropped
/// before that, it leaves nothing.
struct PartialFile: ~Copyable {
    private let path: String
    private let temporary: String
    private let descriptor: Int32

    /// Creates the temporary file beside `path`.
    init(path: String) throws(QuantisationError) {
        self.path = path
        // The process's number keeps two runs apart, and tells whose leftovers a crash left.
        temporary = "\(path).partial-\(getpid())"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .output(path: path, reason: Self.reason()) }
    }

    deinit {
        close(descriptor)
        // After `commit` nothing has this name any more.
        unlink(temporary)
    }

    private static func reason() -> String { String(cString: strerror(errno)) }

    /// Appends bytes.
    borrowing func append(_ bytes: UnsafeRawBufferPointer) throws(QuantisationError) {
        var written = 0
        while written < bytes.count {
            let count = write(
                descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .output(path: path, reason: Self.reason()) }
            written += count
        }
    }

    /// Appends bytes.
    borrowing func append(_ bytes: [UInt8]) throws(QuantisationError) {
        let result = bytes.withUnsafeBytes { raw -> Result<Void, QuantisationError> in
            do throws(QuantisationError) {
                return .success(try append(raw))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Brings the file to the disk and gives it its name, in place of what had it if `replacing`.
    consuming func commit(replacing: Bool) throws(QuantisationError) {
        guard fsync(descriptor) == 0 else { throw .output(path: path, reason: Self.reason()) }
        if replacing {
            guard rename(temporary, path) == 0 else {
                throw .output(path: path, reason: Self.reason())
            }
        } else if link(temporary, path) != 0 {
            // Unlike a rename, a link never replaces what came to be there meanwhile. Where there
            // are no links, look and rename.
            if errno == EEXIST { throw .exists(path: path) }
            guard access(path, F_OK) != 0 else { throw .exists(path: path) }
            guard rename(temporary, path) == 0 else {
                throw .output(path: path, reason: Self.reason())
            }
        }
        syncFolder()
    }

    /// Brings the new name to the disk. The file is whole either way, so failures do not matter.
    private borrowing func syncFolder() {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { return }
        fsync(opened)
        close(opened)
    }

    /// Whether two paths lead to one file.
    static func isSame(_ left: String, _ right: String) -> Bool {
        var (a, b) = (stat(), stat())
        guard stat(left, &a) == 0, stat(right, &b) == 0 else { return false }
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino
    }

    /// Whether something has this name.
    static func exists(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0
    }
}
