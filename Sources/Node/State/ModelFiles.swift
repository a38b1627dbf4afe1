import Trust
import Wire

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

    /// The digest of a model file: read whole the first time, remembered after by the file's path,
    /// size and times. Blocks.
    func modelDigest(ofFile path: String) throws(StateError) -> ModelDigest {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .system(path: path, operation: "read", reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else {
            throw .system(path: path, operation: "read", reason: String(cString: strerror(errno)))
        }
        let name = "digests/\(hexadecimal(Self.fingerprint(of: path, info)))"
        if let known = try? Self.load(files, name, "model digest", as: ModelDigest.self) {
            return known
        }
        var hasher = TreeHasher()
        var buffer = [UInt8](repeating: 0, count: TreeHasher.leafBytes)
        while true {
            let count = buffer.withUnsafeMutableBytes {
                #if canImport(Glibc)
                    Glibc.read(descriptor, $0.baseAddress, $0.count)
                #else
                    Darwin.read(descriptor, $0.baseAddress, $0.count)
                #endif
            }
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .system(
                    path: path, operation: "read", reason: String(cString: strerror(errno)))
            }
            hasher.update(Array(buffer[..<count]))
        }
        let digest = hasher.finalize()
        try Self.save(files, name, "model digest", digest.encoded)
        return digest
    }

    /// Names one state of one file: a change of content changes a time or the size.
    private static func fingerprint(of path: String, _ info: stat) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeString16(path)
        writer.writeInteger(UInt64(info.st_size))
        writer.writeInteger(UInt64(info.st_ino))
        #if canImport(Glibc)
            let times = [info.st_mtim, info.st_ctim]
        #else
            let times = [info.st_mtimespec, info.st_ctimespec]
        #endif
        for time in times {
            writer.writeInteger(UInt64(bitPattern: Int64(time.tv_sec)))
            writer.writeInteger(UInt64(bitPattern: Int64(time.tv_nsec)))
        }
        return blake2b(writer.bytes, length: 16)
    }
}
