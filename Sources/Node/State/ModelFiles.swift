import Platform
import Secrets
import Trust
public import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension StateDirectory {
    /// The model files in the directory's own `models`, as paths.
    var modelFiles: [String] {
        files.list("models").filter { $0.hasSuffix(".gguf") }.map { files.path("models/\($0)") }
    }

    /// The digest that names the model in a file, computed once and kept in `digests/` under the
    /// file's path, size, inode and times of last change, in nanoseconds. A file that changed in any
    /// of these is read again.
    ///
    /// Blocks while it reads: about 1.5 seconds per gigabyte. A file that changes meanwhile is
    /// refused, so that a half-copied model never gets a name.
    ///
    /// - Parameter progress: Called after each mebibyte with the bytes read and the bytes in all;
    ///   returns false to give up.
    public func modelDigest(
        ofFile path: String,
        progress: (_ bytesRead: UInt64, _ bytesTotal: UInt64) -> Bool = { _, _ in true }
    ) throws(StateError) -> ModelDigest {
        let descriptor = openForReading(path)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .noModel(path: path) }
            throw .system(path: path, operation: "open", reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        guard let before = FileStatus(descriptor: descriptor), before.kind == .regular else {
            throw .noModel(path: path)
        }
        // The key is a digest because a path may be longer than a file's name.
        let name =
            "digests/\(hexadecimal(blake2b(before.encoded(path: absolute(path)), length: 16)))"
        if let bytes = try? Self.load(files, name, "model digest"), let known = ModelDigest(bytes) {
            return known
        }
        var hasher = TreeHasher()
        var buffer = [UInt8](repeating: 0, count: TreeHasher.leafBytes)
        var bytesRead: UInt64 = 0
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .system(
                    path: path, operation: "read", reason: String(cString: strerror(errno)))
            }
            hasher.update(count == buffer.count ? buffer : Array(buffer[..<count]))
            bytesRead += UInt64(count)
            guard progress(bytesRead, before.byteCount) else {
                throw .invalid("reading \(path) was given up")
            }
        }
        guard bytesRead == before.byteCount,
            before.isUnchanged(FileStatus(descriptor: descriptor))
        else { throw .changed(path: path) }
        let digest = hasher.finalize()
        // A directory that cannot be written to costs the next start its time, not this one its model.
        try? Self.save(files, name, "model digest", digest.bytes)
        return digest
    }

    private func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// Opens for reading; outside the extension, where `open` is the directory's own. Not blocking, in
/// case the path is a pipe.
private func openForReading(_ path: String) -> Int32 {
    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
}

/// By what a file is taken for unchanged: its length, its number, and when it was changed.
extension FileStatus {
    func isUnchanged(_ later: FileStatus?) -> Bool {
        guard let later else { return false }
        return byteCount == later.byteCount && inode == later.inode && times == later.times
    }

    /// Of its content, then of the inode.
    private var times: [Int64] { modified + changed }

    func encoded(path: String) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeBytes(Array("shoal digest cache v1".utf8))
        writer.writeInteger(byteCount)
        writer.writeInteger(inode)
        for time in times { writer.writeInteger(UInt64(bitPattern: time)) }
        writer.writeBytes(Array(path.utf8))
        return writer.bytes
    }
}
